// One connection to the embedded store's file, its prepared statements, and what
// SQLite's result codes mean to us.
//
// Not thread-safe: a connection belongs to one thread at a time. No connection
// may cross a fork. The file is never opened or closed but through SQLite: a
// close of any descriptor of it drops all POSIX locks this process holds on it.
#ifndef SERVER_STORE_SQLITE_DATABASE_H_
#define SERVER_STORE_SQLITE_DATABASE_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace curatord {

class SqliteStatement {
 public:
  SqliteStatement() = default;
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;
  ~SqliteStatement() { sqlite3_finalize(handle_); }

 private:
  friend class SqliteDatabase;
  friend class SqliteQuery;

  sqlite3_stmt* handle_ = nullptr;
};

class SqliteDatabase {
 public:
  // The file must exist. The connection is set up for durable commits in WAL
  // mode once UseWal has been called.
  static absl::StatusOr<std::unique_ptr<SqliteDatabase>> Open(const std::string& path);
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;
  // After its statements.
  ~SqliteDatabase();

  absl::Status UseWal();

  // From here on, waiting for locks and running statements end with kUnavailable
  // at `deadline`.
  void SetDeadline(absl::Time deadline);

  absl::Status Prepare(absl::string_view sql, SqliteStatement* statement);
  // For set-up: statements that return no rows of interest.
  absl::Status Run(const std::string& sql);
  absl::StatusOr<std::string> Text(const std::string& sql);  // the first column of the first row
  absl::StatusOr<int64_t> Integer(const std::string& sql);

  // What the latest failure means: kDataLoss if the file is damaged or no
  // database, kUnavailable if it may pass, kInternal otherwise.
  absl::Status LastError(absl::string_view action) const;
  int last_code() const { return sqlite3_extended_errcode(handle_); }
  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
  // The file at our path is not the one we have open.
  bool HasMoved();

  const std::string& path() const { return path_; }
  // The companions of the file, as SQLite names them.
  std::string wal_path() const;
  std::string shm_path() const;

 private:
  explicit SqliteDatabase(std::string path) : path_(std::move(path)) {}

  static int OnBusy(void* self, int attempts);
  static int OnProgress(void* self);
  bool DeadlineHasPassed() const;

  const std::string path_;
  sqlite3* handle_ = nullptr;
  int64_t deadline_nanos_;  // CLOCK_MONOTONIC
};

// What a failure before COMMIT is to a caller of the store: kUnavailable, unless
// it is damage (kDataLoss) or a defect (kInternal). The text keeps the cause.
absl::Status NotExecuted(const absl::Status& failure);

// One execution of a statement; resets it when it goes. Bound bytes are not
// copied: they must live as long as the query.
//
//   SqliteQuery query(database, &statement, key, revision);
//   while (query.Next()) use(query.Bytes(0));
//   if (!query.status().ok()) ...
class SqliteQuery {
 public:
  template <typename... Values>
  SqliteQuery(const SqliteDatabase& database, SqliteStatement* statement, const Values&... values)
      : database_(database), handle_(statement->handle_) {
    int index = 0;
    (Bind(++index, values), ...);
  }
  SqliteQuery(const SqliteQuery&) = delete;
  SqliteQuery& operator=(const SqliteQuery&) = delete;
  ~SqliteQuery() { sqlite3_reset(handle_); }

  // False at the end and on failure.
  bool Next();
  const absl::Status& status() const { return status_; }
  // Runs to the end.
  absl::Status Finish();

  int64_t Integer(int column) const { return sqlite3_column_int64(handle_, column); }
  // Until the next call of Next.
  absl::string_view Bytes(int column) const;

 private:
  void Bind(int index, int64_t value) { sqlite3_bind_int64(handle_, index, value); }
  void Bind(int index, absl::string_view value);

  const SqliteDatabase& database_;
  sqlite3_stmt* const handle_;
  absl::Status status_;
};

}  // namespace curatord

#endif  // SERVER_STORE_SQLITE_DATABASE_H_
