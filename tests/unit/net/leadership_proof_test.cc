// Who claims to lead without a valid proof, to a client that wants one: gets no request,
// is named, and is no obstacle to finding who does prove it.
#include <thread>

#include "curator/probe.h"
#include "tests/unit/net/client_fixture.h"

namespace curator {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::ClientTest;
using testing_support::kSlack;
using testing_support::NewLoopbackHost;
using testing_support::ScriptedCurator;
using Proof = ScriptedCurator::Proof;

constexpr int64_t kHugeTerm = int64_t{1} << 62;
constexpr Proof kWrongProofs[] = {Proof::kOfOtherCa, Proof::kOfOtherNode, Proof::kOfEarlierTerm,
                                  Proof::kOfOtherNonce, Proof::kGarbled};

class LeadershipProof : public ClientTest {
 protected:
  ClientOptions StrictOptions(std::vector<std::string> endpoints) const {
    ClientOptions options = OptionsFor(std::move(endpoints));
    options.accept_unproven = false;
    return options;
  }
  std::unique_ptr<Client> StrictClient(std::vector<std::string> endpoints) const {
    return Create(StrictOptions(std::move(endpoints)));
  }
  // Of a search that is given up as soon as somebody has answered.
  static Error ErrorOfShortSearch(Client& client) {
    const absl::Time deadline = absl::Now() + kSlack;
    Error error;
    do {
      error = ErrorOf(client.ListNodes(Within(absl::Milliseconds(300))).status());
    } while (error.code == ErrorCode::kUnreachable && absl::Now() < deadline);
    return error;
  }
  ScriptedCurator& AddRogue(Proof proof = Proof::kNone, int64_t term = kHugeTerm) {
    ScriptedCurator& rogue = AddCurator();
    rogue.SetProof(proof);
    rogue.Lead(term);
    return rogue;
  }
};

TEST_F(LeadershipProof, IsWhatALeaderIsBelievedFor) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  const absl::StatusOr<NodeList> list =
      StrictClient({leader.address()})->ListNodes(Within(absl::Seconds(20)));
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->leader_id, leader.node_id());
}

TEST_F(LeadershipProof, MissingIsNoAnswer) {
  for (const int64_t term : {int64_t{0}, int64_t{7}, kHugeTerm}) {
    ScriptedCurator& rogue = AddRogue(Proof::kNone, term);
    const Error error =
        ErrorOf(StrictClient({rogue.address()})->ListNodes(Within(absl::Seconds(1))).status());
    EXPECT_EQ(error.code, ErrorCode::kUntrusted);
    EXPECT_THAT(error.message, HasSubstr(rogue.address()));
    EXPECT_THAT(error.message, HasSubstr(rogue.node_id()));
    EXPECT_THAT(error.hints[0], HasSubstr("accept-unproven"));
    ASSERT_EQ(error.endpoints.size(), 1u);
    EXPECT_EQ(error.endpoints[0].verdict, Verdict::kUnproven) << error.endpoints[0].detail;
    EXPECT_EQ(error.endpoints[0].node_id, rogue.node_id());
    EXPECT_GE(error.waited, absl::Milliseconds(900));
    EXPECT_THAT(rogue.calls(), IsEmpty());
  }
}

TEST_F(LeadershipProof, MissingIsAcceptedWhereItIsSaidSo) {
  ScriptedCurator& leader = AddRogue(Proof::kNone, 7);
  ClientOptions options = StrictOptions({leader.address()});
  options.accept_unproven = true;
  EXPECT_TRUE(Create(options)->ListNodes(Within(absl::Seconds(20))).ok());
}

