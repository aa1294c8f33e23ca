#include "server/metrics/measured_store.h"

#include <utility>

#include "server/boot_clock.h"

namespace curatord {
namespace {

const absl::Status& StatusIn(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusIn(const absl::StatusOr<T>& result) {
  return result.status();
}

template <typename Call>
auto Timed(StoreTimes::Operation* operation, Call call) {
  const absl::Duration started = BootTime();
  auto result = call();
  operation->seconds.Observe(BootTime() - started);
  if (!StatusIn(result).ok()) operation->failures.Increment();
  return result;
}

}  // namespace

std::vector<const StoreTimes::Operation*> StoreTimes::All() const {
  return {&range, &commit, &grant_lease, &keep_lease_alive, &revoke_lease, &members};
}

void StoreTimes::CollectSeconds(Samples* samples) const {
  for (const Operation* operation : All()) {
    samples->Add({{"operation", std::string(operation->name)}}, operation->seconds);
  }
}

void StoreTimes::CollectFailures(Samples* samples) const {
  for (const Operation* operation : All()) {
    samples->Add({{"operation", std::string(operation->name)}},
                 static_cast<double>(operation->failures.value()));
  }
}

absl::StatusOr<RangeResult> MeasuredStore::Range(absl::string_view prefix, absl::Time deadline) {
  return Timed(&times_->range, [&] { return store_->Range(prefix, deadline); });
}

absl::StatusOr<CommitResult> MeasuredStore::Commit(const std::vector<Guard>& guards,
                                                   const std::vector<Operation>& operations,
                                                   absl::Time deadline) {
  return Timed(&times_->commit, [&] { return store_->Commit(guards, operations, deadline); });
}

std::unique_ptr<Watch> MeasuredStore::StartWatch(std::string prefix, int64_t from_revision,
                                                 std::function<void(const WatchBatch&)> on_batch,
                                                 std::function<void(absl::Status)> on_end) {
  return store_->StartWatch(std::move(prefix), from_revision, std::move(on_batch),
                            std::move(on_end));
}

absl::StatusOr<Lease> MeasuredStore::GrantLease(absl::Duration ttl, absl::Time deadline) {
  return Timed(&times_->grant_lease, [&] { return store_->GrantLease(ttl, deadline); });
}

absl::StatusOr<absl::Duration> MeasuredStore::KeepLeaseAlive(int64_t lease_id,
                                                             absl::Time deadline) {
  return Timed(&times_->keep_lease_alive,
               [&] { return store_->KeepLeaseAlive(lease_id, deadline); });
}

absl::Status MeasuredStore::RevokeLease(int64_t lease_id, absl::Time deadline) {
  return Timed(&times_->revoke_lease, [&] { return store_->RevokeLease(lease_id, deadline); });
}

absl::StatusOr<std::vector<StoreMember>> MeasuredStore::Members(absl::Time deadline) {
  return Timed(&times_->members, [&] { return store_->Members(deadline); });
}

}  // namespace curatord
