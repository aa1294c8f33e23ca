// Waits that any of several reasons ends early.
#ifndef LIBCLIENT_NET_PAUSE_H_
#define LIBCLIENT_NET_PAUSE_H_

#include <stop_token>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libclient/core/instant.h"

namespace curator::net {

// Returns after `delay`, or as soon as one of `stops` stops.
void PauseFor(absl::Duration delay, const std::vector<std::stop_token>& stops);

enum class WaitEnd {
  kHappened,
  kStopped,  // also if it has happened as well
  kElapsed,
};
// Until `happened`, which is asked with `mutex` held, or one of `stops` stops, or the
// deadline passes. Takes the mutex itself.
WaitEnd AwaitUnlessStopped(absl::Mutex& mutex, absl::FunctionRef<bool()> happened,
                           core::Instant deadline, const std::vector<std::stop_token>& stops)
    ABSL_LOCKS_EXCLUDED(mutex);

}  // namespace curator::net

#endif  // LIBCLIENT_NET_PAUSE_H_
