// EventThread: runs what is posted, in order, on one thread of its own, and a
// tick after each batch and whenever the tick asked to be called again.
//
// Threads: one. Post may be called from any, also from the thread itself.
// Shutdown: Stop lets `drained` decide when the queue has been worked off, then
//   joins. Posts after that are dropped.
#ifndef LIBCLIENT_NET_EVENT_THREAD_H_
#define LIBCLIENT_NET_EVENT_THREAD_H_

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "libclient/core/instant.h"

namespace curator::net {

class EventThread {
 public:
  using Event = std::function<void()>;
  // Outlives the thread: a reactor may still be inside Post when all is over.
  class Queue {
   public:
    void Post(Event event);

   private:
    friend class EventThread;
    absl::Mutex mutex_;
    std::vector<Event> events_ ABSL_GUARDED_BY(mutex_);
    bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  };

  // `tick(now)` returns when it wants to be called again.
  explicit EventThread(std::function<core::Instant(core::Instant now)> tick);
  ~EventThread();  // Stop must have been called
  void Start();
  // `drained` is asked after each batch, on the thread.
  void Stop(std::function<bool()> drained);

  const std::shared_ptr<Queue>& queue() const { return queue_; }

 private:
  void Run();

  // Constant after construction.
  const std::function<core::Instant(core::Instant)> tick_;
  const std::shared_ptr<Queue> queue_;

  std::function<bool()> drained_;  // set before stopping_
  std::thread thread_;
};

}  // namespace curator::net

#endif  // LIBCLIENT_NET_EVENT_THREAD_H_
