// Takeover: deposes a leader whose process is gone, without waiting for its lease.
//
// A follower keeps a GetCurrentLeader stream to the leader. Evidence that the
// leader's process is gone is all of this: the stream stood and carried this very
// term; it broke; and the same address then refused three connections in a row over at least
// 50 ms. Silence and timeouts are no evidence: then the lease decides. With evidence
// the follower deletes the leader's key, guarded by its create and mod revision. A
// leader that is wrongly deposed (a rule that rejects its port, say) only steps
// down: fencing keeps the data safe.
//
// So that leadership does not flap, the same transaction puts a record that stands
// for one lease TTL and is guarded to be absent: nobody else deposes by evidence
// meanwhile. And one follower does not depose the same leader twice in a minute.
//
// Threads: Run uses the calling thread; gRPC's threads and whoever changes the role
//   only post to it.
// Shutdown: Stop makes Run end its stream and return OK.
#ifndef SERVER_TAKEOVER_H_
#define SERVER_TAKEOVER_H_

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "curator/credentials.h"
#include "libclient/core/endpoint.h"
#include "server/metrics/curator_metrics.h"
#include "server/nodes/cluster_state.h"
#include "server/published.h"
#include "server/role.h"
#include "server/store/store.h"

namespace curatord {

struct TakeoverOptions {
  std::string node_id;
  curator::ClusterCa ca;
  curator::Identity identity;         // the node's
  absl::Duration lease_ttl;           // how long a takeover forbids the next
  CuratorMetrics* metrics = nullptr;  // null: nobody asks for them
};

class Takeover {
 public:
  // All outlive this, and no role is set after it is gone.
  Takeover(Store* store, const ClusterState* state, Published<Role>* role, TakeoverOptions options);
  ~Takeover();

  absl::Status Run();
  void Stop();

  // The stream to the leader stands: should its process go, that will be noticed.
  bool armed() const;

 private:
  class LeaderStream;

  // What gRPC's threads tell of the stream that stands; shared with it.
  struct StreamState {
    bool established = false;  // the leader has claimed this term on it
    bool ended = false;
  };

  // Follows `role`'s leader until it is another, or its stream has broken.
  void FollowLeader(const Role& role, const curator::core::Endpoint& leader);
  bool IsGone(const Role& role, const curator::core::Endpoint& leader) const;
  void Depose(const Role& role);
  bool RoleIs(const Role& role) const;
  // Returns early when the role changes or Run is to end.
  void Pause(absl::Duration delay) const;

  Store* const store_;
  const ClusterState* const state_;
  const Published<Role>* const role_;
  const TakeoverOptions options_;

  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t role_changes_ ABSL_GUARDED_BY(mutex_) = 0;
  StreamState stream_ ABSL_GUARDED_BY(mutex_);

  // Of Run's thread: what it has taken notice of, and when (boot time) it deposed whom.
  uint64_t seen_changes_ = 0;
  std::map<std::string, absl::Duration> deposed_at_;
};

}  // namespace curatord

#endif  // SERVER_TAKEOVER_H_
