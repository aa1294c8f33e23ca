#include "tests/support/faulty_store.h"

#include <utility>

namespace curatord::testing_support {

void FaultyStore::OnCommit(std::function<Fault(const std::vector<Operation>&)> plan) {
  absl::MutexLock lock(&mutex_);
  on_commit_ = std::move(plan);
}

void FaultyStore::OnRange(std::function<Fault()> plan) {
  absl::MutexLock lock(&mutex_);
  on_range_ = std::move(plan);
}

void FaultyStore::FailCommits(std::vector<Fault> faults) {
  absl::MutexLock lock(&mutex_);
  next_commits_.assign(faults.begin(), faults.end());
}

void FaultyStore::SetDown(bool down) {
  absl::MutexLock lock(&mutex_);
  down_ = down;
}

void FaultyStore::SilenceKeepAlives() {
  absl::MutexLock lock(&mutex_);
  silent_ = true;
}

void FaultyStore::SetMembers(std::vector<StoreMember> members) {
  absl::MutexLock lock(&mutex_);
  members_ = std::move(members);
}

void FaultyStore::FailMembers(absl::Status cause) {
  absl::MutexLock lock(&mutex_);
  members_ = std::move(cause);
}

void FaultyStore::HoldMembers() {
  absl::MutexLock lock(&mutex_);
  members_held_ = true;
}

absl::StatusOr<std::vector<StoreMember>> FaultyStore::Members(absl::Time /*deadline*/) {
  if (absl::Status down = Down(); !down.ok()) return down;
  bool hold;
  {
    absl::MutexLock lock(&mutex_);
    ++member_lists_;
    hold = members_held_;
  }
  if (hold) Hold();
  absl::MutexLock lock(&mutex_);
  return members_;
}

void FaultyStore::WaitUntilHeld(int count) {
  absl::MutexLock lock(&mutex_);
  auto enough = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return held_ >= count; };
  mutex_.Await(absl::Condition(&enough));
}

void FaultyStore::Release() {
  absl::MutexLock lock(&mutex_);
  ++releases_;
}

void FaultyStore::DeliverLate() {
  std::vector<std::function<void()>> late;
  {
    absl::MutexLock lock(&mutex_);
    late.swap(late_);
  }
  for (const auto& deliver : late) deliver();
}

void FaultyStore::Hold() {
  absl::MutexLock lock(&mutex_);
  ++held_;
  auto released = [this, seen = releases_]()
                      ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return releases_ != seen; };
  mutex_.Await(absl::Condition(&released));
  --held_;
}

std::vector<std::vector<Operation>> FaultyStore::commits() const {
  absl::MutexLock lock(&mutex_);
  return commits_;
}

int FaultyStore::keepalives() const {
  absl::MutexLock lock(&mutex_);
  return keepalives_;
}

int FaultyStore::member_lists() const {
  absl::MutexLock lock(&mutex_);
  return member_lists_;
}

absl::Status FaultyStore::Down() const {
  absl::MutexLock lock(&mutex_);
  return down_ ? absl::UnavailableError("the store is down") : absl::OkStatus();
}

absl::StatusOr<RangeResult> FaultyStore::Range(absl::string_view prefix, absl::Time deadline) {
  if (absl::Status down = Down(); !down.ok()) return down;
  std::function<Fault()> plan;
  {
    absl::MutexLock lock(&mutex_);
    plan = on_range_;
  }
  const Fault fault = plan ? plan() : Fault::kNone;
  if (fault == Fault::kUnavailable) return absl::UnavailableError("no answer in time");
  if (fault == Fault::kHoldRequest) Hold();
  absl::StatusOr<RangeResult> result = store_->Range(prefix, deadline);
  if (fault == Fault::kHoldAnswer) Hold();
  return result;
}

absl::StatusOr<CommitResult> FaultyStore::Commit(const std::vector<Guard>& guards,
                                                 const std::vector<Operation>& operations,
                                                 absl::Time deadline) {
  if (absl::Status down = Down(); !down.ok()) return down;
  std::function<Fault(const std::vector<Operation>&)> plan;
  Fault fault = Fault::kNone;
  {
    absl::MutexLock lock(&mutex_);
    commits_.push_back(operations);
    if (!next_commits_.empty()) {
      fault = next_commits_.front();
      next_commits_.pop_front();
    } else {
      plan = on_commit_;
    }
  }
  if (plan) fault = plan(operations);
  switch (fault) {
    case Fault::kNone:
      return store_->Commit(guards, operations, deadline);
    case Fault::kRefuse:
      return CommitResult{false, 0};
    case Fault::kLoseRequest:
      return absl::UnknownError("the connection broke");
    case Fault::kLoseAnswer: {
      absl::StatusOr<CommitResult> lost = store_->Commit(guards, operations, deadline);
      return absl::UnknownError("the connection broke");
    }
    case Fault::kDeliverLate: {
      absl::MutexLock lock(&mutex_);
      late_.push_back([this, guards, operations] {
        store_->Commit(guards, operations, absl::InfiniteFuture()).IgnoreError();
      });
      return absl::UnknownError("the connection broke");
    }
    case Fault::kUnavailable:
      return absl::UnavailableError("no answer in time");
    case Fault::kTooMuch:
      return absl::InvalidArgumentError("too much");
    case Fault::kDamaged:
      return absl::DataLossError("checksum mismatch");
    case Fault::kFull:
      return absl::ResourceExhaustedError("database space exceeded");
    case Fault::kHoldRequest:
      Hold();
      return store_->Commit(guards, operations, deadline);
    case Fault::kHoldAnswer: {
      absl::StatusOr<CommitResult> result = store_->Commit(guards, operations, deadline);
      Hold();
      return result;
    }
  }
  return absl::InternalError("no such fault");
}

absl::StatusOr<Lease> FaultyStore::GrantLease(absl::Duration ttl, absl::Time deadline) {
  if (absl::Status down = Down(); !down.ok()) return down;
  return store_->GrantLease(ttl, deadline);
}

absl::StatusOr<absl::Duration> FaultyStore::KeepLeaseAlive(int64_t lease_id, absl::Time deadline) {
  {
    absl::MutexLock lock(&mutex_);
    ++keepalives_;
    if (silent_) {
      const bool never = false;
      mutex_.AwaitWithDeadline(absl::Condition(&never), deadline);
      return absl::UnavailableError("no answer in time");
    }
  }
  if (absl::Status down = Down(); !down.ok()) return down;
  return store_->KeepLeaseAlive(lease_id, deadline);
}

absl::Status FaultyStore::RevokeLease(int64_t lease_id, absl::Time deadline) {
  if (absl::Status down = Down(); !down.ok()) return down;
  return store_->RevokeLease(lease_id, deadline);
}

}  // namespace curatord::testing_support
