#include "server/store/sqlite_session.h"

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/store/key_prefix.h"
#include "server/store/sqlite_file.h"
#include "server/store/write_lock_holder.h"

namespace curatord {
namespace {

constexpr size_t kEnoughBytes = 1 << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteSession>> SqliteSession::Open(const std::string& path,
                                                                   const LeaseClock& clock) {
  absl::StatusOr<std::unique_ptr<SqliteDatabase>> database = OpenSqliteFile(path);
  if (!database.ok()) return database.status();
  auto session =
      std::unique_ptr<SqliteSession>(new SqliteSession(std::move(database).value(), clock));
  if (absl::Status prepared = session->Prepare(); !prepared.ok()) return prepared;
  return session;
}

absl::Status SqliteSession::Prepare() {
  const std::pair<SqliteStatement*, absl::string_view> statements[] = {
      {&begin_read_, "BEGIN"},
      {&begin_write_, "BEGIN IMMEDIATE"},
      {&commit_, "COMMIT"},
      {&rollback_, "ROLLBACK"},
      {&data_version_, "PRAGMA data_version"},
      {&read_meta_, "SELECT revision, first_revision FROM meta"},
      {&write_meta_, "UPDATE meta SET revision = ?, first_revision = ?"},
      {&compact_, "DELETE FROM changes WHERE revision < ?"},
      {&range_,
       "SELECT key, value, create_revision, mod_revision, lease_id FROM keys"
       " WHERE key >= ? AND key < ? ORDER BY key"},
      {&range_to_end_,
       "SELECT key, value, create_revision, mod_revision, lease_id FROM keys"
       " WHERE key >= ? ORDER BY key"},
      {&select_revisions_, "SELECT create_revision, mod_revision FROM keys WHERE key = ?"},
      {&insert_key_, "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?)"},
      {&delete_key_, "DELETE FROM keys WHERE key = ? RETURNING 1"},
      {&insert_change_, "INSERT INTO changes VALUES (?, ?, ?, iif(?, NULL, ?), ?, ?)"},
      {&select_changes_,
       "SELECT revision, key, value IS NULL, value, create_revision, lease_id FROM changes"
       " WHERE revision >= ? ORDER BY revision, ordinal"},
      {&insert_lease_, "INSERT INTO leases VALUES (?, ?, ?, ?)"},
      {&renew_lease_,
       "UPDATE leases SET expires_at_nanos = ?1 + ttl_nanos"
       " WHERE id = ?2 AND boot_id = ?3 AND expires_at_nanos > ?1 RETURNING ttl_nanos"},
      {&delete_lease_, "DELETE FROM leases WHERE id = ? RETURNING 1"},
      {&select_lease_,
       "SELECT 1 FROM leases WHERE id = ? AND boot_id = ? AND expires_at_nanos > ?"},
      {&select_lease_keys_,
       "SELECT key FROM keys WHERE lease_id = ? AND lease_id != 0 ORDER BY key"},
      {&select_due_leases_,
       "SELECT id FROM leases WHERE boot_id != ? OR expires_at_nanos <= ? ORDER BY id"},
      {&select_first_expiry_,
       "SELECT min(iif(boot_id = ?, expires_at_nanos, 0)), count(*) FROM leases"},
  };
  for (const auto& [statement, sql] : statements) {
    if (absl::Status prepared = database_->Prepare(sql, statement); !prepared.ok()) {
      return prepared;
    }
  }
  return absl::OkStatus();
}

absl::Status SqliteSession::BeginRead(absl::Time deadline) {
  database_->SetDeadline(deadline);
  absl::Status begun = SqliteQuery(*database_, &begin_read_).Finish();
  return begun.ok() ? CheckIsInPlace() : NotExecuted(begun);
}

absl::Status SqliteSession::BeginWrite(absl::Time deadline) {
  database_->SetDeadline(deadline);
  absl::Status begun = SqliteQuery(*database_, &begin_write_).Finish();
  if (!begun.ok()) {
    if ((database_->last_code() & 0xff) != SQLITE_BUSY) return NotExecuted(begun);
    const std::string holder = DescribeWriteLockHolder(database_->shm_path());
    return absl::UnavailableError(absl::StrCat(database_->path(),
                                               ": the write lock did not come free in time",
                                               holder.empty() ? "" : ": held by ", holder));
  }
  return CheckIsInPlace();
}

absl::Status SqliteSession::CheckIsInPlace() {
  if (!database_->HasMoved()) return absl::OkStatus();
  Rollback();
  return absl::DataLossError(
      absl::StrCat(database_->path(), ": the file was removed or replaced while in use"));
}

absl::Status SqliteSession::CommitWrite() {
  // Past this point giving up early would only add doubt.
  database_->SetDeadline(absl::InfiniteFuture());
  absl::Status committed = SqliteQuery(*database_, &commit_).Finish();
  if (committed.ok()) return committed;
  const int code = database_->last_code() & 0xff;
  Rollback();
  // Full: the log has no room for the commit record, which comes last. Nobody finds it.
  if (code == SQLITE_BUSY || code == SQLITE_FULL) return NotExecuted(committed);
  // The commit record may have reached the log without its sync: unseen by
  // everyone now, but found by whoever recovers the log after a crash.
  return absl::UnknownError(committed.message());
}

void SqliteSession::Rollback() {
  if (!database_->in_transaction()) return;
  database_->SetDeadline(absl::InfiniteFuture());  // must not be cut short
  [[maybe_unused]] const absl::Status ended = SqliteQuery(*database_, &rollback_).Finish();
}

absl::StatusOr<SqliteSession::Meta> SqliteSession::ReadMeta() {
  SqliteQuery query(*database_, &read_meta_);
  if (!query.Next()) {
    if (!query.status().ok()) return NotExecuted(query.status());
    return absl::DataLossError(absl::StrCat(database_->path(), ": has lost its revision"));
  }
  return Meta{query.Integer(0), query.Integer(1)};
}

absl::Status SqliteSession::WriteMeta(const Meta& meta) {
  const int64_t first = std::max(meta.first_revision, meta.revision - kKeptRevisions + 1);
  absl::Status written = SqliteQuery(*database_, &write_meta_, meta.revision, first).Finish();
  if (written.ok() && first > meta.first_revision) {
    written = SqliteQuery(*database_, &compact_, first).Finish();
  }
  return NotExecuted(written);
}

absl::Status SqliteSession::CheckStructure() {
  database_->SetDeadline(absl::InfiniteFuture());
  return CheckSqliteStructure(database_.get());
}

absl::StatusOr<RangeResult> SqliteSession::Range(absl::string_view prefix, absl::Time deadline) {
  if (absl::Status begun = BeginRead(deadline); !begun.ok()) return begun;
  absl::Cleanup end = [this] { Rollback(); };
  absl::StatusOr<Meta> meta = ReadMeta();
  if (!meta.ok()) return meta.status();
  RangeResult result;
  result.revision = meta->revision;
  const auto read = [&](SqliteQuery& query) {
    while (query.Next()) {
      result.kvs.push_back({std::string(query.Bytes(0)), std::string(query.Bytes(1)),
                            query.Integer(2), query.Integer(3), query.Integer(4)});
    }
    return NotExecuted(query.status());
  };
  absl::Status done;
  if (const std::string prefix_end = PrefixEnd(prefix); !prefix_end.empty()) {
    SqliteQuery query(*database_, &range_, prefix, absl::string_view(prefix_end));
    done = read(query);
  } else {
    SqliteQuery query(*database_, &range_to_end_, prefix);
    done = read(query);
  }
  if (!done.ok()) return done;
  return result;
}

absl::StatusOr<bool> SqliteSession::GuardsHold(const std::vector<Guard>& guards) {
  for (const Guard& guard : guards) {
    SqliteQuery query(*database_, &select_revisions_, absl::string_view(guard.key));
    int64_t revision = 0;
    if (query.Next()) {
      revision = query.Integer(guard.field == Guard::Field::kCreateRevision ? 0 : 1);
    }
    if (!query.status().ok()) return NotExecuted(query.status());
    if (revision != guard.equals) return false;
  }
  return true;
}

absl::StatusOr<CommitResult> SqliteSession::CheckGuards(const std::vector<Guard>& guards,
                                                        absl::Time deadline) {
  if (absl::Status begun = BeginRead(deadline); !begun.ok()) return begun;
  absl::Cleanup end = [this] { Rollback(); };
  absl::StatusOr<Meta> meta = ReadMeta();
  if (!meta.ok()) return meta.status();
  absl::StatusOr<bool> hold = GuardsHold(guards);
  if (!hold.ok()) return hold.status();
  return CommitResult{*hold, meta->revision};
}

absl::StatusOr<SqliteChanges> SqliteSession::ChangesFrom(int64_t from_revision,
                                                         absl::string_view prefix,
                                                         size_t enough_events,
                                                         absl::Time deadline) {
  if (absl::Status begun = BeginRead(deadline); !begun.ok()) return begun;
  absl::Cleanup end = [this] { Rollback(); };
  absl::StatusOr<Meta> meta = ReadMeta();
  if (!meta.ok()) return meta.status();
  if (from_revision < meta->first_revision) {
    return absl::OutOfRangeError(absl::StrCat(
        "revision ", from_revision, " is compacted; the first kept is ", meta->first_revision));
  }
  SqliteChanges changes;
  changes.store_revision = meta->revision;
  changes.through_revision = meta->revision;
  size_t bytes = 0;
  int64_t reading = 0;
  SqliteQuery query(*database_, &select_changes_, from_revision);
  while (query.Next()) {
    const int64_t revision = query.Integer(0);
    if (revision != reading && (changes.events.size() >= enough_events || bytes >= kEnoughBytes)) {
      changes.through_revision = revision - 1;
      break;
    }
    reading = revision;
    const absl::string_view key = query.Bytes(1);
    if (!absl::StartsWith(key, prefix)) continue;
    WatchEvent event;
    event.kv.key = std::string(key);
    event.kv.mod_revision = revision;
    if (query.Integer(2) != 0) {
      event.kind = WatchEvent::Kind::kDelete;
    } else {
      event.kv.value = std::string(query.Bytes(3));
      event.kv.create_revision = query.Integer(4);
      event.kv.lease_id = query.Integer(5);
    }
    bytes += event.kv.key.size() + event.kv.value.size();
    changes.events.push_back(std::move(event));
  }
  if (!query.status().ok()) return NotExecuted(query.status());
  return changes;
}

absl::StatusOr<int64_t> SqliteSession::DataVersion() {
  database_->SetDeadline(absl::InfiniteFuture());
  SqliteQuery query(*database_, &data_version_);
  if (!query.Next()) return NotExecuted(query.status());
  return query.Integer(0);
}

absl::Status SqliteSession::Put(const Operation& operation, int64_t revision, int64_t ordinal) {
  int64_t create_revision = revision;
  {
    SqliteQuery query(*database_, &select_revisions_, absl::string_view(operation.key));
    if (query.Next()) create_revision = query.Integer(0);
    if (!query.status().ok()) return query.status();
  }
  absl::Status put =
      SqliteQuery(*database_, &insert_key_, absl::string_view(operation.key),
                  absl::string_view(operation.value), create_revision, revision, operation.lease_id)
          .Finish();
  if (!put.ok()) return put;
  return SqliteQuery(*database_, &insert_change_, revision, ordinal,
                     absl::string_view(operation.key), int64_t{0},
                     absl::string_view(operation.value), create_revision, operation.lease_id)
      .Finish();
}

absl::StatusOr<bool> SqliteSession::Delete(absl::string_view key, int64_t revision,
                                           int64_t ordinal) {
  bool existed = false;
  {
    SqliteQuery query(*database_, &delete_key_, key);
    while (query.Next()) existed = true;
    if (!query.status().ok()) return query.status();
  }
  if (!existed) return false;
  absl::Status logged = SqliteQuery(*database_, &insert_change_, revision, ordinal, key, int64_t{1},
                                    absl::string_view(), int64_t{0}, int64_t{0})
                            .Finish();
  if (!logged.ok()) return logged;
  return true;
}

absl::StatusOr<CommitResult> SqliteSession::Commit(const std::vector<Guard>& guards,
                                                   const std::vector<Operation>& operations,
                                                   absl::Time deadline) {
  if (absl::Status begun = BeginWrite(deadline); !begun.ok()) return begun;
  absl::Cleanup end = [this] { Rollback(); };
  absl::StatusOr<Meta> meta = ReadMeta();
  if (!meta.ok()) return meta.status();
  absl::StatusOr<bool> hold = GuardsHold(guards);
  if (!hold.ok()) return hold.status();
  if (!*hold) return CommitResult{false, meta->revision};

  const int64_t now_nanos = clock_.NowNanos();
  const int64_t revision = meta->revision + 1;
  int64_t changes = 0;
  for (const Operation& operation : operations) {
    if (operation.kind == Operation::Kind::kDelete) {
      absl::StatusOr<bool> existed = Delete(operation.key, revision, changes);
      if (!existed.ok()) return NotExecuted(existed.status());
      if (*existed) ++changes;
      continue;
    }
    if (operation.lease_id != 0) {
      absl::Status alive = CheckLeaseIsAlive(operation.lease_id, now_nanos);
      if (!alive.ok()) return alive;
    }
    absl::Status put = Put(operation, revision, changes++);
    if (!put.ok()) return NotExecuted(put);
  }
  if (changes == 0) return CommitResult{true, meta->revision};
  meta->revision = revision;
  if (absl::Status written = WriteMeta(*meta); !written.ok()) return written;
  if (absl::Status committed = CommitWrite(); !committed.ok()) return committed;
  return CommitResult{true, revision};
}

}  // namespace curatord
