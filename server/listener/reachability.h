// Reachability: what to do about a curator that cannot reach itself at the address it
// listens on. It holds a lease and looks healthy to all others, and nobody can call it.
//
// 1. It failed for half a lease's TTL: build the listener anew.
// 2. That did not help: give up the lease, if it leads and another candidate stands, but
//    not twice within a minute; for it may be the machine, not the listener.
// 3. Else build it anew every half TTL, until something helps.
//
// So, with another candidate, it does not lead for a whole TTL while it is deaf. Times are
// BootTime(). No threads, no clock.
#ifndef SERVER_LISTENER_REACHABILITY_H_
#define SERVER_LISTENER_REACHABILITY_H_

#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace curatord {

class Reachability {
 public:
  enum class Act { kNothing, kRebuild, kGiveUp };

  explicit Reachability(absl::Duration lease_ttl) : lease_ttl_(lease_ttl) {}

  // How long to wait with the next attempt, and how long one that begins now may take: long
  // enough for a machine under load, and short enough that 1. and 2. are done within a TTL.
  absl::Duration until_next_attempt() const;
  absl::Duration attempt_timeout(absl::Duration now) const;

  // For how long it had failed, if it had for long enough that something was done.
  absl::optional<absl::Duration> OnReached(absl::Duration now);
  // `begun`: the attempt. `may_give_up`: it leads, and another candidate stands.
  Act OnFailed(absl::Duration begun, absl::Duration now, bool may_give_up);
  // It listens nowhere, as it should.
  void OnNoRole();

  // Since when, if it was long enough ago to do something about it.
  absl::optional<absl::Duration> unreachable_since() const {
    return rebuilt_at_.has_value() ? failing_since_ : absl::nullopt;
  }

 private:
  const absl::Duration lease_ttl_;
  absl::optional<absl::Duration> failing_since_;
  absl::optional<absl::Duration> rebuilt_at_;  // since it fails
  absl::optional<absl::Duration> gave_up_at_;
};

}  // namespace curatord

#endif  // SERVER_LISTENER_REACHABILITY_H_
