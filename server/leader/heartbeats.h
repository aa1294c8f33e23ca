// Heartbeats: when each node was last heard, by a monotonic clock, in the
// leader's memory alone: a new leader starts with none. Thread-safe.
#ifndef SERVER_LEADER_HEARTBEATS_H_
#define SERVER_LEADER_HEARTBEATS_H_

#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "metropolis/management.pb.h"

namespace curatord {

// A node that was silent for longer is HEARTBEAT_TIMEOUT. Ours send every 5 s,
// existing nodes every 10 s.
inline constexpr absl::Duration kHeartbeatTimeout = absl::Seconds(15);

class Heartbeats {
 public:
  using Clock = std::function<absl::Duration()>;  // time since any fixed instant
  explicit Heartbeats(Clock clock);

  void Arrived(absl::string_view node_id);

  struct Vitals {
    metropolis::proto::api::Node::Health health = metropolis::proto::api::Node::HEALTH_UNKNOWN;
    absl::optional<absl::Duration> age;  // none: no heartbeat seen
  };
  // Only nodes that are UP have a health; the rest are HEALTH_UNKNOWN.
  Vitals VitalsOf(absl::string_view node_id, bool is_up) const;

 private:
  const Clock clock_;
  const absl::Duration leading_since_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<std::string, absl::Duration> arrived_at_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace curatord

#endif  // SERVER_LEADER_HEARTBEATS_H_
