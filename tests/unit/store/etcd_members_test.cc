// Who takes part in the consensus of an etcd, as the store tells it.
#include <memory>
#include <vector>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/store.h"
#include "tests/unit/store/etcd_cluster.h"

namespace curatord {
namespace {

using testing::AllOf;
using testing::Field;
using testing::UnorderedElementsAre;

testing::Matcher<StoreMember> IsMember(const char* id, bool learner) {
  return AllOf(Field("id", &StoreMember::id, id), Field("learner", &StoreMember::learner, learner));
}

TEST(EtcdMembers, AreToldByName) {
  const EtcdCluster cluster({.members = 3, .tls = false, .arguments = {}});
  const auto store = OpenStore(cluster.Url(), /*create=*/true);
  ASSERT_TRUE(store.ok()) << store.status();
  const auto members = (*store)->Members(absl::Now() + absl::Seconds(20));
  ASSERT_TRUE(members.ok()) << members.status();
  EXPECT_THAT(*members, UnorderedElementsAre(IsMember("m0", false), IsMember("m1", false),
                                             IsMember("m2", false)));
}

// It has no name before it runs, but an address that names its node.
TEST(EtcdMembers, ThatHaveNotStartedAreToldByTheHostOfTheirAddress) {
  EtcdCluster cluster;
  cluster.Etcdctl("member add new --learner --peer-urls=http://metropolis-abc.example:2380");
  const auto store = OpenStore(cluster.Url(), /*create=*/true);
  ASSERT_TRUE(store.ok()) << store.status();
  const auto members = (*store)->Members(absl::Now() + absl::Seconds(20));
  ASSERT_TRUE(members.ok()) << members.status();
  EXPECT_THAT(*members, UnorderedElementsAre(IsMember("m0", false),
                                             IsMember("metropolis-abc.example", true)));
}

TEST(EtcdMembers, OfAnEtcdThatDoesNotAnswerAreUnavailable) {
  EtcdCluster cluster;
  const auto store = OpenStore(cluster.Url(), /*create=*/true);
  ASSERT_TRUE(store.ok()) << store.status();
  cluster.Kill(0);
  const auto members = (*store)->Members(absl::Now() + absl::Milliseconds(300));
  EXPECT_EQ(members.status().code(), absl::StatusCode::kUnavailable) << members.status();
}

}  // namespace
}  // namespace curatord
