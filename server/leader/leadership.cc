#include "server/leader/leadership.h"

#include <utility>

#include "absl/container/btree_map.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "server/log.h"
#include "server/rpc/rpc_error.h"

namespace curatord {
namespace {

constexpr absl::Duration kStoreTimeout = absl::Seconds(5);
constexpr size_t kMaxBatchBytes = 1 << 20;

}  // namespace

Leadership::Leadership(Store* store, ClusterState* state, Role role)
    : store_(store),
      state_(state),
      role_(std::move(role)),
      fence_(Guard::CreateRevision(role_.lock_key, role_.term)),
      lane_([this] { RunLane(); }),
      confirmer_([this] { RunConfirmer(); }) {}

Leadership::~Leadership() {
  Stop();
  lane_.join();
  confirmer_.join();
}

void Leadership::Stop() {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
}

void Leadership::Write(Decision decide, Done done) {
  {
    absl::MutexLock lock(&mutex_);
    if (!stopping_ && !lost_) {
      writes_.push_back({std::move(decide), std::move(done)});
      return;
    }
  }
  done(LostLeadershipError(term()));
}

void Leadership::Confirm(Done done) {
  {
    absl::MutexLock lock(&mutex_);
    if (!stopping_ && !lost_) {
      confirmations_.push_back(std::move(done));
      return;
    }
  }
  done(LostLeadershipError(term()));
}

absl::Status Leadership::WriteAndWait(Decision decide) {
  absl::Status result;
  absl::Notification settled;
  Write(std::move(decide), [&result, &settled](absl::Status status) {
    result = std::move(status);
    settled.Notify();
  });
  settled.WaitForNotification();
  return result;
}

void Leadership::RunLane() {
  for (;;) {
    std::vector<PendingWrite> writes;
    bool refuse;
    {
      absl::MutexLock lock(&mutex_);
      auto work = [this]()
                      ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || !writes_.empty(); };
      mutex_.Await(absl::Condition(&work));
      writes.swap(writes_);
      refuse = stopping_ || lost_;
      if (stopping_ && writes.empty()) return;
    }
    if (refuse) {
      for (PendingWrite& write : writes) write.done(LostLeadershipError(term()));
    } else {
      CommitTogether(std::move(writes));
    }
  }
}

void Leadership::CommitTogether(std::vector<PendingWrite> writes) {
  for (size_t next = 0; next < writes.size();) {
    next = CommitSome(&writes, next, writes.size() - next);
  }
}

size_t Leadership::CommitSome(std::vector<PendingWrite>* writes, size_t first, size_t limit) {
  absl::Status known = RecoverKnowledge();
  DecisionView view(state_);
  absl::btree_map<std::string, Operation> merged;
  size_t bytes = 0;
  std::vector<absl::Status> decided;
  size_t next = first;
  for (; known.ok() && next < first + limit; ++next) {
    absl::StatusOr<std::vector<Operation>> operations = (*writes)[next].decide(view);
    if (operations.ok()) {
      size_t added = 0;
      size_t added_bytes = 0;
      for (const Operation& operation : *operations) {
        added += merged.contains(operation.key) ? 0 : 1;
        added_bytes += operation.key.size() + operation.value.size();
      }
      if (!merged.empty() &&
          (merged.size() + added > kMaxOperations - 1 || bytes + added_bytes > kMaxBatchBytes)) {
        break;  // decided again, as part of the next transaction
      }
      bytes += added_bytes;
      view.Overlay(*operations);
      for (Operation& operation : *operations) {
        std::string key = operation.key;
        merged.insert_or_assign(std::move(key), std::move(operation));
      }
    }
    decided.push_back(operations.status());
  }
  if (!known.ok()) next = first + limit;

  absl::Status committed = known;
  if (known.ok()) {
    std::vector<Operation> operations;
    operations.reserve(merged.size());
    for (auto& [key, operation] : merged) operations.push_back(std::move(operation));
    committed = operations.empty() ? CheckFence() : CommitFenced(operations);
  }
  if (absl::IsInvalidArgument(committed) && next - first > 1) {
    // Nothing ran: one of them is too much for the store. Singly, only that one fails.
    for (size_t i = first; i < next; ++i) CommitSome(writes, i, 1);
    return next;
  }
  for (size_t i = first; i < next; ++i) {
    (*writes)[i].done(committed.ok() ? decided[i - first] : committed);
  }
  return next;
}

absl::Status Leadership::CommitFenced(const std::vector<Operation>& operations) {
  absl::StatusOr<CommitResult> result =
      store_->Commit({fence_}, operations, absl::Now() + kStoreTimeout);
  if (result.ok()) {
    if (!result->succeeded) return Lost();
    state_->ApplyCommitted(operations, result->revision);
    return absl::OkStatus();
  }
  if (absl::IsInvalidArgument(result.status())) return result.status();
  if (!absl::IsUnknown(result.status())) return StoreUnavailableError(result.status().message());
  ++unknown_outcomes_;
  LogWarning("a write has an unknown outcome", {{"error", result.status().message()}});
  return OutcomeUnknownError(term(), result.status().message());
}

absl::Status Leadership::CheckFence() {
  absl::StatusOr<CommitResult> result = store_->Commit({fence_}, {}, absl::Now() + kStoreTimeout);
  if (!result.ok()) return StoreUnavailableError(result.status().message());
  return result->succeeded ? absl::OkStatus() : Lost();
}

absl::Status Leadership::RecoverKnowledge() {
  const int64_t unknown = unknown_outcomes_.load();
  int64_t settled = settled_outcomes_.load();
  if (settled >= unknown) return absl::OkStatus();
  absl::Status reloaded = state_->Reload(absl::Now() + kStoreTimeout);
  if (!reloaded.ok()) return StoreUnavailableError(reloaded.message());
  while (settled < unknown && !settled_outcomes_.compare_exchange_weak(settled, unknown)) {
  }
  return absl::OkStatus();
}

absl::Status Leadership::Lost() {
  absl::MutexLock lock(&mutex_);
  if (!lost_) LogWarning("fenced off: another curator leads", {{"term", term()}});
  lost_ = true;
  return LostLeadershipError(term());
}

void Leadership::RunConfirmer() {
  for (;;) {
    std::vector<Done> waiting;
    bool refuse;
    {
      absl::MutexLock lock(&mutex_);
      auto work = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return stopping_ || !confirmations_.empty();
      };
      mutex_.Await(absl::Condition(&work));
      waiting.swap(confirmations_);
      refuse = stopping_ || lost_;
      if (stopping_ && waiting.empty()) return;
    }
    absl::Status status = refuse ? LostLeadershipError(term()) : CheckFence();
    if (status.ok()) status = RecoverKnowledge();
    for (Done& done : waiting) done(status);
  }
}

}  // namespace curatord