TEST_F(LeadershipProof, WrongIsNoAnswerWhateverIsAccepted) {
  for (const Proof proof : kWrongProofs) {
    for (const bool accept_unproven : {false, true}) {
      ScriptedCurator& rogue = AddRogue(proof);
      ClientOptions options = StrictOptions({rogue.address()});
      options.accept_unproven = accept_unproven;
      const Error error = ErrorOfShortSearch(*Create(options));
      EXPECT_EQ(error.code, ErrorCode::kUntrusted) << static_cast<int>(proof);
      ASSERT_EQ(error.endpoints.size(), 1u);
      EXPECT_EQ(error.endpoints[0].verdict, Verdict::kFalseLeader) << static_cast<int>(proof);
      EXPECT_EQ(error.endpoints[0].node_id, rogue.node_id());
      EXPECT_THAT(rogue.calls(), IsEmpty());
    }
  }
}

TEST_F(LeadershipProof, IsFoundBesideAllWhoHaveNone) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  std::vector<std::string> endpoints;
  for (const Proof proof : kWrongProofs) endpoints.push_back(AddRogue(proof).address());
  endpoints.push_back(AddRogue().address());
  endpoints.push_back(leader.address());
  ClientOptions options = StrictOptions(endpoints);
  options.likely_leader = endpoints.front();
  const auto client = Create(options);
  for (int i = 0; i < 3; ++i) {
    const absl::StatusOr<NodeList> list = client->ListNodes(Within(absl::Seconds(20)));
    ASSERT_TRUE(list.ok()) << list.status();
    EXPECT_EQ(list->leader_id, leader.node_id());
  }
  for (const auto& curator : curators_) {
    if (curator.get() == &leader) continue;
    EXPECT_THAT(curator->calls(), IsEmpty());
  }
}

// Not only of the highest term: the claims of existing servers tell none.
TEST_F(LeadershipProof, BeatsAClaimWithoutAlsoWhereThatIsAccepted) {
  ScriptedCurator& leader = AddCurator();
  ScriptedCurator& rogue = AddRogue();
  leader.Lead(7);
  const auto client = NewClient({leader.address(), rogue.address()});
  const absl::Time deadline = absl::Now() + kSlack;
  absl::StatusOr<Leader> found = client->FindLeader(Within(absl::Seconds(10)));
  while (found.ok() && (found->id != leader.node_id() || found->agree) && absl::Now() < deadline) {
    found = client->FindLeader(Within(absl::Seconds(10)));
  }
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->id, leader.node_id());
}

TEST_F(LeadershipProof, IsWaitedFor) {
  ScriptedCurator& leader = AddRogue(Proof::kNone, 7);
  const auto client = StrictClient({leader.address()});
  ASSERT_FALSE(client->ListNodes(Within(absl::Milliseconds(300))).ok());
  std::thread upgrade([&] {
    leader.SetProof(Proof::kValid);
    leader.Restart();
  });
  EXPECT_TRUE(client->ListNodes(Within(absl::Seconds(20))).ok());
  upgrade.join();
}

// Whoever the followers name stands for the cluster: it is an old server, or accepted by
// those who know.
TEST_F(LeadershipProof, MissingOfTheOneWhoIsNamedIsUntrusted) {
  ScriptedCurator& leader = AddRogue(Proof::kNone, 7);
  ScriptedCurator& follower = AddCurator();
  follower.Follow(leader);
  const Error error =
      ErrorOf(StrictClient({follower.address()})->ListNodes(Within(absl::Seconds(2))).status());
  EXPECT_EQ(error.code, ErrorCode::kUntrusted);
  EXPECT_THAT(error.message, HasSubstr(leader.node_id()));
  EXPECT_THAT(leader.calls(), IsEmpty());
}

// Others than the one who is named do not.
TEST_F(LeadershipProof, MissingOfSomebodyElseIsNoLeader) {
  ScriptedCurator& gone = AddCurator();
  ScriptedCurator& follower = AddCurator();
  ScriptedCurator& rogue = AddRogue();
  follower.Follow(gone);
  const Error error = ErrorOf(StrictClient({follower.address(), rogue.address()})
                                  ->ListNodes(Within(absl::Seconds(1)))
                                  .status());
  EXPECT_EQ(error.code, ErrorCode::kNoLeader);
  EXPECT_THAT(error.cause, HasSubstr("cannot prove it"));
  EXPECT_THAT(rogue.calls(), IsEmpty());
}

