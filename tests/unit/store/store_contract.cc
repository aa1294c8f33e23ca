#include "tests/unit/store/store_contract.h"

#include <utility>

namespace curatord {

RecordedWatch::RecordedWatch(Store* store, std::string prefix, int64_t from_revision)
    : watch_(store->StartWatch(
          std::move(prefix), from_revision,
          [this](const WatchBatch& batch) {
            absl::MutexLock lock(&mutex_);
            EXPECT_FALSE(ended_) << "batch after the end";
            events_.insert(events_.end(), batch.events.begin(), batch.events.end());
            revisions_.push_back(batch.revision);
          },
          [this](absl::Status status) {
            absl::MutexLock lock(&mutex_);
            EXPECT_FALSE(ended_) << "ended twice";
            EXPECT_FALSE(status.ok());
            ended_ = true;
            end_ = std::move(status);
          })) {}

std::vector<WatchEvent> RecordedWatch::EventsThrough(int64_t revision) {
  absl::MutexLock lock(&mutex_);
  const auto is_there = [this, revision]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return ended_ || (!revisions_.empty() && revisions_.back() >= revision);
  };
  EXPECT_TRUE(mutex_.AwaitWithDeadline(absl::Condition(&is_there), Soon()))
      << "revision " << revision << " was not delivered";
  return events_;
}

std::vector<std::string> RecordedWatch::First(size_t count) {
  absl::MutexLock lock(&mutex_);
  const auto are_there = [this, count]()
                             ABSL_NO_THREAD_SAFETY_ANALYSIS { return events_.size() >= count; };
  EXPECT_TRUE(mutex_.AwaitWithDeadline(absl::Condition(&are_there), Soon()))
      << events_.size() << " events instead of " << count;
  std::vector<std::string> descriptions;
  for (const WatchEvent& event : events_) descriptions.push_back(Describe(event));
  return descriptions;
}

absl::Status RecordedWatch::End() {
  absl::MutexLock lock(&mutex_);
  EXPECT_TRUE(mutex_.AwaitWithDeadline(absl::Condition(&ended_), Soon())) << "did not end";
  return end_;
}

std::vector<int64_t> RecordedWatch::BatchRevisions() {
  absl::MutexLock lock(&mutex_);
  return revisions_;
}

}  // namespace curatord
