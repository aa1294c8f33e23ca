// Finding the leader: what is dialled, whom to believe, what is said when there
// is none.
#include <thread>

#include "tests/unit/net/client_fixture.h"
#include "tests/unit/net/sockets.h"

namespace curator {
namespace {

using testing_support::ClientTest;
using testing_support::DeafListener;
using testing_support::kSlack;
using testing_support::NewLoopbackHost;
using testing_support::PausableProxy;
using testing_support::ScriptedCurator;
using testing_support::TestCa;
using testing_support::TextListener;

class LeaderFinder : public ClientTest {};

TEST_F(LeaderFinder, GoesWhereAFollowerPoints) {
  ScriptedCurator& leader = AddCurator();
  ScriptedCurator& follower = AddCurator();
  leader.Lead(7);
  follower.Follow(leader);
  auto client = NewClient({follower.address()});
  const absl::StatusOr<Leader> found = client->FindLeader(Within(absl::Seconds(5)));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->id, leader.node_id());
  EXPECT_EQ(found->address, leader.address());
  EXPECT_TRUE(found->agree);
  EXPECT_THAT(found->seen_by, testing::UnorderedElementsAre(leader.address(), follower.address()));
}

// One after the other would not do: the first two never answer.
TEST_F(LeaderFinder, AsksAllSeedsAtOnce) {
  ScriptedCurator& leader = AddCurator();
  ScriptedCurator& one = AddCurator();
  ScriptedCurator& two = AddCurator();
  one.SetSilent(true);
  two.SetSilent(true);
  leader.Lead(7);
  one.Follow(leader);
  two.Follow(leader);
  ClientOptions options = OptionsFor({one.address(), two.address(), leader.address()});
  options.connect_timeout = absl::Minutes(1);
  auto client = Create(options);
  ASSERT_TRUE(client->GetClusterInfo(Within(absl::Seconds(20))).ok());
  EXPECT_EQ(leader.calls().size(), 1u);
}

TEST_F(LeaderFinder, LosesNoTimeToDeadEndpoints) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  const DeafListener black_hole(/*full=*/true);
  const DeafListener stopped(/*full=*/false);
  const TextListener text;
  ClientOptions options = OptionsFor({black_hole.address(), stopped.address(), NewLoopbackHost(),
                                      text.address(), NewLoopbackHost(), leader.address()});
  options.connect_timeout = absl::Minutes(1);
  auto client = Create(options);
  const absl::StatusOr<ClusterInfo> info = client->GetClusterInfo(Within(absl::Seconds(20)));
  ASSERT_TRUE(info.ok()) << info.status();
}

TEST_F(LeaderFinder, FindsALeaderBehindMoreBlackHolesThanItDialsAtOnce) {
  std::vector<std::unique_ptr<DeafListener>> holes;
  std::vector<std::string> endpoints;
  for (int i = 0; i < 10; ++i) {
    holes.push_back(std::make_unique<DeafListener>(/*full=*/true));
    endpoints.push_back(holes.back()->address());
  }
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  endpoints.push_back(leader.address());
  ClientOptions options = OptionsFor(endpoints);
  options.connect_timeout = absl::Seconds(1);
  auto client = Create(options);
  EXPECT_TRUE(client->GetClusterInfo(Within(absl::Seconds(10))).ok());
}

