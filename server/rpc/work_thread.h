// WorkThread: one thread that does what is posted, in order. For work that would
// keep a thread of gRPC or of the store from its own: waking thousands of streams,
// or looking at a hundred thousand nodes, a slice at a time.
//
// Shutdown: Stop drops what has not begun and joins the thread; what is posted later
//   is dropped too. The destructor stops.
#ifndef SERVER_RPC_WORK_THREAD_H_
#define SERVER_RPC_WORK_THREAD_H_

#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace curatord {

class WorkThread {
 public:
  WorkThread() : thread_([this] { Run(); }) {}
  ~WorkThread() { Stop(); }
  WorkThread(const WorkThread&) = delete;
  WorkThread& operator=(const WorkThread&) = delete;

  // Not from the thread itself, and not from two others at once.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_) {
    std::deque<std::function<void()>> dropped;
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
      dropped.swap(queue_);
    }
    if (thread_.joinable()) thread_.join();
  }

  // From any thread. `work` is destroyed right after it ran.
  void Post(std::function<void()> work) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (!stopping_) queue_.push_back(std::move(work));
  }

 private:
  void Run() {
    for (;;) {
      std::function<void()> work;
      {
        absl::MutexLock lock(&mutex_);
        auto something = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
          return stopping_ || !queue_.empty();
        };
        mutex_.Await(absl::Condition(&something));
        if (stopping_) return;
        work = std::move(queue_.front());
        queue_.pop_front();
      }
      work();
    }
  }

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace curatord

#endif  // SERVER_RPC_WORK_THREAD_H_
