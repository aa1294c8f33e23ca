#include "libclient/net/pause.h"

#include <algorithm>
#include <deque>

#include "libclient/net/monotonic.h"

namespace curator::net {

void PauseFor(absl::Duration delay, const std::vector<std::stop_token>& stops) {
  absl::Mutex mutex;
  AwaitUnlessStopped(
      mutex, [] { return false; }, core::After(Now(), delay), stops);
}

WaitEnd AwaitUnlessStopped(absl::Mutex& mutex, absl::FunctionRef<bool()> happened,
                           core::Instant deadline, const std::vector<std::stop_token>& stops) {
  // Whoever waits looks again when the mutex is released.
  const auto wake = [&mutex] { absl::MutexLock lock(&mutex); };
  std::deque<std::stop_callback<decltype(wake)>> wakes;
  for (const std::stop_token& stop : stops) wakes.emplace_back(stop, wake);
  const auto stopped = [&stops] {
    return std::any_of(stops.begin(), stops.end(),
                       [](const std::stop_token& stop) { return stop.stop_requested(); });
  };
  const auto ended = [&] { return stopped() || happened(); };
  absl::MutexLock lock(&mutex);
  while (!mutex.AwaitWithTimeout(absl::Condition(&ended), core::Until(deadline, Now()))) {
    if (Now() >= deadline) return WaitEnd::kElapsed;
  }
  return stopped() ? WaitEnd::kStopped : WaitEnd::kHappened;
}

}  // namespace curator::net