TEST_F(LeaderFinder, SaysWhyNobodyCouldBeReached) {
  const DeafListener black_hole(/*full=*/true);
  const DeafListener stopped(/*full=*/false);
  const TextListener text;
  const std::string closed = NewLoopbackHost();
  ClientOptions options =
      OptionsFor({closed, black_hole.address(), stopped.address(), text.address()});
  options.connect_timeout = absl::Seconds(1);
  auto client = Create(options);
  const absl::Time began_at = absl::Now();
  const Error error = ErrorOf(client->ListNodes(Within(absl::Seconds(4))).status());
  const absl::Duration took = absl::Now() - began_at;
  EXPECT_GE(took, absl::Milliseconds(3990));
  EXPECT_LT(took, absl::Seconds(4) + kSlack);
  EXPECT_EQ(error.code, ErrorCode::kUnreachable);
  EXPECT_EQ(error.method, "Management.GetNodes");
  EXPECT_FALSE(error.sent);
  ASSERT_EQ(error.endpoints.size(), 4u);
  EXPECT_EQ(error.endpoints[0].verdict, Verdict::kRefused) << error.endpoints[0].detail;
  EXPECT_EQ(error.endpoints[1].verdict, Verdict::kUnreachable) << error.endpoints[1].detail;
  EXPECT_EQ(error.endpoints[2].verdict, Verdict::kUnreachable) << error.endpoints[2].detail;
  EXPECT_EQ(error.endpoints[3].verdict, Verdict::kNotTls) << error.endpoints[3].detail;
  for (const EndpointReport& endpoint : error.endpoints) EXPECT_GT(endpoint.tries, 0);
}

TEST_F(LeaderFinder, SaysThatCuratorsAnswerButNoneLeads) {
  ScriptedCurator& follower = AddCurator();
  ScriptedCurator& gone = AddCurator();
  follower.Follow(gone);
  auto client = NewClient({follower.address()});
  const Error error = ErrorOf(client->ListNodes(Within(absl::Seconds(3))).status());
  EXPECT_EQ(error.code, ErrorCode::kNoLeader);
  ASSERT_EQ(error.endpoints.size(), 2u);
  EXPECT_EQ(error.endpoints[0].verdict, Verdict::kFollower);
  EXPECT_EQ(error.endpoints[0].leader_id, gone.node_id());
  EXPECT_EQ(error.endpoints[1].address, gone.address());
  EXPECT_EQ(error.endpoints[1].verdict, Verdict::kRefused);
}

TEST_F(LeaderFinder, FailsAtOnceWhenEveryEndpointIsOfAnotherCluster) {
  const TestCa other;
  ScriptedCurator stranger(other);
  stranger.Lead(7);
  auto client = NewClient({stranger.address()});
  const absl::Time began_at = absl::Now();
  const Error error = ErrorOf(client->ListNodes(Within(absl::Seconds(30))).status());
  EXPECT_LT(absl::Now() - began_at, kSlack);
  EXPECT_EQ(error.code, ErrorCode::kUntrusted);
  ASSERT_EQ(error.endpoints.size(), 1u);
  EXPECT_EQ(error.endpoints[0].verdict, Verdict::kWrongCa);
  EXPECT_TRUE(stranger.calls().empty());
}

TEST_F(LeaderFinder, WaitsWhenOneOfTheEndpointsMayStillComeUp) {
  const TestCa other;
  ScriptedCurator stranger(other);
  stranger.Lead(7);
  ScriptedCurator& late = AddCurator();
  auto client = NewClient({stranger.address(), late.address()});
  std::thread starter([&] { late.Lead(8); });
  const absl::StatusOr<ClusterInfo> info = client->GetClusterInfo(Within(absl::Seconds(10)));
  starter.join();
  EXPECT_TRUE(info.ok()) << info.status();
}

TEST_F(LeaderFinder, FailsAtOnceWhenNoNameHasAnAddress) {
  auto client = NewClient({"no-such-host.invalid"});
  const absl::Time began_at = absl::Now();
  const Error error = ErrorOf(client->ListNodes(Within(absl::Seconds(30))).status());
  EXPECT_LT(absl::Now() - began_at, absl::Seconds(15));
  EXPECT_EQ(error.code, ErrorCode::kUnreachable);
  EXPECT_EQ(error.endpoints[0].verdict, Verdict::kUnresolvable) << error.endpoints[0].detail;
}

TEST_F(LeaderFinder, RefusesANodeOtherThanTheOneNamed) {
  ScriptedCurator& follower = AddCurator();
  ScriptedCurator& impostor = AddCurator();
  ScriptedCurator& named = AddCurator();
  impostor.Lead(9);
  follower.FollowAddress(named.node_id(), impostor.host(), 7835);
  auto client = NewClient({follower.address()});
  const Error error = ErrorOf(client->ListNodes(Within(absl::Seconds(2))).status());
  EXPECT_EQ(error.code, ErrorCode::kNoLeader);
  EXPECT_TRUE(impostor.calls().empty() || impostor.CountCalls("GetNodes") == 0);
}

