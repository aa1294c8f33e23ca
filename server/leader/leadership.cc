#include "server/leader/leadership.h"

#include <utility>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/nodes/node_log.h"
#include "server/rpc/rpc_error.h"

namespace curatord {
namespace {

constexpr absl::Duration kStoreTimeout = absl::Seconds(5);
constexpr absl::Duration kReadAnewTimeout = absl::Seconds(30);  // everything there is
constexpr size_t kMaxBatchBytes = 1 << 20;

}  // namespace

Leadership::Leadership(Store* store, ClusterState* state, Role role)
    : store_(store),
      state_(state),
      role_(std::move(role)),
      term_guard_(Guard::CreateRevision(role_.lock_key, role_.term)),
      lock_mod_revision_(role_.term),
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

absl::Status Leadership::EnterWrites(size_t bytes) {
  if (stopping_ || lost_) return LostLeadershipError(term());
  if (writers_.count >= kWritesWaiting || writers_.bytes + bytes > kWriteBytesWaiting) {
    return OverloadedError(
        absl::StrCat(writers_.count, " writes of ", writers_.bytes >> 10, " KiB"));
  }
  ++writers_.count;
  writers_.bytes += bytes;
  return absl::OkStatus();
}

absl::Status Leadership::EnterConfirmations(Asker asker, size_t bytes) {
  if (stopping_ || lost_) return LostLeadershipError(term());
  const bool stranger = asker == Asker::kStranger;
  Waiting& waiting = stranger ? strangers_ : members_;
  if (stranger &&
      (waiting.count >= kStrangersWaiting || waiting.bytes + bytes > kStrangerBytesWaiting)) {
    return OverloadedError(
        absl::StrCat(waiting.count, " calls without a certificate of the cluster"));
  }
  if (waiting.count >= kReadsWaiting) return OverloadedError(absl::StrCat(waiting.count, " reads"));
  ++waiting.count;
  waiting.bytes += bytes;
  return absl::OkStatus();
}

void Leadership::Write(Decision decide, Done done, size_t bytes) {
  absl::Status entered;
  {
    absl::MutexLock lock(&mutex_);
    entered = EnterWrites(bytes);
    if (entered.ok()) writes_.push_back({std::move(decide), std::move(done), bytes});
  }
  if (!entered.ok()) done(std::move(entered));
}

void Leadership::Confirm(Done done, Asker asker, size_t bytes) {
  absl::Status entered;
  {
    absl::MutexLock lock(&mutex_);
    entered = EnterConfirmations(asker, bytes);
    if (entered.ok()) confirmations_.push_back({std::move(done), asker, bytes});
  }
  if (!entered.ok()) done(std::move(entered));
}

void Leadership::SettleWrite(PendingWrite* write, absl::Status status) {
  write->done(std::move(status));
  absl::MutexLock lock(&mutex_);
  --writers_.count;
  writers_.bytes -= write->bytes;
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
      for (PendingWrite& write : writes) SettleWrite(&write, LostLeadershipError(term()));
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
  absl::Status known = late_write_possible_ ? ExcludeLateWrites() : absl::OkStatus();
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
    std::vector<Guard> guards = view.guards();
    committed = operations.empty() && guards.empty() ? CheckFence()
                                                     : CommitFenced(operations, std::move(guards));
  }
  if (absl::IsInvalidArgument(committed) && next - first > 1) {
    // Nothing ran: one of them is too much for the store. Singly, only that one fails.
    for (size_t i = first; i < next; ++i) CommitSome(writes, i, 1);
    return next;
  }
  for (size_t i = first; i < next; ++i) {
    SettleWrite(&(*writes)[i], committed.ok() ? decided[i - first] : committed);
  }
  return next;
}

