#include "curator/error.h"

#include <set>

#include "gtest/gtest.h"

namespace curator {
namespace {

TEST(Error, TravelsWholeInAStatus) {
  Error error;
  error.code = ErrorCode::kNoLeader;
  error.message = "no curator is leading";
  error.cause = "why";
  error.hints = {"a", "b"};
  error.method = "Management.GetNodes";
  error.attempts = 6;
  error.sent = true;
  error.waited = absl::Milliseconds(30001);
  EndpointReport report;
  report.address = "10.0.0.1:7835";
  report.phase = Phase::kRole;
  report.verdict = Verdict::kFollower;
  report.detail = "follower of x";
  report.node_id = "y";
  report.leader_id = "x";
  report.elapsed = absl::Microseconds(1500);
  report.tries = 3;
  error.endpoints = {report};

  const absl::Status status = MakeError(error);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), error.message);
  const Error again = DescribeError(status);
  EXPECT_EQ(again.code, error.code);
  EXPECT_EQ(again.message, error.message);
  EXPECT_EQ(again.cause, error.cause);
  EXPECT_EQ(again.hints, error.hints);
  EXPECT_EQ(again.method, error.method);
  EXPECT_EQ(again.attempts, error.attempts);
  EXPECT_EQ(again.sent, error.sent);
  EXPECT_EQ(again.waited, error.waited);
  ASSERT_EQ(again.endpoints.size(), 1u);
  EXPECT_EQ(again.endpoints[0].address, report.address);
  EXPECT_EQ(again.endpoints[0].phase, report.phase);
  EXPECT_EQ(again.endpoints[0].verdict, report.verdict);
  EXPECT_EQ(again.endpoints[0].detail, report.detail);
  EXPECT_EQ(again.endpoints[0].node_id, report.node_id);
  EXPECT_EQ(again.endpoints[0].leader_id, report.leader_id);
  EXPECT_EQ(again.endpoints[0].elapsed, report.elapsed);
  EXPECT_EQ(again.endpoints[0].tries, report.tries);
}

TEST(Error, ForeignStatusBecomesTheNearestCode) {
  const Error error = DescribeError(absl::PermissionDeniedError("no"));
  EXPECT_EQ(error.code, ErrorCode::kDenied);
  EXPECT_EQ(error.message, "no");
}

TEST(Error, NamesAreDistinct) {
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(ErrorCode::kCancelled); ++i) {
    EXPECT_TRUE(names.insert(ToString(static_cast<ErrorCode>(i))).second);
  }
  for (int i = 0; i <= static_cast<int>(Verdict::kUnknown); ++i) {
    EXPECT_TRUE(names.insert(ToString(static_cast<Verdict>(i))).second);
  }
  for (int i = 0; i <= static_cast<int>(Phase::kRpc); ++i) {
    EXPECT_TRUE(names.insert(ToString(static_cast<Phase>(i))).second);
  }
}

}  // namespace
}  // namespace curator
