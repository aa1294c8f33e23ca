// A leader whose process is gone is deposed by evidence, long before its lease ends.
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "server/store/keys.h"
#include "tests/cluster/test_curator.h"
#include "tests/support/faulty_store.h"
#include "tests/support/memory_store.h"

namespace curatord {
namespace {

using testing_support::FaultyStore;
using testing_support::kEventually;
using testing_support::MemoryStore;
using testing_support::TestCluster;
using testing_support::TestCurator;
using testing_support::TestCuratorOptions;
using testing_support::TestNode;

// Longer than any test: who leads after the leader's death does so by evidence.
constexpr TestCuratorOptions kLongLease = {.lease_ttl = absl::Minutes(5), .fast_takeover = true};

class TakeoverTest : public testing::Test {
 protected:
  TakeoverTest() {
    cluster_.WriteTo(&memory_, {&node_a_, &node_b_});
    a_ = std::make_unique<TestCurator>(&cluster_, &node_a_, &store_a_, kLongLease);
    b_ = std::make_unique<TestCurator>(&cluster_, &node_b_, &store_b_, kLongLease);
    a_->Start();
    led_ = a_->WaitToServe(Role::Kind::kLeader);
    b_->Start();
    b_->WaitToServe(Role::Kind::kFollower);
    const absl::Time deadline = absl::Now() + kEventually;
    while (!b_->takeover().armed() && absl::Now() < deadline) std::this_thread::yield();
    EXPECT_TRUE(b_->takeover().armed());
  }

  // As SIGKILL leaves it: nothing listens, and the lease was not given up.
  void KillA() {
    store_a_.SetDown(true);
    a_->Stop();
  }

  bool BHasTried() const {
    for (const std::vector<Operation>& commit : store_b_.commits()) {
      for (const Operation& operation : commit) {
        if (operation.key == keys::kTakeover) return true;
      }
    }
    return false;
  }

  const TestCluster cluster_;
  const TestNode node_a_, node_b_;
  MemoryStore memory_;
  FaultyStore store_a_{&memory_}, store_b_{&memory_};
  std::unique_ptr<TestCurator> a_, b_;
  Role led_;
};

TEST_F(TakeoverTest, DeposesALeaderThatIsGone) {
  KillA();
  const Role role = b_->WaitToServe(Role::Kind::kLeader);
  EXPECT_GT(role.term, led_.term);
  EXPECT_TRUE(memory_.contents().contains(std::string(keys::kTakeover)));
  EXPECT_FALSE(memory_.contents().contains(led_.lock_key));
}

TEST_F(TakeoverTest, DeposesNobodyWhileTheLastTakeoverIsYoung) {
  memory_.Put(std::string(keys::kTakeover), "");
  KillA();
  const absl::Time deadline = absl::Now() + kEventually;
  while (!BHasTried() && absl::Now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(BHasTried());
  EXPECT_TRUE(memory_.contents().contains(led_.lock_key));
  EXPECT_EQ(b_->election().role().Get().value.kind, Role::Kind::kFollower);
}

TEST_F(TakeoverTest, IsDestroyedWhileItFollows) {
  b_.reset();
  EXPECT_EQ(a_->election().role().Get().value.kind, Role::Kind::kLeader);
}

}  // namespace
}  // namespace curatord
