// TakeoverClock: how long a takeover takes, as the curator sees it that becomes the
// leader: from the first sign that its predecessor is gone until it serves.
//
// That sign is the end of the stream to the leader, or else the role itself, which
// comes once the leader's key is gone. Only a follower takes over: the first leader of
// a cluster has no predecessor. Thread-safe; instants are the caller's, of one clock.
#ifndef SERVER_METRICS_TAKEOVER_CLOCK_H_
#define SERVER_METRICS_TAKEOVER_CLOCK_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "server/role.h"

namespace curatord {

class TakeoverClock {
 public:
  // A leader that is gone loses its key within `longest_wait`. If its stream broke
  // before that, it lived on where we could not reach it, and the key alone counts.
  explicit TakeoverClock(absl::Duration longest_wait) : longest_wait_(longest_wait) {}

  // The same role told again is no news.
  void OnRole(const Role& role, absl::Duration now);
  // The stream to the leader of `term` stands, again or for the first time.
  void OnLeaderHeard(int64_t term);
  // It stood, and broke.
  void OnLeaderLost(int64_t term, absl::Duration now);
  // A leader of `term` serves now. None if that was no takeover, or was told before.
  absl::optional<absl::Duration> OnServing(int64_t term, absl::Duration now);

 private:
  const absl::Duration longest_wait_;
  absl::Mutex mutex_;
  Role role_ ABSL_GUARDED_BY(mutex_);
  absl::optional<absl::Duration> lost_at_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace curatord

#endif  // SERVER_METRICS_TAKEOVER_CLOCK_H_
