#include "libclient/net/pause.h"

#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace curator::net {

void PauseFor(absl::Duration delay, const std::vector<std::stop_token>& stops) {
  struct Wait {
    absl::Mutex mutex;
    bool ended ABSL_GUARDED_BY(mutex) = false;
  } wait;
  const auto end = [&wait] {
    absl::MutexLock lock(&wait.mutex);
    wait.ended = true;
  };
  std::deque<std::stop_callback<decltype(end)>> callbacks;
  for (const std::stop_token& stop : stops) callbacks.emplace_back(stop, end);
  absl::MutexLock lock(&wait.mutex);
  wait.mutex.AwaitWithTimeout(absl::Condition(&wait.ended), delay);
}

}  // namespace curator::net
