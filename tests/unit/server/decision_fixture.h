// Decisions over a cluster in memory: decide, apply what was decided, look.
#ifndef TESTS_UNIT_SERVER_DECISION_FIXTURE_H_
#define TESTS_UNIT_SERVER_DECISION_FIXTURE_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/nodes/cluster_state.h"
#include "server/nodes/lifecycle.h"
#include "server/store/keys.h"
#include "tests/support/memory_store.h"
#include "tests/support/test_cluster.h"

namespace curatord::testing_support {

namespace common = metropolis::proto::common;

inline constexpr auto kUnauthenticated = absl::StatusCode::kUnauthenticated;
inline constexpr auto kInvalidArgument = absl::StatusCode::kInvalidArgument;
inline constexpr auto kNotFound = absl::StatusCode::kNotFound;
inline constexpr auto kPermissionDenied = absl::StatusCode::kPermissionDenied;
inline constexpr auto kFailedPrecondition = absl::StatusCode::kFailedPrecondition;

class DecisionTest : public testing::Test {
 protected:
  DecisionTest() { Reconfigure(); }

  // Writes the cluster anew, as `cluster_` says it is.
  void Reconfigure() {
    cluster_.WriteTo(&store_);
    Load();
  }

  void Add(const TestNode& node) { Apply(cluster_.ContentsOf(node)); }

  void Apply(const std::vector<Operation>& operations) {
    ASSERT_TRUE(store_.Commit({}, operations, absl::InfiniteFuture()).ok());
    Load();
  }

  void Load() { ASSERT_TRUE(state_.Reload(absl::InfiniteFuture()).ok()); }

  DecisionView View() const { return DecisionView(&state_); }

  // The node as the store would hold it after `operations`; fails the test if they
  // do not write it.
  curator::storage::Node Written(const Operations& operations, const std::string& id) const {
    curator::storage::Node node;
    if (!operations.ok()) {
      ADD_FAILURE() << operations.status();
      return node;
    }
    for (const Operation& operation : *operations) {
      if (operation.key == keys::Node(id) && operation.kind == Operation::Kind::kPut) {
        EXPECT_TRUE(node.ParseFromString(operation.value));
        return node;
      }
    }
    ADD_FAILURE() << "node " << id << " is not written";
    return node;
  }

  TestCluster cluster_;
  MemoryStore store_{MemoryStore::Delivery::kByHand};
  ClusterState state_{&store_};
};

// For DecideRegister.
inline absl::Status AdmitAll(const DecisionView&) { return absl::OkStatus(); }

MATCHER_P(Refused, code, "") {
  *result_listener << arg.status();
  return !arg.ok() && arg.status().code() == code;
}

MATCHER(DecidedToWriteNothing, "") {
  *result_listener << arg.status();
  return arg.ok() && arg->empty();
}

MATCHER(DecidedToWrite, "") {
  *result_listener << arg.status();
  return arg.ok() && !arg->empty();
}

}  // namespace curatord::testing_support

#endif  // TESTS_UNIT_SERVER_DECISION_FIXTURE_H_
