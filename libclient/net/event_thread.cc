#include "libclient/net/event_thread.h"

#include <utility>

#include "libclient/net/monotonic.h"

namespace curator::net {

void EventThread::Queue::Post(Event event) {
  absl::MutexLock lock(&mutex_);
  events_.push_back(std::move(event));
}

EventThread::EventThread(std::function<core::Instant(core::Instant)> tick)
    : tick_(std::move(tick)), queue_(std::make_shared<Queue>()) {}

EventThread::~EventThread() = default;

void EventThread::Start() {
  thread_ = std::thread([this] { Run(); });
}

void EventThread::Stop(std::function<bool()> drained) {
  drained_ = std::move(drained);
  {
    absl::MutexLock lock(&queue_->mutex_);
    queue_->stopping_ = true;
  }
  thread_.join();
}

void EventThread::Run() {
  core::Instant wake_at = core::kNever;
  while (true) {
    std::vector<Event> events;
    bool stopping;
    {
      absl::MutexLock lock(&queue_->mutex_);
      const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(queue_->mutex_) {
        return !queue_->events_.empty() || queue_->stopping_;
      };
      queue_->mutex_.AwaitWithTimeout(absl::Condition(&ready), core::Until(wake_at, Now()));
      events.swap(queue_->events_);
      stopping = queue_->stopping_;
    }
    for (const Event& event : events) event();
    if (stopping) {
      if (drained_()) return;
      absl::MutexLock lock(&queue_->mutex_);
      const auto more = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(queue_->mutex_) {
        return !queue_->events_.empty();
      };
      queue_->mutex_.Await(absl::Condition(&more));
      continue;
    }
    wake_at = tick_(Now());
  }
}

}  // namespace curator::net
