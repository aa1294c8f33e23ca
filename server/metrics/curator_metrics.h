// CuratorMetrics: what one curator tells Prometheus. The parts post here what happens
// (counters, histograms); what is now (role, nodes, lease) is asked of them when
// somebody scrapes. docs/operations.md has the list for people.
//
// Thread-safe once Observe has returned.
#ifndef SERVER_METRICS_CURATOR_METRICS_H_
#define SERVER_METRICS_CURATOR_METRICS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "server/election.h"
#include "server/leader/heartbeats.h"
#include "server/listener/connection_table.h"
#include "server/metrics/measured_store.h"
#include "server/metrics/registry.h"
#include "server/metrics/rpc_counts.h"
#include "server/metrics/takeover_clock.h"
#include "server/nodes/cluster_state.h"
#include "server/role.h"
#include "server/store_space.h"
#include "server/supervisor.h"

namespace curatord {

class CuratorMetrics {
 public:
  explicit CuratorMetrics(absl::Duration lease_ttl);

  // Once, before the parts run. This outlives `election`'s last role; all outlive the
  // last scrape.
  void Observe(Election* election, const ClusterState* state, const Supervisor* supervisor);

  // Likewise.
  void Observe(const StoreSpace* space);
  // Of the listener: before the first scrape, and it outlives the last one.
  void ObserveConnections(const ConnectionTable* connections);

  std::string Text() const { return registry_.Text(); }

  StoreTimes* store_times() { return &store_times_; }
  RpcCounts* rpcs() { return &rpcs_; }

  // Of Takeover: the stream to the leader of that term stands, or stood and broke.
  void LeaderHeard(int64_t term) { takeover_clock_.OnLeaderHeard(term); }
  void LeaderLost(int64_t term);

  // Of the listener: it serves that role now. `heartbeats`: a leader's, else null.
  // `gap`: for how long nothing was served, if another role was just before.
  void Serving(const Role& role, std::shared_ptr<const Heartbeats> heartbeats,
               absl::optional<absl::Duration> gap);
  void StoppedServing();

 private:
  void OnRole(const Role& role);
  void CollectRole(Samples* samples, const Election& election) const;
  void CollectNodes(Samples* samples, const ClusterState& state) const;

  Registry registry_;
  StoreTimes store_times_;
  RpcCounts rpcs_;
  TakeoverClock takeover_clock_;
  // From a takeover by evidence to one that waits for the longest lease of everyday use.
  Histogram takeover_seconds_{0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60};
  Histogram restart_seconds_{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};
  Counter restarts_;
  Counter leadership_changes_;

  mutable absl::Mutex mutex_;
  bool served_before_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t last_term_ ABSL_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<const Heartbeats> heartbeats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace curatord

#endif  // SERVER_METRICS_CURATOR_METRICS_H_
