// SqliteStore: the embedded store, one SQLite file shared by several processes of
// one host. Correctness is its aim, not speed.
//
// Three connections: one writes, one reads, one serves the watches; the first two
// are lent to one caller at a time. All processes share SQLite's write lock: one
// that is stopped while it commits (SIGSTOP) blocks the writers of all others,
// never the readers, until it goes on or dies.
//
// Threads: one delivers watches, one ends leases that are due (each process with
// the store open does). All functions are thread-safe.
// Shutdown: the destructor joins both; no other call may be under way. A watch
// left over gets no more callbacks and may be destroyed later.
#ifndef SERVER_STORE_SQLITE_STORE_H_
#define SERVER_STORE_SQLITE_STORE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/store/lender.h"
#include "server/store/sqlite_session.h"
#include "server/store/sqlite_watch.h"
#include "server/store/store.h"
#include "server/store/wake_event.h"

namespace curatord {

class SqliteStore final : public Store {
 public:
  // `path` is absolute. Codes as OpenStore's.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& path, bool create);
  ~SqliteStore() override;

  absl::StatusOr<RangeResult> Range(absl::string_view prefix, absl::Time deadline) override;
  absl::StatusOr<CommitResult> Commit(const std::vector<Guard>& guards,
                                      const std::vector<Operation>& operations,
                                      absl::Time deadline) override;
  std::unique_ptr<Watch> StartWatch(std::string prefix, int64_t from_revision,
                                    std::function<void(const WatchBatch&)> on_batch,
                                    std::function<void(absl::Status)> on_end) override;
  absl::StatusOr<Lease> GrantLease(absl::Duration ttl, absl::Time deadline) override;
  absl::StatusOr<absl::Duration> KeepLeaseAlive(int64_t lease_id, absl::Time deadline) override;
  absl::Status RevokeLease(int64_t lease_id, absl::Time deadline) override;
  std::string name() const override;

 private:
  SqliteStore(std::string path, std::unique_ptr<SqliteSession> writer,
              std::unique_ptr<SqliteSession> reader, std::unique_ptr<SqliteWatches> watches);

  // Borrows a connection and runs `transaction(session)`.
  template <typename Transaction>
  auto With(Lender<SqliteSession>& lender, absl::Time deadline, Transaction transaction)
      -> decltype(transaction(*static_cast<SqliteSession*>(nullptr)));
  void RunExpiry();
  // Ends what is due; returns how long until it is worth looking again.
  absl::Duration ExpireDueLeases();

  const std::string path_;
  Lender<SqliteSession> writer_;
  Lender<SqliteSession> reader_;
  const std::unique_ptr<SqliteWatches> watches_;
  std::atomic<bool> stopping_ = false;
  WakeEvent expiry_wake_;
  std::thread expiry_thread_;
};

}  // namespace curatord

#endif  // SERVER_STORE_SQLITE_STORE_H_
