// Runs functions at their time, on one thread, until the process ends.
#ifndef TESTS_BENCH_SCHEDULE_H_
#define TESTS_BENCH_SCHEDULE_H_

#include <algorithm>
#include <functional>
#include <map>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/random/random.h"
#include "absl/synchronization/mutex.h"
#include "libclient/core/instant.h"
#include "libclient/net/monotonic.h"

namespace curator::bench {

class Schedule {
 public:
  Schedule() {
    std::thread([this] { Run(); }).detach();
  }

  void At(core::Instant at, std::function<void()> function) {
    absl::MutexLock lock(&mutex_);
    functions_.emplace(at, std::move(function));
  }

  // At a random moment before `within` has passed.
  void Within(absl::Duration within, std::function<void()> function) {
    absl::MutexLock lock(&mutex_);
    const absl::Duration delay = absl::Uniform(random_, 0.0, 1.0) * within;
    functions_.emplace(core::After(net::Now(), delay), std::move(function));
  }

 private:
  [[noreturn]] void Run() {
    for (;;) {
      std::function<void()> function;
      {
        absl::MutexLock lock(&mutex_);
        const auto due = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
          return !functions_.empty() && functions_.begin()->first <= net::Now();
        };
        const absl::Duration left = functions_.empty()
                                        ? absl::Seconds(1)
                                        : core::Until(functions_.begin()->first, net::Now());
        // Woken by an earlier function only within these milliseconds: near enough.
        if (!mutex_.AwaitWithTimeout(absl::Condition(&due),
                                     std::min(left, absl::Milliseconds(20)))) {
          continue;
        }
        function = std::move(functions_.begin()->second);
        functions_.erase(functions_.begin());
      }
      function();
    }
  }

  absl::Mutex mutex_;
  std::multimap<core::Instant, std::function<void()>> functions_ ABSL_GUARDED_BY(mutex_);
  absl::BitGen random_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace curator::bench

#endif  // TESTS_BENCH_SCHEDULE_H_
