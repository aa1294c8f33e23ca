// One curator in this process, its parts put together as `curatord run` does it,
// but for the node agent. Its RPCs are always counted.
#ifndef TESTS_CLUSTER_TEST_CURATOR_H_
#define TESTS_CLUSTER_TEST_CURATOR_H_

#include <memory>
#include <string>

#include "server/auth/authorizer.h"
#include "server/election.h"
#include "server/listener.h"
#include "server/listener/self_check.h"
#include "server/metrics/curator_metrics.h"
#include "server/nodes/cluster_state.h"
#include "server/supervisor.h"
#include "server/takeover.h"
#include "tests/cluster/cluster_client.h"
#include "tests/support/test_cluster.h"

namespace curatord::testing_support {

struct TestCuratorOptions {
  absl::Duration lease_ttl = absl::Seconds(3);
  bool fast_takeover = false;
  // Where it looks whether it can be reached, if not where it listens.
  std::string looks_for_itself_at = "";
};

class TestCurator {
 public:
  // All outlive this. Listens on an address of its own.
  TestCurator(const TestCluster* cluster, const TestNode* node, Store* store,
              const TestCuratorOptions& options = {});
  ~TestCurator() { Stop(); }

  void Start();
  // Ends all parts, as a clean stop of curatord does.
  void Stop() { supervisor_.Stop(); }

  // Waits until the election has made it that, under another term than `not_term`.
  Role WaitFor(Role::Kind kind, int64_t not_term = -1);
  // As WaitFor, and until its server answers in that role.
  Role WaitToServe(Role::Kind kind, int64_t not_term = -1);

  Client ConnectAs(absl::optional<curator::Identity> identity) const {
    return Connect(address(), cluster_->ca(), std::move(identity));
  }
  Client ConnectAsOwner() const { return ConnectAs(cluster_->OwnerIdentity()); }

  const std::string& host() const { return host_; }
  std::string address() const { return host_ + ":7835"; }
  const TestNode& node() const { return *node_; }
  Election& election() { return election_; }
  ClusterState& state() { return state_; }
  const Takeover& takeover() const { return *takeover_; }
  const Supervisor& supervisor() const { return supervisor_; }
  const CuratorMetrics& metrics() const { return metrics_; }
  const ConnectionTable& connections() const { return listener_.connections(); }

 private:
  const TestCluster* const cluster_;
  const TestNode* const node_;
  const std::string host_ = NewLoopbackAddress();
  ClusterState state_;
  const Authorizer authorizer_;
  CuratorMetrics metrics_;
  Election election_;
  absl::optional<Takeover> takeover_;
  Supervisor supervisor_;
  Listener listener_;
  SelfCheck self_check_;
};

}  // namespace curatord::testing_support

#endif  // TESTS_CLUSTER_TEST_CURATOR_H_