// The only seed dies. What it told before, and what is no address, is all there is.
TEST_F(LeaderFinder, RemembersTheCuratorsItWasTold) {
  ScriptedCurator& seed = AddCurator();
  ScriptedCurator& learnt = AddCurator();
  seed.SetCurators({"not:an:endpoint", learnt.entry()});
  seed.Lead(7);
  auto client = NewClient({seed.address()});
  ASSERT_TRUE(client->ListNodes(Within(absl::Seconds(10))).ok());
  seed.Stop();
  learnt.Lead(8);
  const absl::StatusOr<NodeList> list = client->ListNodes(Within(absl::Seconds(10)));
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->leader_id, learnt.node_id());
}

TEST_F(LeaderFinder, PrefersTheHigherTerm) {
  ScriptedCurator& stale = AddCurator();
  ScriptedCurator& leader = AddCurator();
  stale.Lead(7);
  leader.Lead(9);
  auto client = NewClient({stale.address(), leader.address()});
  // Whoever answers first is believed until the other has been heard.
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  absl::StatusOr<Leader> found = client->FindLeader(Within(absl::Seconds(5)));
  while (found.ok() && (found->id != leader.node_id() || found->agree) && absl::Now() < deadline) {
    found = client->FindLeader(Within(absl::Seconds(5)));
  }
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->id, leader.node_id());
  EXPECT_FALSE(found->agree);
}

TEST_F(LeaderFinder, IgnoresAClaimThatIsNotBorneOut) {
  ScriptedCurator& liar = AddCurator();
  ScriptedCurator& leader = AddCurator();
  liar.ClaimFalsely(1000);
  leader.Lead(9);
  auto client = NewClient({liar.address(), leader.address()});
  const absl::StatusOr<NodeList> list = client->ListNodes(Within(absl::Seconds(10)));
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->leader_id, leader.node_id());
}

TEST_F(LeaderFinder, GivesUpASilentCurator) {
  ScriptedCurator& silent = AddCurator();
  ScriptedCurator& leader = AddCurator();
  silent.SetSilent(true);
  silent.Lead(7);
  ClientOptions options = OptionsFor({silent.address()});
  options.connect_timeout = absl::Seconds(1);
  auto client = Create(options);
  const Error error = ErrorOf(client->ListNodes(Within(absl::Seconds(4))).status());
  EXPECT_EQ(error.code, ErrorCode::kUnreachable);
  EXPECT_EQ(error.endpoints[0].verdict, Verdict::kSilent) << error.endpoints[0].detail;
  leader.Lead(8);
  client->HintLeader(leader.address());
  EXPECT_TRUE(client->ListNodes(Within(absl::Seconds(5))).ok());
}

TEST_F(LeaderFinder, TellsProgressWhileItWaits) {
  ClientOptions options = OptionsFor({NewLoopbackHost()});
  std::atomic<int> told{0};
  options.on_progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.waiting_for, "a leader");
    EXPECT_GE(progress.waited, absl::Milliseconds(490));
    ++told;
  };
  auto client = Create(options);
  EXPECT_FALSE(client->ListNodes(Within(absl::Milliseconds(1200))).ok());
  EXPECT_GE(told, 1);
  EXPECT_LE(told, 3);
}

TEST_F(LeaderFinder, RejectsUnusableOptions) {
  ClientOptions options = OptionsFor({"bad:port:x"});
  EXPECT_EQ(ErrorOf(Client::Create(options).status()).code, ErrorCode::kInvalidArgument);
  options.endpoints.clear();
  EXPECT_EQ(ErrorOf(Client::Create(options).status()).code, ErrorCode::kInvalidArgument);
  options = OptionsFor({"localhost"});
  options.ca.reset();
  EXPECT_EQ(ErrorOf(Client::Create(options).status()).code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace curator
