#include "server/store_space.h"

#include <algorithm>
#include <limits>

#include "absl/time/clock.h"
#include "server/log.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

constexpr absl::Duration kAskEvery = absl::Seconds(30);
constexpr absl::Duration kAskWhileFullEvery = absl::Seconds(2);
constexpr absl::Duration kAskTimeout = absl::Seconds(5);

}  // namespace

void StoreSpace::OnWritten() {
  int64_t refused;
  {
    absl::MutexLock lock(&mutex_);
    if (cause_.empty()) return;
    cause_.clear();
    refused = refused_;
  }
  LogInfo("the store has room again", {{"refused", refused}});
}

void StoreSpace::OnFull(absl::string_view cause) {
  {
    absl::MutexLock lock(&mutex_);
    ++refused_;
    if (!cause_.empty()) return;
    cause_ = std::string(cause);
  }
  LogError("the store is full: nothing can be written, and no other leader elected",
           {{"error", cause}, {"do", "make room: docs/operations.md, etcd in the long run"}});
}

bool StoreSpace::is_full() const {
  absl::MutexLock lock(&mutex_);
  return !cause_.empty();
}

absl::Status StoreSpace::health() const {
  absl::MutexLock lock(&mutex_);
  return cause_.empty() ? absl::OkStatus() : absl::ResourceExhaustedError(cause_);
}

int64_t StoreSpace::refused() const {
  absl::MutexLock lock(&mutex_);
  return refused_;
}

absl::Status StoreSpace::Run(Store* store) {
  // etcd looks at the room that the larger branch of a transaction would take before it
  // looks at the guards.
  const std::string probe(keys::kSpaceProbe);
  const Guard never = Guard::ModRevision(probe, std::numeric_limits<int64_t>::max());
  for (;;) {
    bool full;
    {
      absl::MutexLock lock(&mutex_);
      const auto sooner = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return stopping_ || !cause_.empty();
      };
      if (!mutex_.AwaitWithTimeout(absl::Condition(&sooner), kAskEvery)) {
        full = false;
      } else {
        mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kAskWhileFullEvery);
        full = !cause_.empty();
      }
      if (stopping_) return absl::OkStatus();
    }
    // What it answers is noted on its way (StoreWithSpace); other failures say nothing of room.
    [[maybe_unused]] const absl::StatusOr<CommitResult> answer =
        store->Commit(full ? std::vector<Guard>() : std::vector<Guard>{never},
                      {Operation::Put(probe, "")}, absl::Now() + kAskTimeout);
  }
}

void StoreSpace::Stop() {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
}

const absl::Status& StoreWithSpace::Noting(const absl::Status& status) {
  if (absl::IsResourceExhausted(status)) space_->OnFull(status.message());
  return status;
}

absl::StatusOr<RangeResult> StoreWithSpace::Range(absl::string_view prefix, absl::Time deadline) {
  return store_->Range(prefix, deadline);
}

absl::StatusOr<CommitResult> StoreWithSpace::Commit(const std::vector<Guard>& guards,
                                                    const std::vector<Operation>& operations,
                                                    absl::Time deadline) {
  absl::StatusOr<CommitResult> result = store_->Commit(guards, operations, deadline);
  Noting(result.status());
  // Deletions are taken by a store that is full.
  const bool puts = std::any_of(operations.begin(), operations.end(), [](const Operation& each) {
    return each.kind == Operation::Kind::kPut;
  });
  if (puts && result.ok() && result->succeeded) space_->OnWritten();
  return result;
}

std::unique_ptr<Watch> StoreWithSpace::StartWatch(std::string prefix, int64_t from_revision,
                                                  std::function<void(const WatchBatch&)> on_batch,
                                                  std::function<void(absl::Status)> on_end) {
  return store_->StartWatch(std::move(prefix), from_revision, std::move(on_batch),
                            std::move(on_end));
}

absl::StatusOr<Lease> StoreWithSpace::GrantLease(absl::Duration ttl, absl::Time deadline) {
  absl::StatusOr<Lease> lease = store_->GrantLease(ttl, deadline);
  if (Noting(lease.status()).ok()) space_->OnWritten();
  return lease;
}

absl::StatusOr<absl::Duration> StoreWithSpace::KeepLeaseAlive(int64_t lease_id,
                                                              absl::Time deadline) {
  absl::StatusOr<absl::Duration> kept = store_->KeepLeaseAlive(lease_id, deadline);
  Noting(kept.status());
  return kept;
}

absl::Status StoreWithSpace::RevokeLease(int64_t lease_id, absl::Time deadline) {
  return Noting(store_->RevokeLease(lease_id, deadline));
}

absl::StatusOr<std::vector<StoreMember>> StoreWithSpace::Members(absl::Time deadline) {
  return store_->Members(deadline);
}

}  // namespace curatord
