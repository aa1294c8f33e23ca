// The services of a leader behind a gRPC server, without an election: the lock key
// is put by the test, the clock of the heartbeats is the test's, and the store may
// fail.
#ifndef TESTS_CLUSTER_LEADER_SERVER_H_
#define TESTS_CLUSTER_LEADER_SERVER_H_

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "grpcpp/server.h"
#include "gtest/gtest.h"
#include "server/auth/authorizer.h"
#include "server/leader/heartbeats.h"
#include "server/leader/leader_services.h"
#include "server/leader/leadership.h"
#include "server/nodes/cluster_state.h"
#include "tests/cluster/cluster_client.h"
#include "tests/support/faulty_store.h"
#include "tests/support/memory_store.h"
#include "tests/support/test_cluster.h"

namespace curatord::testing_support {

class LeaderServerTest : public testing::Test {
 protected:
  LeaderServerTest();
  ~LeaderServerTest() override;

  Client AsOwner() { return Connect(address_, cluster_.ca(), cluster_.OwnerIdentity()); }
  Client AsNode(const TestNode& node) {
    return Connect(address_, cluster_.ca(), cluster_.NodeIdentity(node));
  }
  // With a self-signed certificate of `key`.
  Client AsKey(const curator::identity::PrivateKey& key) {
    return Connect(address_, cluster_.ca(), TestCluster::Ephemeral(key));
  }
  Client AsNobody() { return Connect(address_, cluster_.ca(), absl::nullopt); }

  // Writes past the leader, and waits until it knows.
  void Put(const TestNode& node);
  void PutKey(const std::string& key, const std::string& value);
  void Delete(const std::string& key);
  // As the store has it; fails the test if it has none.
  curator::storage::Node Stored(const std::string& node_id) const;
  void Advance(absl::Duration time) { boot_nanos_ += absl::ToInt64Nanoseconds(time); }
  void Depose() { memory_.Delete(kLockKey); }

  static constexpr char kLockKey[] = "/leader/1";
  const TestCluster cluster_;
  // The node that the leader runs on.
  const TestNode leader_node_;
  MemoryStore memory_;
  FaultyStore store_{&memory_};
  ClusterState state_{&store_};
  const Authorizer authorizer_{cluster_.pki.ca};
  int64_t term_ = 0;
  // What the election would know, if there were one.
  std::vector<Candidate> candidates_;
  std::string address_;

 private:
  void Settle();

  std::atomic<int64_t> boot_nanos_{0};
  std::thread state_runs_;
  std::unique_ptr<Heartbeats> heartbeats_;
  AnsweredRequests answered_;
  std::unique_ptr<LeaderServices> services_;
  std::unique_ptr<Leadership> leadership_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace curatord::testing_support

#endif  // TESTS_CLUSTER_LEADER_SERVER_H_
