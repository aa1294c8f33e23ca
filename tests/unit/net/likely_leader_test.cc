// A client that is told who led when somebody last knew: what that spares, and that
// it costs nothing where it is wrong. And what a client tells the next one.
#include "tests/unit/net/client_fixture.h"
#include "tests/unit/net/sockets.h"

namespace curator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using testing_support::ClientTest;
using testing_support::DeafListener;
using testing_support::kSlack;
using testing_support::NewLoopbackHost;
using testing_support::PausableProxy;
using testing_support::ScriptedCurator;
using testing_support::TestCa;
using testing_support::TextListener;

class LikelyLeader : public ClientTest {
 protected:
  LikelyLeader() {
    leader_.SetCurators({leader_.entry(), follower_.entry()});
    leader_.Lead(7);
    follower_.Follow(leader_);
  }

  std::unique_ptr<Client> ClientWith(std::vector<std::string> endpoints,
                                     const std::string& likely_leader) {
    ClientOptions options = OptionsFor(std::move(endpoints));
    options.likely_leader = likely_leader;
    options.connect_timeout = absl::Minutes(1);
    return Create(std::move(options));
  }

  ScriptedCurator& leader_ = AddCurator();
  ScriptedCurator& follower_ = AddCurator();
};

TEST_F(LikelyLeader, IsAskedAlone) {
  // On a busy machine it may not answer within its head start: then the others are
  // asked as well, and rightly so.
  bool alone = false;
  for (const absl::Time deadline = absl::Now() + absl::Seconds(60);
       !alone && absl::Now() < deadline;) {
    const PausableProxy one(follower_.host(), 7835);
    const PausableProxy two(follower_.host(), 7835);
    auto client = ClientWith({one.address(), two.address(), leader_.address()}, leader_.address());
    ASSERT_TRUE(client->ListNodes(Within(absl::Seconds(20))).ok());
    ASSERT_TRUE(client->GetClusterInfo(Within(absl::Seconds(20))).ok());
    client.reset();
    alone = one.connections() == 0 && two.connections() == 0;
  }
  EXPECT_TRUE(alone);
}

// So that a client that stays knows the next leader as soon as it is elected.
TEST_F(LikelyLeader, IsNotAloneForLong) {
  const PausableProxy one(follower_.host(), 7835);
  const PausableProxy two(follower_.host(), 7835);
  auto client = ClientWith({one.address(), two.address(), leader_.address()}, leader_.address());
  ASSERT_TRUE(client->ListNodes(Within(absl::Seconds(20))).ok());
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while ((one.connections() == 0 || two.connections() == 0) && absl::Now() < deadline) {
    ASSERT_TRUE(client->ListNodes(Within(absl::Seconds(20))).ok());
  }
  EXPECT_EQ(one.connections(), 1);
  EXPECT_EQ(two.connections(), 1);
}

TEST_F(LikelyLeader, CostsNoTimeWhereItIsDead) {
  const DeafListener black_hole(/*full=*/true);
  const DeafListener stopped(/*full=*/false);
  const TextListener text;
  for (const std::string& dead :
       {black_hole.address(), stopped.address(), text.address(), NewLoopbackHost()}) {
    for (const bool is_seed : {false, true}) {
      std::vector<std::string> endpoints{leader_.address()};
      if (is_seed) endpoints.push_back(dead);
      auto client = ClientWith(endpoints, dead);
      const absl::Time began_at = absl::Now();
      EXPECT_TRUE(client->ListNodes(Within(absl::Seconds(20))).ok()) << dead;
      EXPECT_LT(absl::Now() - began_at, kSlack) << dead;
    }
  }
}

TEST_F(LikelyLeader, PointsToTheLeaderWhereItFollows) {
  const DeafListener black_hole(/*full=*/true);
  auto client = ClientWith({black_hole.address()}, follower_.address());
  const absl::StatusOr<NodeList> list = client->ListNodes(Within(absl::Seconds(20)));
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->leader_id, leader_.node_id());
}

TEST_F(LikelyLeader, IsFollowedByTheNextWhenItDiesAtOnce) {
  auto client = ClientWith({follower_.address(), leader_.address()}, leader_.address());
  ASSERT_TRUE(client->ListNodes(Within(absl::Seconds(20))).ok());
  leader_.Stop();
  follower_.Lead(8);
  const absl::StatusOr<NodeList> list = client->ListNodes(Within(absl::Seconds(20)));
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->leader_id, follower_.node_id());
}

// What fails, fails as if nobody had guessed.
TEST_F(LikelyLeader, OfAnotherClusterIsForgotten) {
  const TestCa other;
  ScriptedCurator stranger(other);
  stranger.Lead(9);
  const std::string closed = NewLoopbackHost();
  auto client = ClientWith({closed}, stranger.address());
  const Error error = ErrorOf(client->ListNodes(Within(absl::Seconds(1))).status());
  EXPECT_EQ(error.code, ErrorCode::kUnreachable);
  ASSERT_EQ(error.endpoints.size(), 1u);
  EXPECT_EQ(error.endpoints[0].verdict, Verdict::kRefused);
  EXPECT_THAT(stranger.calls(), IsEmpty());
}

TEST_F(LikelyLeader, ThatIsNoEndpointIsIgnored) {
  auto client = ClientWith({leader_.address()}, "bad:port:x");
  EXPECT_TRUE(client->ListNodes(Within(absl::Seconds(20))).ok());
}

TEST_F(LikelyLeader, IsNotAloneWhereOpinionsAreAskedFor) {
  auto client = ClientWith({follower_.address(), leader_.address()}, leader_.address());
  absl::StatusOr<Leader> found = client->FindLeader(Within(absl::Seconds(20)));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(found->seen_by, UnorderedElementsAre(leader_.address(), follower_.address()));

  client = ClientWith({follower_.address(), leader_.address()}, leader_.address());
  ASSERT_TRUE(client->ListNodes(Within(absl::Seconds(20))).ok());
  found = client->FindLeader(Within(absl::Seconds(20)));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_THAT(found->seen_by, UnorderedElementsAre(leader_.address(), follower_.address()));
}

TEST_F(LikelyLeader, IsWhoProvedToLead) {
  auto client = NewClient({follower_.address()});
  EXPECT_THAT(client->known_curators().leader_id, IsEmpty());
  ASSERT_TRUE(client->ListNodes(Within(absl::Seconds(20))).ok());
  const KnownCurators known = client->known_curators();
  EXPECT_EQ(known.leader_id, leader_.node_id());
  EXPECT_EQ(known.leader_address, leader_.address());
  EXPECT_THAT(known.addresses, ElementsAre(leader_.address(), follower_.address()));

  leader_.Stop();
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (!client->known_curators().leader_id.empty() && absl::Now() < deadline) {
    EXPECT_FALSE(client->ListNodes(Within(absl::Milliseconds(20))).ok());
  }
  EXPECT_THAT(client->known_curators().leader_id, IsEmpty());
  EXPECT_THAT(client->known_curators().addresses, IsEmpty());
}

}  // namespace
}  // namespace curator
