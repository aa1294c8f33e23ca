// Probe and trust on first use: what each endpoint turns out to be.
#include "curator/probe.h"

#include "tests/unit/net/client_fixture.h"
#include "tests/unit/net/sockets.h"

namespace curator {
namespace {

using testing_support::Call;
using testing_support::ClientTest;
using testing_support::DeafListener;
using testing_support::NewLoopbackHost;
using testing_support::ScriptedCurator;
using testing_support::TestCa;
using testing_support::TextListener;
using testing_support::Verdictless;

class ProbeTest : public ClientTest {
 protected:
  ProbeOptions OptionsToProbe(std::vector<std::string> endpoints) const {
    ProbeOptions options;
    options.endpoints = std::move(endpoints);
    options.ca = ca_.ca();
    options.identity = ca_.IssueUser();
    options.timeout = absl::Seconds(1);
    return options;
  }
};

TEST_F(ProbeTest, NamesWhatEachEndpointIs) {
  ScriptedCurator& leader = AddCurator();
  ScriptedCurator& follower = AddCurator();
  ScriptedCurator& silent = AddCurator();
  ScriptedCurator& stale = AddCurator();
  ScriptedCurator& liar = AddCurator();
  leader.Lead(7);
  follower.Follow(leader);
  silent.SetSilent(true);
  silent.Lead(6);
  stale.Lead(5);
  stale.SetHandler([](const Call&) -> Verdictless {
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "lost leadership");
  });
  liar.ClaimFalsely(99);
  const TestCa other;
  ScriptedCurator stranger(other);
  stranger.Lead(7);
  const DeafListener black_hole(/*full=*/true);
  const DeafListener stopped(/*full=*/false);
  const TextListener text;

  const struct {
    std::string endpoint;
    Phase phase;
    Verdict verdict;
  } cases[] = {
      {leader.address(), Phase::kRpc, Verdict::kLeader},
      {follower.address(), Phase::kRole, Verdict::kFollower},
      {silent.address(), Phase::kRole, Verdict::kSilent},
      {stale.address(), Phase::kRpc, Verdict::kStaleLeader},
      {liar.address(), Phase::kRpc, Verdict::kStaleLeader},
      {stranger.address(), Phase::kIdentity, Verdict::kWrongCa},
      {black_hole.address(), Phase::kConnect, Verdict::kUnreachable},
      {stopped.address(), Phase::kTls, Verdict::kUnreachable},
      {text.address(), Phase::kTls, Verdict::kNotTls},
      {NewLoopbackHost(), Phase::kConnect, Verdict::kRefused},
      {"no-such-host.invalid", Phase::kResolve, Verdict::kUnresolvable},
      {"not:an:endpoint", Phase::kResolve, Verdict::kUnresolvable},
  };
  ProbeOptions options = OptionsToProbe({});
  for (const auto& c : cases) options.endpoints.push_back(c.endpoint);
  const absl::Time began_at = absl::Now();
  const std::vector<ProbeResult> results = Probe(options);
  EXPECT_LT(absl::Now() - began_at, absl::Seconds(3));
  ASSERT_EQ(results.size(), std::size(cases));
  for (size_t i = 0; i < results.size(); ++i) {
    const EndpointReport& report = results[i].endpoint;
    EXPECT_EQ(report.verdict, cases[i].verdict)
        << cases[i].endpoint << " is " << ToString(report.verdict) << ": " << report.detail;
    EXPECT_EQ(report.phase, cases[i].phase) << cases[i].endpoint << ": " << report.detail;
  }
  EXPECT_EQ(results[0].endpoint.node_id, leader.node_id());
  EXPECT_EQ(results[0].term, 7);
  EXPECT_EQ(results[1].endpoint.leader_id, leader.node_id());
  EXPECT_EQ(results[1].leader_address, leader.address());
}

TEST_F(ProbeTest, SaysThatOurCertificateIsRejected) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  leader.SetHandler([](const Call&) -> Verdictless {
    return grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "not of this cluster");
  });
  const std::vector<ProbeResult> results = Probe(OptionsToProbe({leader.address()}));
  EXPECT_EQ(results[0].endpoint.verdict, Verdict::kRejectedOurCertificate);
}

TEST_F(ProbeTest, ConfirmsNothingWithoutACertificate) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  ProbeOptions options = OptionsToProbe({leader.address()});
  options.identity.reset();
  const std::vector<ProbeResult> results = Probe(options);
  EXPECT_EQ(results[0].endpoint.verdict, Verdict::kUnknown);
  EXPECT_EQ(results[0].endpoint.leader_id, leader.node_id());
  EXPECT_TRUE(leader.calls().empty());
}

class FetchCa : public ClientTest {};

TEST_F(FetchCa, TakesTheCaThatTheConnectionItselfProves) {
  ScriptedCurator& follower = AddCurator();
  ScriptedCurator& leader = AddCurator();
  follower.Follow(leader);
  const DeafListener black_hole(/*full=*/true);
  const absl::StatusOr<OfferedCa> offer =
      FetchClusterCa({black_hole.address(), follower.address()}, "", Within(absl::Seconds(5)));
  ASSERT_TRUE(offer.ok()) << offer.status();
  EXPECT_EQ(offer->ca.sha256(), ca_.ca().sha256());
  EXPECT_EQ(offer->endpoint, follower.address());
  EXPECT_EQ(offer->node_id, follower.node_id());
}

TEST_F(FetchCa, RefusesAnotherCaThanThePinnedOne) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  const TestCa other;
  const absl::Time began_at = absl::Now();
  const Error error = ErrorOf(
      FetchClusterCa({leader.address()}, other.ca().sha256(), Within(absl::Seconds(30))).status());
  EXPECT_LT(absl::Now() - began_at, absl::Seconds(5));
  EXPECT_EQ(error.code, ErrorCode::kUntrusted);
  EXPECT_THAT(error.endpoints[0].detail, testing::HasSubstr(ca_.ca().sha256()));
}

TEST_F(FetchCa, RefusesACaThatDidNotIssueTheConnectionsCertificate) {
  ScriptedCurator& leader = AddCurator();
  const TestCa other;
  leader.ca_der = other.ca().der();
  leader.Lead(7);
  const Error error =
      ErrorOf(FetchClusterCa({leader.address()}, "", Within(absl::Seconds(30))).status());
  EXPECT_EQ(error.code, ErrorCode::kUntrusted);
  leader.ca_der = "garbage";
  EXPECT_EQ(
      ErrorOf(FetchClusterCa({leader.address()}, "", Within(absl::Seconds(30))).status()).code,
      ErrorCode::kUntrusted);
}

TEST_F(FetchCa, KeepsItsDeadlineAndCancellation) {
  const DeafListener stopped(/*full=*/false);
  const absl::Time began_at = absl::Now();
  EXPECT_EQ(
      ErrorOf(FetchClusterCa({stopped.address(), NewLoopbackHost()}, "", Within(absl::Seconds(1)))
                  .status())
          .code,
      ErrorCode::kUnreachable);
  EXPECT_LT(absl::Now() - began_at, absl::Seconds(1) + testing_support::kSlack);
  CallOptions options;
  options.cancellation = Cancellation();
  options.cancellation->Cancel();
  EXPECT_EQ(ErrorOf(FetchClusterCa({stopped.address()}, "", options).status()).code,
            ErrorCode::kCancelled);
}

}  // namespace
}  // namespace curator
