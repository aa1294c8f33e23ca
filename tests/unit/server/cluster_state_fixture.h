// State that follows a store whose watch delivers when the test says so.
#ifndef TESTS_UNIT_SERVER_CLUSTER_STATE_FIXTURE_H_
#define TESTS_UNIT_SERVER_CLUSTER_STATE_FIXTURE_H_

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/nodes/cluster_state.h"
#include "server/nodes/node_record.h"
#include "server/store/keys.h"
#include "tests/support/memory_store.h"
#include "tests/support/test_cluster.h"

namespace curatord::testing_support {

class ClusterStateTest : public testing::Test {
 protected:
  void StartFollowing() {
    run_ = std::thread([this] { run_ended_with_ = state_.Run(); });
    store_.WaitForWatches(1);
  }
  void DeliverAll() {
    while (store_.DeliverNext()) {
    }
  }
  ~ClusterStateTest() override {
    state_.Stop();
    if (run_.joinable()) run_.join();
  }

  int64_t PutNode(const TestNode& node) {
    return store_.Put(keys::Node(node.id()), SerializeNode(node.record));
  }
  std::string AddressOf(const TestNode& node) const {
    NodeRecordPtr record = state_.FindNode(node.id());
    return record == nullptr ? "(no node)" : record->Parse().status().external_address();
  }
  // A node's record with another address; what the tests tell versions apart by.
  static Operation PutWithAddress(const TestNode& node, const std::string& address) {
    curator::storage::Node record = node.record;
    record.mutable_status()->set_external_address(address);
    return Operation::Put(keys::Node(node.id()), SerializeNode(record));
  }
  std::vector<std::string> ChangedSince(int64_t* revision) const {
    absl::StatusOr<std::vector<NodeChange>> changes = state_.ChangesSince(revision);
    EXPECT_TRUE(changes.ok()) << changes.status();
    std::vector<std::string> ids;
    for (const NodeChange& change : *changes) {
      ids.push_back(absl::StrCat(change.record == nullptr ? "-" : "+", change.id));
    }
    return ids;
  }

  MemoryStore store_{MemoryStore::Delivery::kByHand};
  ClusterState state_{&store_};
  std::thread run_;
  absl::Status run_ended_with_;
};

}  // namespace curatord::testing_support

#endif  // TESTS_UNIT_SERVER_CLUSTER_STATE_FIXTURE_H_
