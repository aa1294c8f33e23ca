#include "tests/support/memory_store.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/time/clock.h"

namespace curatord::testing_support {

class MemoryStore::WatchHandle final : public Watch {
 public:
  WatchHandle(MemoryStore* store, std::unique_ptr<Watcher> watcher)
      : store_(store), watcher_(std::move(watcher)) {}
  ~WatchHandle() override { store_->Forget(watcher_.get()); }

 private:
  MemoryStore* const store_;
  const std::unique_ptr<Watcher> watcher_;
};

MemoryStore::MemoryStore(Delivery delivery) {
  if (delivery == Delivery::kByHand) return;
  delivery_ = std::thread([this] {
    for (;;) {
      {
        absl::MutexLock lock(&mutex_);
        auto work = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
          return stopping_ || Behind() != nullptr;
        };
        mutex_.Await(absl::Condition(&work));
        if (stopping_) return;
      }
      DeliverNext();
    }
  });
}

MemoryStore::~MemoryStore() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (delivery_.joinable()) delivery_.join();
}

absl::StatusOr<RangeResult> MemoryStore::Range(absl::string_view prefix, absl::Time) {
  absl::MutexLock lock(&mutex_);
  RangeResult result;
  result.revision = revision_;
  for (const auto& [key, kv] : contents_) {
    if (absl::StartsWith(key, prefix)) result.kvs.push_back(kv);
  }
  return result;
}

absl::StatusOr<CommitResult> MemoryStore::Commit(const std::vector<Guard>& guards,
                                                 const std::vector<Operation>& operations,
                                                 absl::Time) {
  if (guards.size() > kMaxOperations || operations.size() > kMaxOperations) {
    return absl::InvalidArgumentError("too many operations");
  }
  absl::MutexLock lock(&mutex_);
  for (const Operation& operation : operations) {
    if (operation.lease_id != 0 && leases_.count(operation.lease_id) == 0) {
      return absl::NotFoundError("no such lease");
    }
  }
  return CommitLocked(guards, operations);
}

CommitResult MemoryStore::CommitLocked(const std::vector<Guard>& guards,
                                       const std::vector<Operation>& operations) {
  for (const Guard& guard : guards) {
    auto it = contents_.find(guard.key);
    int64_t found = 0;
    if (it != contents_.end()) {
      found = guard.field == Guard::Field::kCreateRevision ? it->second.create_revision
                                                           : it->second.mod_revision;
    }
    if (found != guard.equals) return {false, revision_};
  }
  const int64_t next = revision_ + 1;
  std::vector<WatchEvent> events;
  for (const Operation& operation : operations) {
    auto it = contents_.find(operation.key);
    if (operation.kind == Operation::Kind::kPut) {
      const int64_t created = it == contents_.end() ? next : it->second.create_revision;
      KeyValue kv{operation.key, operation.value, created, next, operation.lease_id};
      contents_[operation.key] = kv;
      events.push_back({WatchEvent::Kind::kPut, std::move(kv)});
    } else if (it != contents_.end()) {
      contents_.erase(it);
      events.push_back({WatchEvent::Kind::kDelete, KeyValue{operation.key, "", 0, next, 0}});
    }
  }
  if (!events.empty()) {
    revision_ = next;
    history_[next] = std::move(events);
  }
  return {true, revision_};
}

std::unique_ptr<Watch> MemoryStore::StartWatch(std::string prefix, int64_t from_revision,
                                               std::function<void(const WatchBatch&)> on_batch,
                                               std::function<void(absl::Status)> on_end) {
  auto watcher = std::make_unique<Watcher>();
  watcher->prefix = std::move(prefix);
  watcher->next_revision = from_revision;
  watcher->on_batch = std::move(on_batch);
  watcher->on_end = std::move(on_end);
  {
    absl::MutexLock lock(&mutex_);
    watchers_.insert(watcher.get());
  }
  return std::make_unique<WatchHandle>(this, std::move(watcher));
}

void MemoryStore::Forget(Watcher* watcher) {
  {
    absl::MutexLock lock(&mutex_);
    watchers_.erase(watcher);
  }
  // A callback that is under way ends first.
  absl::MutexLock lock(&delivering_);
}

