// The leases of a session. A lease has ended once its time is over, whether or not
// a process has got round to deleting it: it is not renewed nor given keys then.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "server/store/sqlite_session.h"

namespace curatord {
namespace {

absl::Status Ended(int64_t lease_id) {
  return absl::NotFoundError(absl::StrCat("lease ", lease_id, " has ended or never was"));
}

}  // namespace

absl::Status SqliteSession::CheckLeaseIsAlive(int64_t lease_id, int64_t now_nanos) {
  SqliteQuery query(*database_, &select_lease_, lease_id, absl::string_view(clock_.boot_id()),
                    now_nanos);
  if (query.Next()) return absl::OkStatus();
  return query.status().ok() ? Ended(lease_id) : NotExecuted(query.status());
}

absl::StatusOr<Lease> SqliteSession::GrantLease(absl::Duration ttl, absl::Time deadline) {
  absl::BitGen random;
  Lease lease;
  lease.id =
      absl::Uniform<int64_t>(absl::IntervalClosed, random, 1, std::numeric_limits<int64_t>::max());
  lease.ttl = std::max(ttl, kMinLeaseTtl);
  if (absl::Status begun = BeginWrite(deadline); !begun.ok()) return begun;
  absl::Cleanup end = [this] { Rollback(); };
  const int64_t ttl_nanos = absl::ToInt64Nanoseconds(lease.ttl);
  // A taken id, all but impossible, violates the primary key: not executed.
  absl::Status inserted =
      SqliteQuery(*database_, &insert_lease_, lease.id, ttl_nanos, clock_.NowNanos() + ttl_nanos,
                  absl::string_view(clock_.boot_id()))
          .Finish();
  if (!inserted.ok()) return NotExecuted(inserted);
  if (absl::Status committed = CommitWrite(); !committed.ok()) return committed;
  return lease;
}

absl::StatusOr<absl::Duration> SqliteSession::KeepLeaseAlive(int64_t lease_id,
                                                             absl::Time deadline) {
  if (absl::Status begun = BeginWrite(deadline); !begun.ok()) return begun;
  absl::Cleanup end = [this] { Rollback(); };
  int64_t ttl_nanos = 0;
  {
    // The clock is read with the lock held: whoever expires leases is before or
    // after this, and sees the same.
    SqliteQuery query(*database_, &renew_lease_, clock_.NowNanos(), lease_id,
                      absl::string_view(clock_.boot_id()));
    while (query.Next()) ttl_nanos = query.Integer(0);
    if (!query.status().ok()) return NotExecuted(query.status());
  }
  if (ttl_nanos == 0) return Ended(lease_id);
  if (absl::Status committed = CommitWrite(); !committed.ok()) return committed;
  return absl::Nanoseconds(ttl_nanos);
}

absl::Status SqliteSession::EndLease(int64_t lease_id, Meta* meta) {
  bool existed = false;
  {
    SqliteQuery query(*database_, &delete_lease_, lease_id);
    while (query.Next()) existed = true;
    if (!query.status().ok()) return NotExecuted(query.status());
  }
  if (!existed) return Ended(lease_id);
  std::vector<std::string> keys;
  {
    SqliteQuery query(*database_, &select_lease_keys_, lease_id);
    while (query.Next()) keys.emplace_back(query.Bytes(0));
    if (!query.status().ok()) return NotExecuted(query.status());
  }
  if (keys.empty()) return absl::OkStatus();
  ++meta->revision;
  int64_t ordinal = 0;
  for (const std::string& key : keys) {
    absl::StatusOr<bool> deleted = Delete(key, meta->revision, ordinal++);
    if (!deleted.ok()) return NotExecuted(deleted.status());
  }
  return WriteMeta(*meta);
}

absl::Status SqliteSession::RevokeLease(int64_t lease_id, absl::Time deadline) {
  if (absl::Status begun = BeginWrite(deadline); !begun.ok()) return begun;
  absl::Cleanup end = [this] { Rollback(); };
  absl::StatusOr<Meta> meta = ReadMeta();
  if (!meta.ok()) return meta.status();
  if (absl::Status ended = EndLease(lease_id, &*meta); !ended.ok()) return ended;
  return CommitWrite();
}

absl::Status SqliteSession::ExpireLeases(absl::Time deadline) {
  if (absl::Status begun = BeginWrite(deadline); !begun.ok()) return begun;
  absl::Cleanup end = [this] { Rollback(); };
  std::vector<int64_t> due;
  {
    SqliteQuery query(*database_, &select_due_leases_, absl::string_view(clock_.boot_id()),
                      clock_.NowNanos());
    while (query.Next()) due.push_back(query.Integer(0));
    if (!query.status().ok()) return NotExecuted(query.status());
  }
  if (due.empty()) return absl::OkStatus();  // another process was faster
  absl::StatusOr<Meta> meta = ReadMeta();
  if (!meta.ok()) return meta.status();
  for (const int64_t lease_id : due) {
    if (absl::Status ended = EndLease(lease_id, &*meta); !ended.ok()) return ended;
  }
  return CommitWrite();
}

absl::StatusOr<std::optional<absl::Duration>> SqliteSession::TimeToFirstExpiry(
    absl::Time deadline) {
  if (absl::Status begun = BeginRead(deadline); !begun.ok()) return begun;
  absl::Cleanup end = [this] { Rollback(); };
  SqliteQuery query(*database_, &select_first_expiry_, absl::string_view(clock_.boot_id()));
  if (!query.Next()) return NotExecuted(query.status());
  if (query.Integer(1) == 0) return std::nullopt;
  return absl::Nanoseconds(query.Integer(0) - clock_.NowNanos());
}

}  // namespace curatord
