#include "server/store/sqlite_store.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/store/lease_clock.h"
#include "server/store/sqlite_file.h"
#include "server/store/transaction_check.h"

namespace curatord {
namespace {

constexpr absl::Duration kExpiryTimeout = absl::Seconds(1);
constexpr absl::Duration kExpiryRetry = absl::Milliseconds(100);

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> SqliteStore::Open(const std::string& path, bool create) {
  if (absl::Status location = CheckSqliteLocation(path); !location.ok()) return location;
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) {
    if (!create) return absl::NotFoundError(absl::StrCat(path, ": there is no store"));
    if (absl::Status created = CreateSqliteFile(path); !created.ok()) return created;
  }
  absl::StatusOr<LeaseClock> clock = LeaseClock::OfThisBoot();
  if (!clock.ok()) return clock.status();
  absl::StatusOr<std::unique_ptr<SqliteSession>> writer = SqliteSession::Open(path, *clock);
  if (!writer.ok()) return writer.status();
  if (absl::Status sound = (*writer)->CheckStructure(); !sound.ok()) return sound;
  absl::StatusOr<std::unique_ptr<SqliteSession>> reader = SqliteSession::Open(path, *clock);
  if (!reader.ok()) return reader.status();
  absl::StatusOr<std::unique_ptr<SqliteWatches>> watches = SqliteWatches::Open(path, *clock);
  if (!watches.ok()) return watches.status();
  auto store = std::unique_ptr<SqliteStore>(new SqliteStore(
      path, std::move(writer).value(), std::move(reader).value(), std::move(watches).value()));
  if (absl::Status opened = store->expiry_wake_.Open(); !opened.ok()) return opened;
  store->expiry_thread_ = std::thread([store = store.get()] { store->RunExpiry(); });
  return store;
}

SqliteStore::SqliteStore(std::string path, std::unique_ptr<SqliteSession> writer,
                         std::unique_ptr<SqliteSession> reader,
                         std::unique_ptr<SqliteWatches> watches)
    : path_(std::move(path)),
      writer_(std::move(writer)),
      reader_(std::move(reader)),
      watches_(std::move(watches)) {}

SqliteStore::~SqliteStore() {
  stopping_ = true;
  expiry_wake_.Wake();
  if (expiry_thread_.joinable()) expiry_thread_.join();
}

template <typename Transaction>
auto SqliteStore::With(Lender<SqliteSession>& lender, absl::Time deadline, Transaction transaction)
    -> decltype(transaction(*static_cast<SqliteSession*>(nullptr))) {
  if (absl::Now() >= deadline) {
    return absl::UnavailableError(absl::StrCat(path_, ": the deadline passed"));
  }
  Lender<SqliteSession>::Loan session = lender.Borrow(deadline);
  if (!session) {
    return absl::UnavailableError(
        absl::StrCat(path_, ": another call had the connection until the deadline"));
  }
  return transaction(*session);
}

absl::StatusOr<RangeResult> SqliteStore::Range(absl::string_view prefix, absl::Time deadline) {
  return With(reader_, deadline,
              [&](SqliteSession& session) { return session.Range(prefix, deadline); });
}

absl::StatusOr<CommitResult> SqliteStore::Commit(const std::vector<Guard>& guards,
                                                 const std::vector<Operation>& operations,
                                                 absl::Time deadline) {
  if (absl::Status valid = CheckTransaction(guards, operations); !valid.ok()) return valid;
  if (operations.empty()) {
    return With(reader_, deadline,
                [&](SqliteSession& session) { return session.CheckGuards(guards, deadline); });
  }
  absl::StatusOr<CommitResult> result = With(writer_, deadline, [&](SqliteSession& session) {
    return session.Commit(guards, operations, deadline);
  });
  if (result.ok() && result->succeeded) watches_->Wake();
  return result;
}

std::unique_ptr<Watch> SqliteStore::StartWatch(std::string prefix, int64_t from_revision,
                                               std::function<void(const WatchBatch&)> on_batch,
                                               std::function<void(absl::Status)> on_end) {
  return watches_->Start(std::move(prefix), from_revision, std::move(on_batch), std::move(on_end));
}

absl::StatusOr<Lease> SqliteStore::GrantLease(absl::Duration ttl, absl::Time deadline) {
  if (absl::Status valid = CheckLeaseTtl(ttl); !valid.ok()) return valid;
  return With(writer_, deadline,
              [&](SqliteSession& session) { return session.GrantLease(ttl, deadline); });
}

absl::StatusOr<absl::Duration> SqliteStore::KeepLeaseAlive(int64_t lease_id, absl::Time deadline) {
  return With(writer_, deadline,
              [&](SqliteSession& session) { return session.KeepLeaseAlive(lease_id, deadline); });
}

absl::Status SqliteStore::RevokeLease(int64_t lease_id, absl::Time deadline) {
  absl::Status revoked = With(writer_, deadline, [&](SqliteSession& session) {
    return session.RevokeLease(lease_id, deadline);
  });
  if (revoked.ok()) watches_->Wake();
  return revoked;
}

std::string SqliteStore::name() const { return absl::StrCat("sqlite://", path_); }

void SqliteStore::RunExpiry() {
  while (!stopping_) expiry_wake_.Wait(ExpireDueLeases());
}

absl::Duration SqliteStore::ExpireDueLeases() {
  // A lease another process grants from now on lasts kMinLeaseTtl at least.
  const absl::Duration longest_wait = kMinLeaseTtl / 2;
  const absl::Time deadline = absl::Now() + kExpiryTimeout;
  absl::StatusOr<std::optional<absl::Duration>> left =
      With(reader_, deadline,
           [&](SqliteSession& session) { return session.TimeToFirstExpiry(deadline); });
  // A store in trouble shows it to its callers; here it is enough to try again.
  if (!left.ok()) return kExpiryRetry;
  if (!left->has_value()) return longest_wait;
  if (**left > absl::ZeroDuration()) return std::min(**left, longest_wait);
  absl::Status ended = With(writer_, deadline,
                            [&](SqliteSession& session) { return session.ExpireLeases(deadline); });
  if (!ended.ok()) return kExpiryRetry;
  watches_->Wake();
  return absl::ZeroDuration();
}

}  // namespace curatord
