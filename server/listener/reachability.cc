#include "server/listener/reachability.h"

#include <algorithm>

namespace curatord {
namespace {

constexpr absl::Duration kOftenEnough = absl::Seconds(3);
constexpr absl::Duration kBetweenGivingUp = absl::Minutes(1);

}  // namespace

absl::Duration Reachability::until_next_attempt() const {
  return std::min(lease_ttl_ / (failing_since_.has_value() ? 32 : 8), kOftenEnough);
}

absl::Duration Reachability::attempt_timeout(absl::Duration now) const {
  if (rebuilt_at_.has_value()) return lease_ttl_ / 4;
  if (!failing_since_.has_value()) return lease_ttl_ / 2;
  return std::max(*failing_since_ + lease_ttl_ / 2 - now, lease_ttl_ / 16);
}

absl::optional<absl::Duration> Reachability::OnReached(absl::Duration now) {
  absl::optional<absl::Duration> failed_for;
  if (unreachable_since().has_value()) failed_for = now - *failing_since_;
  OnNoRole();
  return failed_for;
}

Reachability::Act Reachability::OnFailed(absl::Duration begun, absl::Duration now,
                                         bool may_give_up) {
  // No longer than an attempt takes: else this process was stopped meanwhile.
  if (!failing_since_.has_value()) failing_since_ = std::max(begun, now - attempt_timeout(begun));
  if (now - *failing_since_ < lease_ttl_ / 2) return Act::kNothing;
  if (rebuilt_at_.has_value() && begun >= *rebuilt_at_ && may_give_up &&
      (!gave_up_at_.has_value() || now - *gave_up_at_ >= kBetweenGivingUp)) {
    gave_up_at_ = now;
    return Act::kGiveUp;
  }
  if (rebuilt_at_.has_value() && now - *rebuilt_at_ < lease_ttl_ / 2) return Act::kNothing;
  rebuilt_at_ = now;
  return Act::kRebuild;
}

void Reachability::OnNoRole() {
  failing_since_.reset();
  rebuilt_at_.reset();
}

}  // namespace curatord
