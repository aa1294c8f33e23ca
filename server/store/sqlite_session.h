// SqliteSession: one connection to the embedded store and the store's transactions
// on it. Every function is one transaction, from BEGIN to COMMIT or ROLLBACK; its
// statements were prepared when the session was opened, so that the write lock,
// which all processes share, is held for no longer than the work itself.
//
// Not thread-safe. Status codes as in store.h.
#ifndef SERVER_STORE_SQLITE_SESSION_H_
#define SERVER_STORE_SQLITE_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/store/lease_clock.h"
#include "server/store/sqlite_database.h"
#include "server/store/store.h"

namespace curatord {

// Revisions whose changes are kept for watches.
inline constexpr int64_t kKeptRevisions = 100'000;
// No lease is shorter: whoever looks at the leases twice as often sees each one
// before it ends.
inline constexpr absl::Duration kMinLeaseTtl = absl::Seconds(1);

// What has changed from some revision on.
struct SqliteChanges {
  std::vector<WatchEvent> events;  // of whole transactions
  int64_t through_revision = 0;    // none is missing up to here
  int64_t store_revision = 0;      // greater: there is more
};

class SqliteSession {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteSession>> Open(const std::string& path,
                                                             const LeaseClock& clock);

  // kDataLoss if the file is damaged.
  absl::Status CheckStructure();

  absl::StatusOr<RangeResult> Range(absl::string_view prefix, absl::Time deadline);
  // Reads only: does not wait for writers.
  absl::StatusOr<CommitResult> CheckGuards(const std::vector<Guard>& guards, absl::Time deadline);
  // Changes of keys with `prefix` at revisions >= `from_revision`, cut at the end
  // of a transaction once there are `enough_events` or about 1 MiB of them.
  // kOutOfRange: compacted.
  absl::StatusOr<SqliteChanges> ChangesFrom(int64_t from_revision, absl::string_view prefix,
                                            size_t enough_events, absl::Time deadline);
  // Differs from the last answer if another connection has written since.
  absl::StatusOr<int64_t> DataVersion();
  // How long until the first lease ends, not positive if it has; nullopt: no lease.
  absl::StatusOr<std::optional<absl::Duration>> TimeToFirstExpiry(absl::Time deadline);

  // `operations` is not empty and valid.
  absl::StatusOr<CommitResult> Commit(const std::vector<Guard>& guards,
                                      const std::vector<Operation>& operations,
                                      absl::Time deadline);
  absl::StatusOr<Lease> GrantLease(absl::Duration ttl, absl::Time deadline);
  absl::StatusOr<absl::Duration> KeepLeaseAlive(int64_t lease_id, absl::Time deadline);
  absl::Status RevokeLease(int64_t lease_id, absl::Time deadline);
  // Ends every lease that is due, each in a revision of its own.
  absl::Status ExpireLeases(absl::Time deadline);

  const SqliteDatabase& database() const { return *database_; }

 private:
  struct Meta {
    int64_t revision = 0;
    int64_t first_revision = 0;
  };

  SqliteSession(std::unique_ptr<SqliteDatabase> database, const LeaseClock& clock)
      : clock_(clock), database_(std::move(database)) {}
  absl::Status Prepare();

  absl::Status BeginRead(absl::Time deadline);
  absl::Status BeginWrite(absl::Time deadline);
  absl::Status CommitWrite();
  // Within a transaction: kDataLoss if the file at our path is another by now.
  absl::Status CheckIsInPlace();
  // Ends the transaction, if one is open, without effect.
  void Rollback();

  // Within a transaction:
  absl::StatusOr<Meta> ReadMeta();
  absl::StatusOr<bool> GuardsHold(const std::vector<Guard>& guards);
  absl::Status CheckLeaseIsAlive(int64_t lease_id, int64_t now_nanos);
  absl::Status Put(const Operation& operation, int64_t revision, int64_t ordinal);
  absl::StatusOr<bool> Delete(absl::string_view key, int64_t revision, int64_t ordinal);
  // Deletes the lease and its keys; their revision, if there were any, is the next.
  absl::Status EndLease(int64_t lease_id, Meta* meta);
  absl::Status WriteMeta(const Meta& meta);

  const LeaseClock clock_;
  const std::unique_ptr<SqliteDatabase> database_;  // outlives the statements
  SqliteStatement begin_read_, begin_write_, commit_, rollback_, data_version_;
  SqliteStatement read_meta_, write_meta_, compact_;
  SqliteStatement range_, range_to_end_, select_revisions_, insert_key_, delete_key_;
  SqliteStatement insert_change_, select_changes_;
  SqliteStatement insert_lease_, renew_lease_, delete_lease_, select_lease_;
  SqliteStatement select_lease_keys_, select_due_leases_, select_first_expiry_;
};

}  // namespace curatord

#endif  // SERVER_STORE_SQLITE_SESSION_H_
