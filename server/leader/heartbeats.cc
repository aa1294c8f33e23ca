#include "server/leader/heartbeats.h"

#include <algorithm>
#include <utility>

namespace curatord {

using metropolis::proto::api::Node;

Heartbeats::Heartbeats(Clock clock) : clock_(std::move(clock)), leading_since_(clock_()) {}

void Heartbeats::Arrived(absl::string_view node_id) {
  const absl::Duration now = clock_();
  absl::MutexLock lock(&mutex_);
  arrived_at_[node_id] = now;
}

Heartbeats::Vitals Heartbeats::VitalsOf(absl::string_view node_id, bool is_up) const {
  const absl::Duration now = clock_();
  Vitals vitals;
  {
    absl::MutexLock lock(&mutex_);
    if (auto it = arrived_at_.find(node_id); it != arrived_at_.end()) {
      // It may have arrived since.
      vitals.age = std::max(now - it->second, absl::ZeroDuration());
    }
  }
  if (!is_up) return vitals;
  const absl::Duration silent_for = vitals.age.value_or(now - leading_since_);
  if (silent_for > kHeartbeatTimeout) {
    vitals.health = Node::HEALTH_HEARTBEAT_TIMEOUT;
  } else if (vitals.age.has_value()) {
    vitals.health = Node::HEALTH_HEALTHY;
  }
  return vitals;
}

}  // namespace curatord
