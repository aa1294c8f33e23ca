#include "server/store/etcd_watch_events.h"

#include <algorithm>
#include <utility>

namespace curatord {

EtcdWatchEvents::News EtcdWatchEvents::Await(absl::Time until) {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithDeadline(absl::Condition(&has_news_), until);
  has_news_ = false;
  News news = std::exchange(news_, News());
  news.stopping = stopping_;
  return news;
}

void EtcdWatchEvents::Post(EtcdWatchEvent event) {
  absl::MutexLock lock(&mutex_);
  news_.events.push_back(std::move(event));
  has_news_ = true;
}

void EtcdWatchEvents::OnSessionChanged() {
  absl::MutexLock lock(&mutex_);
  news_.session_changed = true;
  has_news_ = true;
}

void EtcdWatchEvents::OnRevisionSeen(int64_t revision) {
  absl::MutexLock lock(&mutex_);
  news_.revision_seen = std::max(news_.revision_seen, revision);
  has_news_ = true;
}

void EtcdWatchEvents::Stop() {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
  has_news_ = true;
}

int64_t EtcdWatchEvents::Add() {
  absl::MutexLock lock(&mutex_);
  watches_.insert(++last_id_);
  return last_id_;
}

void EtcdWatchEvents::OnWatchesChanged() {
  absl::MutexLock lock(&mutex_);
  news_.watches_changed = true;
  has_news_ = true;
}

void EtcdWatchEvents::Remove(int64_t watch_id) {
  absl::MutexLock lock(&mutex_);
  watches_.erase(watch_id);
  news_.watches_changed = true;
  has_news_ = true;
  const auto is_left_alone = [this, watch_id]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return delivering_ != watch_id;
  };
  mutex_.Await(absl::Condition(&is_left_alone));
}

bool EtcdWatchEvents::Contains(int64_t watch_id) const {
  absl::MutexLock lock(&mutex_);
  return watches_.contains(watch_id);
}

bool EtcdWatchEvents::Enter(int64_t watch_id) {
  absl::MutexLock lock(&mutex_);
  if (stopping_ || !watches_.contains(watch_id)) return false;
  delivering_ = watch_id;
  return true;
}

void EtcdWatchEvents::Leave() {
  absl::MutexLock lock(&mutex_);
  delivering_ = 0;
}

void EtcdWatchEvents::OnCallStarted() {
  absl::MutexLock lock(&mutex_);
  ++calls_;
}

void EtcdWatchEvents::OnCallEnded() {
  absl::MutexLock lock(&mutex_);
  --calls_;
}

void EtcdWatchEvents::AwaitNoCalls() {
  absl::MutexLock lock(&mutex_);
  const auto none = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return calls_ == 0; };
  mutex_.Await(absl::Condition(&none));
}

}  // namespace curatord
