#include "cli/error_text.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/cli/json.h"

namespace curator::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Error NoLeader() {
  Error error;
  error.code = ErrorCode::kNoLeader;
  error.message = "no curator is leading";
  error.cause = "the leader stopped and no new one has been elected yet";
  error.method = "Management.GetNodes";
  error.attempts = 6;
  error.waited = absl::Milliseconds(30040);
  EndpointReport follower;
  follower.address = "10.0.1.6:7835";
  follower.phase = Phase::kRole;
  follower.verdict = Verdict::kFollower;
  follower.leader_id = "metropolis-aa";
  follower.elapsed = absl::Milliseconds(14);
  EndpointReport refused;
  refused.address = "10.0.1.5:7835";
  refused.phase = Phase::kConnect;
  refused.verdict = Verdict::kRefused;
  refused.tries = 9;
  error.endpoints = {follower, refused};
  return error;
}

TEST(ErrorText, HasThreePartsForPeople) {
  EXPECT_EQ(ErrorForPeople(MakeError(NoLeader()), {"lab", false}),
            "error: no curator is leading cluster \"lab\" (exit 8, waited 30s, 6 attempts)\n"
            "  what:  10.0.1.6:7835 follows metropolis-aa\n"
            "         10.0.1.5:7835 refuses connections (9 tries)\n"
            "  why:   the leader stopped and no new one has been elected yet\n"
            "  do:    curatorctl wait --for leader --timeout 2m     if it does not end: curatorctl "
            "cluster status\n");
}

TEST(ErrorText, NamesTheFlagThatBelievesALeaderWithoutProof) {
  Error error;
  error.code = ErrorCode::kUntrusted;
  error.message = "10.0.1.5:7835 (metropolis-aa) says that it leads, without proof";
  EndpointReport report;
  report.address = "10.0.1.5:7835";
  report.node_id = "metropolis-aa";
  report.verdict = Verdict::kUnproven;
  error.endpoints = {report};
  const std::string text = ErrorForPeople(MakeError(error), {"lab", false});
  EXPECT_THAT(text, HasSubstr("(exit 7)"));
  EXPECT_THAT(text, HasSubstr("--accept-unproven"));
  EXPECT_THAT(text, HasSubstr("10.0.1.5:7835 (metropolis-aa) says that it leads"));
  error.endpoints[0].verdict = Verdict::kFalseLeader;
  EXPECT_THAT(ErrorForPeople(MakeError(error), {"lab", false}),
              Not(HasSubstr("--accept-unproven")));
}

TEST(ErrorText, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(ErrorForPeople(Failure(ExitCode::kRefused, "it is so"), {}),
            "error: it is so (exit 9)\n");
}

TEST(ErrorText, LetsNobodyMoveTheCursor) {
  const std::string text = ErrorForPeople(Failure(ExitCode::kError, "a\x1b[2Jb\rc"), {});
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
  EXPECT_THAT(ErrorForPeople(Failure(ExitCode::kError, "a"), {"", true}), HasSubstr("\x1b[31m"));
}

TEST(ErrorText, IsOneJsonObjectForPrograms) {
  google::protobuf::Struct json;
  ASSERT_TRUE(ParseJson(ErrorAsJson(MakeError(NoLeader()), {"lab", false}), &json));
  const auto& fields = json.fields();
  EXPECT_EQ(fields.at("apiVersion").string_value(), "curatorctl/v1");
  EXPECT_EQ(fields.at("kind").string_value(), "Error");
  EXPECT_EQ(fields.at("code").string_value(), "NO_LEADER");
  EXPECT_EQ(fields.at("exit_code").number_value(), 8);
  EXPECT_TRUE(fields.at("retryable").bool_value());
  EXPECT_EQ(fields.at("context").string_value(), "lab");
  const auto& request = fields.at("request").struct_value().fields();
  EXPECT_EQ(request.at("method").string_value(), "Management.GetNodes");
  EXPECT_EQ(request.at("attempts").number_value(), 6);
  EXPECT_FALSE(request.at("sent").bool_value());
  const auto& endpoint = fields.at("endpoints").list_value().values(0).struct_value().fields();
  EXPECT_EQ(endpoint.at("address").string_value(), "10.0.1.6:7835");
  EXPECT_EQ(endpoint.at("verdict").string_value(), "follower");
  EXPECT_EQ(endpoint.at("phase").string_value(), "role");
  EXPECT_EQ(endpoint.at("elapsed_ms").number_value(), 14);
}

TEST(ErrorText, StaysJsonWhateverAServerSays) {
  google::protobuf::Struct json;
  EXPECT_TRUE(
      ParseJson(ErrorAsJson(Failure(ExitCode::kError, "\xff\x01\"\\\n\xed\xa0\x80"), {}), &json));
}

}  // namespace
}  // namespace curator::cli