MemoryStore::Watcher* MemoryStore::Behind() const {
  for (Watcher* watcher : watchers_) {
    if (!watcher->ended && watcher->next_revision <= revision_) return watcher;
  }
  return nullptr;
}

WatchBatch MemoryStore::NextBatchFor(Watcher* watcher) {
  WatchBatch batch;
  batch.revision = watcher->next_revision++;
  auto changes = history_.find(batch.revision);
  if (changes == history_.end()) return batch;
  for (const WatchEvent& event : changes->second) {
    if (absl::StartsWith(event.kv.key, watcher->prefix)) batch.events.push_back(event);
  }
  return batch;
}

bool MemoryStore::DeliverNext() {
  absl::MutexLock delivering(&delivering_);
  std::vector<std::pair<std::function<void(const WatchBatch&)>, WatchBatch>> deliveries;
  {
    absl::MutexLock lock(&mutex_);
    for (Watcher* watcher : watchers_) {
      if (watcher->ended || watcher->next_revision > revision_) continue;
      deliveries.emplace_back(watcher->on_batch, NextBatchFor(watcher));
    }
  }
  for (const auto& [on_batch, batch] : deliveries) on_batch(batch);
  return !deliveries.empty();
}

void MemoryStore::WaitForWatches(size_t count) {
  absl::MutexLock lock(&mutex_);
  auto enough = [this, count]()
                    ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return watchers_.size() >= count; };
  mutex_.Await(absl::Condition(&enough));
}

void MemoryStore::EndWatches(const absl::Status& cause) {
  absl::MutexLock delivering(&delivering_);
  std::vector<std::function<void(absl::Status)>> ends;
  {
    absl::MutexLock lock(&mutex_);
    for (Watcher* watcher : watchers_) {
      if (watcher->ended) continue;
      watcher->ended = true;
      ends.push_back(watcher->on_end);
    }
  }
  for (const auto& on_end : ends) on_end(cause);
}

absl::StatusOr<Lease> MemoryStore::GrantLease(absl::Duration ttl, absl::Time) {
  absl::MutexLock lock(&mutex_);
  const absl::Duration granted = granted_ttl_ > absl::ZeroDuration() ? granted_ttl_ : ttl;
  const int64_t id = next_lease_id_++;
  leases_[id] = granted;
  return Lease{id, granted};
}

absl::StatusOr<absl::Duration> MemoryStore::KeepLeaseAlive(int64_t lease_id, absl::Time) {
  absl::MutexLock lock(&mutex_);
  auto it = leases_.find(lease_id);
  if (it == leases_.end()) return absl::NotFoundError("no such lease");
  return it->second;
}

absl::Status MemoryStore::RevokeLease(int64_t lease_id, absl::Time) {
  absl::MutexLock lock(&mutex_);
  if (leases_.erase(lease_id) == 0) return absl::NotFoundError("no such lease");
  std::vector<Operation> deletions;
  for (const auto& [key, kv] : contents_) {
    if (kv.lease_id == lease_id) deletions.push_back(Operation::Delete(key));
  }
  CommitLocked({}, deletions);
  return absl::OkStatus();
}

void MemoryStore::GrantOnly(absl::Duration ttl) {
  absl::MutexLock lock(&mutex_);
  granted_ttl_ = ttl;
}

size_t MemoryStore::leases() const {
  absl::MutexLock lock(&mutex_);
  return leases_.size();
}

int64_t MemoryStore::Put(const std::string& key, const std::string& value, int64_t lease_id) {
  absl::MutexLock lock(&mutex_);
  return CommitLocked({}, {Operation::Put(key, value, lease_id)}).revision;
}

int64_t MemoryStore::Delete(const std::string& key) {
  absl::MutexLock lock(&mutex_);
  return CommitLocked({}, {Operation::Delete(key)}).revision;
}

std::map<std::string, KeyValue> MemoryStore::contents() const {
  absl::MutexLock lock(&mutex_);
  return contents_;
}

int64_t MemoryStore::revision() const {
  absl::MutexLock lock(&mutex_);
  return revision_;
}

}  // namespace curatord::testing_support
