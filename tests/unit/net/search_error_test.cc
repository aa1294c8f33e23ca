#include "libclient/net/search_error.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace curator::net {
namespace {

using ::testing::HasSubstr;

EndpointReport Report(Verdict verdict, absl::Duration elapsed = absl::Milliseconds(1)) {
  EndpointReport report;
  report.verdict = verdict;
  report.elapsed = elapsed;
  return report;
}

Error Unreachable(const std::vector<EndpointReport>& reports) {
  Error error = DescribeError(NoLeaderError(reports, /*hopeless=*/false, absl::Seconds(1)));
  EXPECT_EQ(error.code, ErrorCode::kUnreachable);
  return error;
}

TEST(SearchError, NothingIsSaidOfWhatWasNotFoundOut) {
  constexpr char kTooShort[] = "in the time given";
  EXPECT_THAT(Unreachable({}).cause, HasSubstr(kTooShort));
  const EndpointReport under_way = Report(Verdict::kUnknown, absl::ZeroDuration());
  EXPECT_THAT(Unreachable({under_way, under_way}).cause, HasSubstr(kTooShort));
}

TEST(SearchError, WhoRefusesIsToldFromWhoDoesNotAnswer) {
  const EndpointReport refused = Report(Verdict::kRefused);
  const EndpointReport silent = Report(Verdict::kUnreachable);
  EXPECT_THAT(Unreachable({refused, refused}).cause, HasSubstr("nothing listens there"));
  EXPECT_THAT(Unreachable({refused, silent}).cause, HasSubstr("the others do not answer"));
  EXPECT_THAT(Unreachable({silent, silent}).cause, HasSubstr("the hosts are down"));
}

TEST(SearchError, AClaimWithoutProofIsUntrustedWhereItStandsForTheCluster) {
  EndpointReport claim = Report(Verdict::kUnproven);
  claim.address = "10.0.0.1:7835";
  claim.node_id = "metropolis-a";
  EndpointReport follower = Report(Verdict::kFollower);
  const auto of = [](const std::vector<EndpointReport>& reports) {
    return DescribeError(NoLeaderError(reports, /*hopeless=*/false, absl::Seconds(1)));
  };
  for (const Verdict verdict : {Verdict::kUnproven, Verdict::kFalseLeader}) {
    claim.verdict = verdict;
    // Nobody else answers.
    EXPECT_EQ(of({claim}).code, ErrorCode::kUntrusted);
    EXPECT_EQ(of({Report(Verdict::kRefused), claim}).code, ErrorCode::kUntrusted);
    // The followers name it.
    follower.leader_id = "metropolis-a";
    EXPECT_EQ(of({follower, claim}).code, ErrorCode::kUntrusted);
    // They name another: there is a cluster, and it has no leader now.
    follower.leader_id = "metropolis-b";
    EXPECT_EQ(of({follower, claim}).code, ErrorCode::kNoLeader);
    EXPECT_EQ(of({Report(Verdict::kNoAddress), claim}).code, ErrorCode::kNoLeader);
    EXPECT_TRUE(MayBeProvedYet(of({claim})));
  }
  EXPECT_FALSE(MayBeProvedYet(of({Report(Verdict::kWrongCa)})));
}

}  // namespace
}  // namespace curator::net
