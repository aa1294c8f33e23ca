// SqliteWatches: delivers the changes of one embedded store to its watches,
// whichever process made them.
//
// Threads: one of its own, which makes all callbacks, one at a time. Start and
// Wake are thread-safe.
// Shutdown: the destructor joins the thread. A watch that is still there gets no
// more callbacks, on_end included, and may be destroyed later.
#ifndef SERVER_STORE_SQLITE_WATCH_H_
#define SERVER_STORE_SQLITE_WATCH_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/store/sqlite_session.h"
#include "server/store/store.h"
#include "server/store/wake_event.h"

namespace curatord {

class SqliteWatches {
 public:
  static absl::StatusOr<std::unique_ptr<SqliteWatches>> Open(const std::string& path,
                                                             const LeaseClock& clock);
  ~SqliteWatches();

  std::unique_ptr<Watch> Start(std::string prefix, int64_t from_revision,
                               std::function<void(const WatchBatch&)> on_batch,
                               std::function<void(absl::Status)> on_end);

  // This process has committed something.
  void Wake() { wake_.Wake(); }

 private:
  struct Registration;
  class Registry;
  class Handle;

  explicit SqliteWatches(std::unique_ptr<SqliteSession> session);

  void Run();
  // Returns when it is worth looking: woken, the log was written to, or a timer.
  void WaitForNews();
  void DeliverAll();
  // One batch at most. True if there is more.
  bool DeliverOne(Registration& watch);
  void EndAll(const absl::Status& cause);

  // Constant after construction.
  const std::shared_ptr<Registry> registry_;
  int inotify_fd_ = -1;  // -1: the timer alone must do

  WakeEvent wake_;
  // Of the thread.
  const std::unique_ptr<SqliteSession> session_;
  int quick_looks_ = 0;
  int64_t seen_version_ = -1;

  std::thread thread_;
};

}  // namespace curatord

#endif  // SERVER_STORE_SQLITE_WATCH_H_
