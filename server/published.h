// Published<T>: the newest value of something that changes, for readers that want
// to know what is true now and not what was true in between. Thread-safe.
#ifndef SERVER_PUBLISHED_H_
#define SERVER_PUBLISHED_H_

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace curatord {

template <typename T>
class Published {
 public:
  struct Versioned {
    uint64_t version = 0;  // grows with every Set
    T value{};
  };

  void Set(T value) ABSL_LOCKS_EXCLUDED(mutex_) {
    std::vector<std::function<void()>> subscribers;
    {
      absl::MutexLock lock(&mutex_);
      ++current_.version;
      current_.value = std::move(value);
      subscribers = subscribers_;
    }
    for (const std::function<void()>& on_change : subscribers) on_change();
  }

  // `on_change` is called after each Set, by its caller, without a lock held. It
  // must not block, and what it uses must outlive the last Set.
  void Subscribe(std::function<void()> on_change) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    subscribers_.push_back(std::move(on_change));
  }

  Versioned Get() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return current_;
  }

  // Returns when the version is not `seen`, or after `timeout`.
  Versioned WaitForChange(uint64_t seen, absl::Duration timeout) const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    auto changed = [this, seen]()
                       ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return current_.version != seen; };
    mutex_.AwaitWithTimeout(absl::Condition(&changed), timeout);
    return current_;
  }

  // A new version of the same value: whoever waits looks around.
  void Wake() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    ++current_.version;
  }

 private:
  mutable absl::Mutex mutex_;
  Versioned current_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> subscribers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace curatord

#endif  // SERVER_PUBLISHED_H_
