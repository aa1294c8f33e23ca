#include "cli/exit_code.h"

#include <set>

#include "gtest/gtest.h"

namespace curator::cli {
namespace {

TEST(ExitCode, EachCauseHasItsOwn) {
  const std::vector<std::pair<ErrorCode, int>> table = {
      {ErrorCode::kInternal, 1},     {ErrorCode::kInvalidArgument, 2},
      {ErrorCode::kNotFound, 3},     {ErrorCode::kNoCredentials, 4},
      {ErrorCode::kDenied, 5},       {ErrorCode::kUnreachable, 6},
      {ErrorCode::kUntrusted, 7},    {ErrorCode::kNoLeader, 8},
      {ErrorCode::kRefused, 9},      {ErrorCode::kTimeout, 10},
      {ErrorCode::kUnsupported, 12}, {ErrorCode::kUnknownOutcome, 14},
      {ErrorCode::kCancelled, 130},
  };
  for (const auto& [code, number] : table) {
    Error error;
    error.code = code;
    error.message = "m";
    EXPECT_EQ(static_cast<int>(ExitCodeOf(MakeError(error))), number) << ToString(code);
  }
}

TEST(ExitCode, OfAFailureOfOurOwnIsTheOneItWasGiven) {
  const absl::Status status = Failure(ExitCode::kNotConfirmed, "m", "c", {"h"});
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kNotConfirmed);
  EXPECT_EQ(DescribeError(status).message, "m");
  EXPECT_EQ(DescribeError(status).cause, "c");
}

TEST(ExitCode, OfOkIsZeroAndOfAForeignStatusTheNearest) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), ExitCode::kOk);
  EXPECT_EQ(ExitCodeOf(absl::InternalError("x")), ExitCode::kError);
}

TEST(ExitCode, AllAreExplained) {
  std::set<int> codes;
  for (const ExitCodeMeaning& meaning : ExitCodeMeanings()) {
    EXPECT_TRUE(codes.insert(static_cast<int>(meaning.code)).second);
  }
  EXPECT_EQ(codes,
            (std::set<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 20, 130, 141, 143}));
}

}  // namespace
}  // namespace curator::cli
