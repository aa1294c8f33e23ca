#include "server/metrics/takeover_clock.h"

namespace curatord {

void TakeoverClock::OnRole(const Role& role, absl::Duration now) {
  absl::MutexLock lock(&mutex_);
  if (role == role_) return;
  const bool took_over = role_.kind == Role::Kind::kFollower && role.kind == Role::Kind::kLeader;
  role_ = role;
  if (!took_over) {
    lost_at_.reset();
  } else if (!lost_at_.has_value() || now - *lost_at_ > longest_wait_) {
    lost_at_ = now;
  }
}

void TakeoverClock::OnLeaderHeard(int64_t term) {
  absl::MutexLock lock(&mutex_);
  if (role_.kind == Role::Kind::kFollower && role_.term == term) lost_at_.reset();
}

void TakeoverClock::OnLeaderLost(int64_t term, absl::Duration now) {
  absl::MutexLock lock(&mutex_);
  // Told late, when we lead already, it is no news.
  if (role_.kind != Role::Kind::kFollower || role_.term != term) return;
  if (!lost_at_.has_value()) lost_at_ = now;
}

absl::optional<absl::Duration> TakeoverClock::OnServing(int64_t term, absl::Duration now) {
  absl::MutexLock lock(&mutex_);
  if (role_.kind != Role::Kind::kLeader || role_.term != term || !lost_at_.has_value()) {
    return absl::nullopt;
  }
  const absl::Duration took = now - *lost_at_;
  lost_at_.reset();
  return took;
}

}  // namespace curatord