absl::Status Leadership::CommitFenced(const std::vector<Operation>& operations,
                                      std::vector<Guard> guards) {
  const NodesBefore before = NodesToWrite(*state_, operations);
  guards.push_back(Guard::ModRevision(role_.lock_key, lock_mod_revision_));
  absl::StatusOr<CommitResult> result =
      store_->Commit(guards, operations, absl::Now() + kStoreTimeout);
  if (result.ok()) {
    if (!result->succeeded) return guards.size() == 1 ? Lost() : FencedOrOvertaken();
    state_->ApplyCommitted(operations, result->revision);
    LogNodeEvents(before, *state_);
    LogDepartures(operations);
    return absl::OkStatus();
  }
  if (absl::IsInvalidArgument(result.status())) return result.status();
  if (operations.empty() || !absl::IsUnknown(result.status())) {
    return NotExecutedError(result.status());
  }
  late_write_possible_ = true;
  ++unknown_outcomes_;
  LogWarning("a write has an unknown outcome", {{"error", result.status().message()}});
  return OutcomeUnknownError(term(), result.status().message());
}

// Nothing was executed. Our watch brings what was changed; who asked asks again.
absl::Status Leadership::FencedOrOvertaken() {
  const absl::StatusOr<CommitResult> fence = store_->Commit(
      {Guard::ModRevision(role_.lock_key, lock_mod_revision_)}, {}, absl::Now() + kStoreTimeout);
  if (!fence.ok()) return StoreUnavailableError(fence.status().message());
  if (!fence->succeeded) return Lost();
  return StoreUnavailableError("what this rests on was changed in the store just now");
}

absl::Status Leadership::CheckFence() {
  absl::StatusOr<CommitResult> result =
      store_->Commit({term_guard_}, {}, absl::Now() + kStoreTimeout);
  if (!result.ok()) return StoreUnavailableError(result.status().message());
  return result->succeeded ? absl::OkStatus() : Lost();
}

// 1. Whoever has the mod revision that the lock key has now can still write.
// 2. Putting it once more, guarded by that revision, ends this: also for an earlier
//    attempt to do so that comes late.
// 3. What arrived before that is in the store, and has to be known before the next
//    decision.
absl::Status Leadership::ExcludeLateWrites() {
  const absl::Time deadline = absl::Now() + kStoreTimeout;
  const absl::StatusOr<RangeResult> range = store_->Range(role_.lock_key, deadline);
  if (!range.ok()) return StoreUnavailableError(range.status().message());
  const KeyValue* lock = nullptr;
  for (const KeyValue& kv : range->kvs) {
    if (kv.key == role_.lock_key && kv.create_revision == term()) lock = &kv;
  }
  if (lock == nullptr) return Lost();
  const absl::StatusOr<CommitResult> put =
      store_->Commit({Guard::ModRevision(lock->key, lock->mod_revision)},
                     {Operation::Put(lock->key, lock->value, lock->lease_id)}, deadline);
  if (!put.ok()) return NotExecutedError(put.status());
  if (!put->succeeded) return StoreUnavailableError("the leader's key changed meanwhile");
  lock_mod_revision_ = put->revision;
  if (absl::Status known = ReadAnew(); !known.ok()) return known;
  late_write_possible_ = false;
  return absl::OkStatus();
}

absl::Status Leadership::RecoverKnowledge() {
  return settled_outcomes_.load() < unknown_outcomes_.load() ? ReadAnew() : absl::OkStatus();
}

absl::Status Leadership::ReadAnew() {
  const int64_t unknown = unknown_outcomes_.load();
  int64_t settled = settled_outcomes_.load();
  absl::Status reloaded = state_->Reload(absl::Now() + kReadAnewTimeout);
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
    std::vector<PendingConfirmation> waiting;
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
    for (PendingConfirmation& confirmation : waiting) confirmation.done(status);
    absl::MutexLock lock(&mutex_);
    for (const PendingConfirmation& confirmation : waiting) {
      Waiting& left = confirmation.asker == Asker::kStranger ? strangers_ : members_;
      --left.count;
      left.bytes -= confirmation.bytes;
    }
  }
}

}  // namespace curatord