TEST_F(LeadershipProof, MissingMeansThatNothingIsLearnt) {
  ScriptedCurator& rogue = AddRogue();
  ScriptedCurator& victim = AddCurator();
  victim.Lead(9);
  rogue.SetCurators({victim.entry()});
  const auto client = StrictClient({rogue.address()});
  const Error error = ErrorOf(client->ListNodes(Within(absl::Seconds(1))).status());
  EXPECT_EQ(error.endpoints.size(), 1u);
  EXPECT_TRUE(client->known_curators().addresses.empty());
}

TEST_F(LeadershipProof, IsAskedOfTheNextLeaderToo) {
  ScriptedCurator& leader = AddCurator();
  ScriptedCurator& next = AddCurator();
  ScriptedCurator& rogue = AddRogue();
  leader.Lead(7);
  next.Follow(leader);
  const auto client = StrictClient({leader.address(), rogue.address(), next.address()});
  ASSERT_TRUE(client->ListNodes(Within(absl::Seconds(20))).ok());
  leader.Stop();
  EXPECT_EQ(ErrorOfShortSearch(*client).code, ErrorCode::kNoLeader);
  next.Lead(8);
  const absl::StatusOr<NodeList> list = client->ListNodes(Within(absl::Seconds(20)));
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->leader_id, next.node_id());
  EXPECT_THAT(rogue.calls(), IsEmpty());
}

TEST_F(LeadershipProof, IsWhatAWatchWantsAsWell) {
  ScriptedCurator& rogue = AddRogue();
  const auto client = StrictClient({rogue.address()});
  int told = 0;
  EXPECT_EQ(
      ErrorOf(client->WatchNodes([&](const NodeEvent&) { ++told; }, Within(absl::Seconds(2)))).code,
      ErrorCode::kUntrusted);
  EXPECT_FALSE(client
                   ->WatchLeader(
                       [&](const absl::optional<Leader>& leader) {
                         if (leader.has_value()) ++told;
                       },
                       Within(absl::Milliseconds(300)))
                   .ok());
  EXPECT_EQ(told, 0);
  EXPECT_THAT(rogue.calls(), IsEmpty());
}

TEST_F(LeadershipProof, IsWhatAProbeWants) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  ScriptedCurator& unproven = AddRogue();
  ScriptedCurator& false_leader = AddRogue(Proof::kOfOtherCa);
  ProbeOptions options;
  options.endpoints = {leader.address(), unproven.address(), false_leader.address()};
  options.ca = ca_.ca();
  options.identity = ca_.IssueUser();
  const std::vector<ProbeResult> results = Probe(options);
  EXPECT_EQ(results[0].endpoint.verdict, Verdict::kLeader) << results[0].endpoint.detail;
  EXPECT_EQ(results[1].endpoint.verdict, Verdict::kUnproven) << results[1].endpoint.detail;
  EXPECT_EQ(results[1].endpoint.node_id, unproven.node_id());
  EXPECT_EQ(results[2].endpoint.verdict, Verdict::kFalseLeader) << results[2].endpoint.detail;
  EXPECT_THAT(unproven.calls(), IsEmpty());
  EXPECT_THAT(false_leader.calls(), IsEmpty());

  options.accept_unproven = true;
  options.endpoints = {unproven.address()};
  EXPECT_EQ(Probe(options)[0].endpoint.verdict, Verdict::kLeader);
  options.expected_node_ids[unproven.address()] = leader.node_id();
  EXPECT_EQ(Probe(options)[0].endpoint.verdict, Verdict::kWrongNode);
}

}  // namespace
}  // namespace curator
