#include "server/nodes/cluster_state.h"

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libclient/identity/node_id.h"
#include "metropolis/storage.pb.h"
#include "server/nodes/node_record.h"
#include "server/store/keys.h"
#include "tests/support/faulty_store.h"
#include "tests/support/memory_store.h"
#include "tests/support/test_cluster.h"
#include "tests/unit/server/cluster_state_fixture.h"

namespace curatord {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing_support::ClusterStateTest;
using testing_support::FaultyStore;
using testing_support::MemoryStore;
using testing_support::TestNode;

constexpr absl::Time kNoDeadline = absl::InfiniteFuture();

TEST_F(ClusterStateTest, HoldsWhatTheStoreHoldsWhenItStarts) {
  const TestNode a, b;
  PutNode(a);
  PutNode(b);
  store_.Put("/x", "1");
  StartFollowing();
  ASSERT_TRUE(state_.WaitForRevision(store_.revision(), kNoDeadline).ok());
  EXPECT_NE(state_.FindNode(a.id()), nullptr);
  ASSERT_EQ(state_.Nodes().size(), 2u);
  EXPECT_LT(state_.Nodes()[0]->id, state_.Nodes()[1]->id);
  EXPECT_EQ(state_.Find("/x"), "1");
  EXPECT_FALSE(state_.Find("/y").has_value());
  EXPECT_EQ(state_.FindNode("metropolis-unknown"), nullptr);
}

TEST_F(ClusterStateTest, FollowsTheWatch) {
  StartFollowing();
  const TestNode a;
  const int64_t revision = PutNode(a);
  store_.Put("/x", "1");
  EXPECT_EQ(state_.FindNode(a.id()), nullptr);
  EXPECT_TRUE(absl::IsUnavailable(state_.WaitForRevision(revision, absl::Now())));
  DeliverAll();
  EXPECT_TRUE(state_.WaitForRevision(revision, absl::Now()).ok());
  EXPECT_NE(state_.FindNode(a.id()), nullptr);
  store_.Delete(keys::Node(a.id()));
  store_.Delete("/x");
  DeliverAll();
  EXPECT_EQ(state_.FindNode(a.id()), nullptr);
  EXPECT_FALSE(state_.Find("/x").has_value());
}

TEST_F(ClusterStateTest, ShowsOwnWritesBeforeTheWatchDoes) {
  StartFollowing();
  const TestNode node;
  const std::vector<Operation> operations = {PutWithAddress(node, "first")};
  const int64_t revision = store_.Commit({}, operations, kNoDeadline)->revision;
  state_.ApplyCommitted(operations, revision);
  EXPECT_EQ(AddressOf(node), "first");
  // But what the watch has delivered is counted by the watch alone.
  EXPECT_TRUE(absl::IsUnavailable(state_.WaitForRevision(revision, absl::Now())));
}

// 1. Own writes at 2 and 3. 2. The watch delivers 2: it must not go back.
TEST_F(ClusterStateTest, IsNotTakenBackByAWatchThatIsBehind) {
  StartFollowing();
  const TestNode node;
  for (const char* address : {"first", "second"}) {
    const std::vector<Operation> operations = {PutWithAddress(node, address)};
    state_.ApplyCommitted(operations, store_.Commit({}, operations, kNoDeadline)->revision);
  }
  ASSERT_TRUE(store_.DeliverNext());
  EXPECT_EQ(AddressOf(node), "second");
  DeliverAll();
  EXPECT_EQ(AddressOf(node), "second");
}

// 1. Own put at 2 and deletion at 3. 2. The watch delivers the put.
TEST_F(ClusterStateTest, DoesNotBringBackWhatWasDeleted) {
  StartFollowing();
  const TestNode node;
  for (const std::vector<Operation>& operations :
       {std::vector<Operation>{PutWithAddress(node, "first"), Operation::Put("/x", "1")},
        std::vector<Operation>{Operation::Delete(keys::Node(node.id())),
                               Operation::Delete("/x")}}) {
    state_.ApplyCommitted(operations, store_.Commit({}, operations, kNoDeadline)->revision);
  }
  ASSERT_TRUE(store_.DeliverNext());
  EXPECT_EQ(state_.FindNode(node.id()), nullptr);
  EXPECT_FALSE(state_.Find("/x").has_value());
  DeliverAll();
  EXPECT_EQ(state_.FindNode(node.id()), nullptr);
  EXPECT_FALSE(state_.Find("/x").has_value());
}

TEST_F(ClusterStateTest, ReloadFindsWhatTheWatchHasNotToldYet) {
  const TestNode kept, gone;
  PutNode(kept);
  PutNode(gone);
  store_.Put("/gone", "1");
  StartFollowing();
  store_.Delete(keys::Node(gone.id()));
  store_.Delete("/gone");
  store_.Put("/new", "1");
  ASSERT_TRUE(state_.Reload(kNoDeadline).ok());
  EXPECT_NE(state_.FindNode(kept.id()), nullptr);
  EXPECT_EQ(state_.FindNode(gone.id()), nullptr);
  EXPECT_FALSE(state_.Find("/gone").has_value());
  EXPECT_EQ(state_.Find("/new"), "1");
  EXPECT_TRUE(state_.WaitForRevision(store_.revision(), absl::Now()).ok());
  DeliverAll();  // all of it is old news
  EXPECT_EQ(state_.FindNode(gone.id()), nullptr);
}

// 1. Reload reads. 2. An own write is applied. 3. Reload applies what it read.
TEST_F(ClusterStateTest, KeepsOwnWritesThatAreNewerThanAReloadsReading) {
  FaultyStore slow(&store_);
  ClusterState state(&slow);
  slow.OnRange([] { return FaultyStore::Fault::kHoldAnswer; });
  std::thread reload([&] { EXPECT_TRUE(state.Reload(kNoDeadline).ok()); });
  slow.WaitUntilHeld(1);
  const TestNode node;
  const std::vector<Operation> operations = {PutWithAddress(node, "new"),
                                             Operation::Put("/x", "1")};
  state.ApplyCommitted(operations, store_.Commit({}, operations, kNoDeadline)->revision);
  slow.Release();
  reload.join();
  EXPECT_NE(state.FindNode(node.id()), nullptr);
  EXPECT_EQ(state.Find("/x"), "1");
}

// 1. A node comes and goes. 2. A Reload sees neither. 3. The watch, which is
// behind, tells that it came.
TEST_F(ClusterStateTest, IsNotTakenBackBehindAReload) {
  StartFollowing();
  const TestNode node;
  PutNode(node);
  store_.Put("/x", "1");
  store_.Delete(keys::Node(node.id()));
  store_.Delete("/x");
  ASSERT_TRUE(state_.Reload(kNoDeadline).ok());
  while (store_.DeliverNext()) {
    EXPECT_EQ(state_.FindNode(node.id()), nullptr);
    EXPECT_FALSE(state_.Find("/x").has_value());
  }
}

// 1. Reload reads. 2. The watch tells of deletions. 3. Reload applies what it read.
TEST_F(ClusterStateTest, IsNotTakenBackByAReloadThatTheWatchHasOvertaken) {
  FaultyStore slow(&store_);
  ClusterState state(&slow);
  const TestNode node;
  PutNode(node);
  store_.Put("/x", "1");
  std::thread run([&state] { EXPECT_TRUE(state.Run().ok()); });
  store_.WaitForWatches(1);
  slow.OnRange([] { return FaultyStore::Fault::kHoldAnswer; });
  std::thread reload([&state] { EXPECT_TRUE(state.Reload(kNoDeadline).ok()); });
  slow.WaitUntilHeld(1);
  store_.Delete(keys::Node(node.id()));
  store_.Delete("/x");
  DeliverAll();
  slow.Release();
  reload.join();
  EXPECT_EQ(state.FindNode(node.id()), nullptr);
  EXPECT_FALSE(state.Find("/x").has_value());
  state.Stop();
  run.join();
}

TEST_F(ClusterStateTest, ReloadFailsAsTheStoreDoesAndChangesNothing) {
  FaultyStore down(&store_);
  ClusterState state(&down);
  store_.Put("/x", "1");
  ASSERT_TRUE(state.Reload(kNoDeadline).ok());
  down.SetDown(true);
  EXPECT_TRUE(absl::IsUnavailable(state.Reload(kNoDeadline)));
  EXPECT_EQ(state.Find("/x"), "1");
}

TEST_F(ClusterStateTest, RunEndsWithTheCauseWhenTheWatchEndsAndMayRunAgain) {
  const TestNode before, meanwhile, deleted;
  PutNode(before);
  PutNode(deleted);
  StartFollowing();
  store_.EndWatches(absl::OutOfRangeError("compacted"));
  run_.join();
  EXPECT_EQ(run_ended_with_.code(), absl::StatusCode::kOutOfRange);
  PutNode(meanwhile);
  store_.Delete(keys::Node(deleted.id()));
  StartFollowing();
  EXPECT_NE(state_.FindNode(before.id()), nullptr);
  EXPECT_NE(state_.FindNode(meanwhile.id()), nullptr);
  EXPECT_EQ(state_.FindNode(deleted.id()), nullptr);
}

TEST_F(ClusterStateTest, StopEndsRunAndAllWhoWait) {
  StartFollowing();
  std::thread waiting(
      [this] { EXPECT_TRUE(absl::IsUnavailable(state_.WaitForRevision(1000, kNoDeadline))); });
  state_.Stop();
  waiting.join();
  run_.join();
  EXPECT_TRUE(run_ended_with_.ok());
}

TEST_F(ClusterStateTest, ServesNoDamagedRecordNorTheOneBefore) {
  StartFollowing();
  const TestNode fresh, known;
  PutNode(known);
  DeliverAll();
  int64_t revision = 0;
  EXPECT_THAT(ChangedSince(&revision), ElementsAre("+" + known.id()));
  store_.Put(keys::Node(fresh.id()), "\xff garbage");
  store_.Put(keys::Node(known.id()), "\xff garbage");
  DeliverAll();
  EXPECT_EQ(state_.FindNode(fresh.id()), nullptr);
  // As a curator that starts now sees it.
  EXPECT_EQ(state_.FindNode(known.id()), nullptr);
  EXPECT_THAT(ChangedSince(&revision), ElementsAre("-" + known.id()));
  PutNode(known);
  DeliverAll();
  EXPECT_NE(state_.FindNode(known.id()), nullptr);
}

TEST_F(ClusterStateTest, ChangesSinceTellsTheNewestOfEachNode) {
  StartFollowing();
  const TestNode a, b;
  int64_t revision = 0;
  EXPECT_THAT(ChangedSince(&revision), IsEmpty());
  PutNode(a);
  PutNode(b);
  PutNode(a);
  store_.Put("/x", "no node");
  DeliverAll();
  EXPECT_THAT(ChangedSince(&revision), ElementsAre("+" + b.id(), "+" + a.id()));
  EXPECT_THAT(ChangedSince(&revision), IsEmpty());
  store_.Delete(keys::Node(b.id()));
  PutNode(a);
  store_.Delete(keys::Node(a.id()));
  PutNode(a);
  DeliverAll();
  EXPECT_THAT(ChangedSince(&revision), ElementsAre("-" + b.id(), "+" + a.id()));
}

TEST_F(ClusterStateTest, ChangesSinceTheStartTellNoDeletions) {
  StartFollowing();
  const TestNode a, b;
  PutNode(a);
  PutNode(b);
  DeliverAll();
  store_.Delete(keys::Node(a.id()));
  DeliverAll();
  int64_t revision = 0;
  EXPECT_THAT(ChangedSince(&revision), ElementsAre("+" + b.id()));
  EXPECT_THAT(ChangedSince(&revision), IsEmpty());
}

TEST_F(ClusterStateTest, ChangesSinceStopsAfterEnoughBetweenTwoRevisions) {
  StartFollowing();
  const TestNode a, b, c, d;
  PutNode(a);
  ASSERT_TRUE(store_
                  .Commit({},
                          {Operation::Put(keys::Node(b.id()), SerializeNode(b.record)),
                           Operation::Put(keys::Node(c.id()), SerializeNode(c.record))},
                          absl::InfiniteFuture())
                  .ok());
  PutNode(d);
  DeliverAll();
  int64_t revision = 0;
  const auto next = [&] { return state_.ChangesSince(&revision, 2)->size(); };
  EXPECT_EQ(next(), 3u);
  EXPECT_EQ(next(), 1u);
  EXPECT_EQ(next(), 0u);
}

TEST_F(ClusterStateTest, SaysAtWhichRevisionTheNodesAre) {
  StartFollowing();
  const TestNode watched, own;
  PutNode(watched);
  store_.Put("/x", "no node");
  DeliverAll();
  int64_t revision = 0;
  EXPECT_EQ(state_.Nodes(&revision).size(), 1u);
  EXPECT_EQ(revision, store_.revision());
  state_.ApplyCommitted({Operation::Put(keys::Node(own.id()), SerializeNode(own.record))},
                        store_.revision() + 1);
  EXPECT_EQ(state_.Nodes(&revision).size(), 2u);
  EXPECT_EQ(revision, store_.revision() + 1);
}

TEST_F(ClusterStateTest, SendsAWatcherThatIsTooFarBehindBackToTheStart) {
  StartFollowing();
  const TestNode kept, first;
  PutNode(first);
  PutNode(kept);
  DeliverAll();
  int64_t behind = 0;
  ChangedSince(&behind);
  store_.Delete(keys::Node(first.id()));
  DeliverAll();
  int64_t ahead = behind;
  EXPECT_THAT(ChangedSince(&ahead), ElementsAre("-" + first.id()));
  // 10,000 deletions are remembered: the first is forgotten after so many more.
  TestNode other;
  const std::string key = other.public_key().substr(16);
  for (int i = 0; i < 10'000; ++i) {
    std::string public_key = absl::StrCat(absl::Dec(i, absl::kZeroPad16), key);
    const std::string id = curator::identity::NodeIdFromPublicKey(public_key);
    other.record.set_id(id);
    other.record.set_public_key(public_key);
    const int64_t created = store_.revision() + 1;
    state_.ApplyCommitted({Operation::Put(keys::Node(id), SerializeNode(other.record))}, created);
    store_.Put("/pace", "");
    store_.Put("/pace", "");
    state_.ApplyCommitted({Operation::Delete(keys::Node(id))}, created + 1);
  }
  DeliverAll();
  absl::StatusOr<std::vector<NodeChange>> changes = state_.ChangesSince(&behind);
  EXPECT_EQ(changes.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_TRUE(state_.ChangesSince(&ahead).ok());
  int64_t anew = 0;
  EXPECT_THAT(ChangedSince(&anew), ElementsAre("+" + kept.id()));
}

TEST_F(ClusterStateTest, CallsSubscribersForAsLongAsTheirOwnerLives) {
  StartFollowing();
  auto owner = std::make_shared<int>();
  int calls = 0;
  state_.Subscribe(owner, [&calls] { ++calls; });
  const TestNode node;
  PutNode(node);
  DeliverAll();
  EXPECT_EQ(calls, 1);
  store_.Put("/x", "no node");
  DeliverAll();
  EXPECT_EQ(calls, 1);
  state_.ApplyCommitted({PutWithAddress(node, "new")}, store_.revision() + 1);
  EXPECT_EQ(calls, 2);
  ASSERT_TRUE(state_.Reload(kNoDeadline).ok());
  EXPECT_EQ(calls, 2);
  owner.reset();
  state_.ApplyCommitted({Operation::Delete(keys::Node(node.id()))}, store_.revision() + 2);
  EXPECT_EQ(calls, 2);
}

TEST_F(ClusterStateTest, ASubscriberMayLookAtTheStateAndSubscribe) {
  StartFollowing();
  auto owner = std::make_shared<int>();
  size_t seen = 0;
  state_.Subscribe(owner, [&] {
    seen = state_.Nodes().size();
    state_.Subscribe(std::make_shared<int>(), [] {});
  });
  PutNode(TestNode());
  DeliverAll();
  EXPECT_EQ(seen, 1u);
}

TEST_F(ClusterStateTest, NamesTheAddressOfACurator) {
  StartFollowing();
  TestNode node;
  PutNode(node);
  DeliverAll();
  EXPECT_EQ(state_.CuratorAddress(node.id()), "");
  auto* status = node.record.mutable_status();
  status->set_external_address("fd00::1");
  PutNode(node);
  DeliverAll();
  EXPECT_EQ(state_.CuratorAddress(node.id()), "");  // a node without a curator
  status->mutable_running_curator()->set_port(7000);
  PutNode(node);
  DeliverAll();
  EXPECT_EQ(state_.CuratorAddress(node.id()), "[fd00::1]:7000");
  status->set_external_address("10.0.0.1");
  PutNode(node);
  DeliverAll();
  EXPECT_EQ(state_.CuratorAddress(node.id()), "10.0.0.1:7000");
  EXPECT_EQ(state_.CuratorAddress("metropolis-unknown"), "");
}

// Whoever reports a curator's port would have everybody dial it.
TEST_F(ClusterStateTest, TellsAsCuratorsThoseWhoStandInTheElection) {
  const auto with_curator = [](const std::string& address) {
    TestNode node;
    node.record.set_fsm_state(metropolis::proto::common::NODE_STATE_UP);
    node.record.mutable_status()->set_external_address(address);
    node.record.mutable_status()->mutable_running_curator()->set_port(7835);
    return node;
  };
  const auto stand = [this](const std::string& key, const std::string& node_id) {
    curator::storage::LeaderElectionValue value;
    value.set_node_id(node_id);
    store_.Put(key, value.SerializeAsString());
  };
  const auto told = [this](const std::string& leader_id, size_t most) {
    std::vector<std::string> entries;
    for (const ClusterState::Curator& curator : state_.Curators(leader_id, most)) {
      entries.push_back(absl::StrCat(curator.node_id, "@", curator.address));
    }
    return entries;
  };
  StartFollowing();
  std::vector<TestNode> nodes = {with_curator("10.0.0.1"), with_curator("10.0.0.2"),
                                 with_curator("10.0.0.3")};
  std::sort(nodes.begin(), nodes.end(),
            [](const TestNode& a, const TestNode& b) { return a.id() < b.id(); });
  const TestNode worker = with_curator("10.0.0.66");
  TestNode decommissioned = with_curator("10.0.0.77");
  decommissioned.record.set_fsm_state(metropolis::proto::common::NODE_STATE_DECOMMISSIONED);
  for (const TestNode& node : nodes) PutNode(node);
  PutNode(worker);
  PutNode(decommissioned);
  DeliverAll();
  EXPECT_TRUE(told("", 16).empty());

  stand("/leader/1", nodes[2].id());
  stand("/leader/2", nodes[0].id());
  stand("/leader/3", nodes[1].id());
  stand("/leader/4", nodes[1].id());  // of a former run
  stand("/leader/5", decommissioned.id());
  stand("/leader/6", "metropolis-unknown");
  store_.Put("/leader/7", "garbled");
  DeliverAll();
  const auto entry = [&](int i) {
    const TestNode& node = nodes[static_cast<size_t>(i)];
    return absl::StrCat(node.id(), "@", node.record.status().external_address(), ":7835");
  };
  const std::vector<std::string> expected = {entry(2), entry(0), entry(1)};
  EXPECT_EQ(told(nodes[2].id(), 16), expected);
  EXPECT_EQ(told(nodes[2].id(), 2), (std::vector<std::string>{entry(2), entry(0)}));
  EXPECT_EQ(told("", 16), (std::vector<std::string>{entry(0), entry(1), entry(2)}));

  store_.Delete("/leader/2");
  DeliverAll();
  EXPECT_EQ(told(nodes[2].id(), 16), (std::vector<std::string>{entry(2), entry(1)}));
}

}  // namespace
}  // namespace curatord
