// What a curator knows, fed in every order that can come about.
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/server/cluster_state_fixture.h"

namespace curatord {
namespace {

using testing_support::ClusterStateTest;
using testing_support::TestNode;

// A follower that becomes leader and loses leadership again, with both feeds in
// every order that can come about, against what a watcher sees and what the store
// holds. As leader all writes of nodes are its own; one whose outcome it does not
// know is followed by a Reload before the next, as Leadership does it.
class ClusterStateRandomly : public ClusterStateTest, public testing::WithParamInterface<int> {
 protected:
  void Step() {
    switch (Upto(12)) {
      case 0:
        leading_ = !leading_;
        if (leading_) DeliverAll();  // a new leader waits for its state
        break;
      case 1:
        ASSERT_TRUE(state_.Reload(absl::InfiniteFuture()).ok());
        uncertain_ = false;
        break;
      case 2:
        store_.Put(absl::StrCat("/value/", Upto(4)), absl::StrCat(store_.revision()));
        break;
      case 3:
      case 4:
      case 5:
        for (int i = Upto(4); i >= 0; --i) store_.DeliverNext();
        break;
      default:
        WriteNodes();
    }
  }

  void WriteNodes() {
    std::map<std::string, Operation> operations;
    for (int i = Upto(3); i >= 0; --i) {
      const TestNode& node = nodes_[static_cast<size_t>(Upto(static_cast<int>(nodes_.size())))];
      Operation operation = Upto(3) == 0
                                ? Operation::Delete(keys::Node(node.id()))
                                : PutWithAddress(node, absl::StrCat(store_.revision(), ".", i));
      operations[operation.key] = operation;
    }
    std::vector<Operation> list;
    for (const auto& [key, operation] : operations) list.push_back(operation);
    if (leading_ && uncertain_) {
      ASSERT_TRUE(state_.Reload(absl::InfiniteFuture()).ok());
      uncertain_ = false;
    }
    absl::StatusOr<CommitResult> committed = store_.Commit({}, list, absl::InfiniteFuture());
    ASSERT_TRUE(committed.ok());
    if (!leading_) return;
    if (Upto(6) == 0) {
      uncertain_ = true;  // the answer was lost
    } else {
      state_.ApplyCommitted(list, committed->revision);
    }
  }

  // A watcher that reads now and then sees, when it has, what a lister sees.
  void WatcherReads() {
    absl::StatusOr<std::vector<NodeChange>> changes = state_.ChangesSince(&watcher_revision_);
    ASSERT_TRUE(changes.ok());
    for (const NodeChange& change : *changes) {
      if (change.record == nullptr) {
        watched_.erase(change.id);
      } else {
        watched_[change.id] = change.record->value;
      }
    }
    EXPECT_EQ(watched_, Listed());
  }

  std::map<std::string, std::string> Listed() const {
    std::map<std::string, std::string> listed;
    for (const NodeRecordPtr& record : state_.Nodes()) {
      listed[record->id] = record->value;
    }
    return listed;
  }

  void ExpectWhatTheStoreHolds() {
    std::map<std::string, std::string> stored;
    for (const auto& [key, kv] : store_.contents()) {
      auto record = ParseNodeRecord(key, kv.value, kv.mod_revision);
      if (record.ok()) {
        stored[record->id] = record->value;
      } else {
        EXPECT_EQ(state_.Find(key), kv.value) << key;
      }
    }
    EXPECT_EQ(Listed(), stored);
  }

  int Upto(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }

  std::mt19937 random_{static_cast<std::mt19937::result_type>(GetParam())};
  std::vector<TestNode> nodes_ = std::vector<TestNode>(6);
  bool leading_ = false;
  bool uncertain_ = false;
  int64_t watcher_revision_ = 0;
  std::map<std::string, std::string> watched_;
};

TEST_P(ClusterStateRandomly, EndsUpWithWhatTheStoreHolds) {
  StartFollowing();
  for (int i = 0; i < 400 && !HasFatalFailure(); ++i) {
    Step();
    if (Upto(3) == 0) WatcherReads();
    if (Upto(20) == 0) {
      DeliverAll();
      uncertain_ = false;
      ExpectWhatTheStoreHolds();
    }
    ASSERT_FALSE(HasFailure()) << "step " << i << ", seed " << GetParam();
  }
  DeliverAll();
  ExpectWhatTheStoreHolds();
  WatcherReads();
}

INSTANTIATE_TEST_SUITE_P(Seeds, ClusterStateRandomly, testing::Range(0, 40));

}  // namespace
}  // namespace curatord
