#include "server/store/sqlite_database.h"

#include <time.h>

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace curatord {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
// Virtual machine steps between two looks at the clock, some 20 µs.
constexpr int kStepsPerProgress = 2000;

int64_t MonotonicNanos() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

absl::StatusCode CodeOf(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return absl::StatusCode::kPermissionDenied;
    case SQLITE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(const std::string& path) {
  auto database = std::unique_ptr<SqliteDatabase>(new SqliteDatabase(path));
  database->SetDeadline(absl::InfiniteFuture());
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    SQLITE_OPEN_PRIVATECACHE;
  if (sqlite3_open_v2(path.c_str(), &database->handle_, flags, nullptr) != SQLITE_OK) {
    return database->LastError("cannot open it");
  }
  sqlite3_busy_handler(database->handle_, &OnBusy, database.get());
  sqlite3_progress_handler(database->handle_, kStepsPerProgress, &OnProgress, database.get());
  // A damaged or hostile file must not run code or crash us.
  sqlite3_db_config(database->handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database->handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return database;
}

SqliteDatabase::~SqliteDatabase() { sqlite3_close(handle_); }

absl::Status SqliteDatabase::UseWal() {
  absl::StatusOr<std::string> mode = Text("PRAGMA journal_mode=WAL");
  if (!mode.ok()) return mode.status();
  if (*mode != "wal") {
    return absl::UnavailableError(absl::StrCat(
        path_, ": its file system does not support shared memory (journal mode ", *mode, ")"));
  }
  // FULL: a commit is on disk before it is acknowledged. The limit keeps one
  // large transaction from leaving a large file behind.
  return Run(
      "PRAGMA synchronous=FULL; PRAGMA journal_size_limit=16777216; PRAGMA cell_size_check=ON");
}

void SqliteDatabase::SetDeadline(absl::Time deadline) {
  const absl::Duration left = deadline - absl::Now();
  if (left >= absl::Hours(24 * 365)) {
    deadline_nanos_ = kNever;
  } else {
    deadline_nanos_ =
        MonotonicNanos() + absl::ToInt64Nanoseconds(std::max(left, absl::ZeroDuration()));
  }
}

bool SqliteDatabase::DeadlineHasPassed() const {
  return deadline_nanos_ != kNever && MonotonicNanos() >= deadline_nanos_;
}

int SqliteDatabase::OnBusy(void* self, int attempts) {
  if (static_cast<SqliteDatabase*>(self)->DeadlineHasPassed()) return 0;
  // Another process has the lock and no event says when it gives it back: the
  // one place that must look again and again, at first often (a commit takes
  // 0.2 ms), with a step that differs between processes that started together.
  const int64_t micros = std::min(200 + 100 * attempts, 4000) + MonotonicNanos() % 300;
  absl::SleepFor(absl::Microseconds(micros));
  return 1;
}

int SqliteDatabase::OnProgress(void* self) {
  return static_cast<SqliteDatabase*>(self)->DeadlineHasPassed() ? 1 : 0;
}

absl::Status SqliteDatabase::Prepare(absl::string_view sql, SqliteStatement* statement) {
  if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement->handle_, nullptr) != SQLITE_OK) {
    return LastError("cannot prepare a statement");
  }
  return absl::OkStatus();
}

absl::Status SqliteDatabase::Run(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return LastError("cannot set it up");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> SqliteDatabase::Text(const std::string& sql) {
  SqliteStatement statement;
  if (absl::Status prepared = Prepare(sql, &statement); !prepared.ok()) return prepared;
  SqliteQuery query(*this, &statement);
  if (!query.Next()) {
    if (!query.status().ok()) return query.status();
    return absl::InternalError(absl::StrCat(path_, ": no answer to ", sql));
  }
  return std::string(query.Bytes(0));
}

absl::StatusOr<int64_t> SqliteDatabase::Integer(const std::string& sql) {
  SqliteStatement statement;
  if (absl::Status prepared = Prepare(sql, &statement); !prepared.ok()) return prepared;
  SqliteQuery query(*this, &statement);
  if (!query.Next()) {
    if (!query.status().ok()) return query.status();
    return absl::InternalError(absl::StrCat(path_, ": no answer to ", sql));
  }
  return query.Integer(0);
}

absl::Status SqliteDatabase::LastError(absl::string_view action) const {
  const int code = last_code();
  const absl::string_view cause = (code & 0xff) == SQLITE_INTERRUPT
                                      ? absl::string_view("the deadline passed")
                                      : absl::string_view(sqlite3_errmsg(handle_));
  return absl::Status(CodeOf(code),
                      absl::StrCat(path_, ": ", action, ": ", cause, " (SQLite code ", code, ")"));
}

bool SqliteDatabase::HasMoved() {
  int moved = 0;
  return sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
         moved != 0;
}

std::string SqliteDatabase::wal_path() const {
  return sqlite3_filename_wal(sqlite3_db_filename(handle_, "main"));
}

std::string SqliteDatabase::shm_path() const {
  return absl::StrCat(sqlite3_db_filename(handle_, "main"), "-shm");
}

absl::Status NotExecuted(const absl::Status& failure) {
  if (failure.ok() || absl::IsDataLoss(failure) || absl::IsInternal(failure) ||
      absl::IsResourceExhausted(failure)) {
    return failure;
  }
  return absl::UnavailableError(failure.message());
}

bool SqliteQuery::Next() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) status_ = database_.LastError("cannot run a statement");
  return false;
}

absl::Status SqliteQuery::Finish() {
  while (Next()) {
  }
  return status_;
}

absl::string_view SqliteQuery::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(handle_, column);
  const int size = sqlite3_column_bytes(handle_, column);
  return size == 0 ? absl::string_view() : absl::string_view(static_cast<const char*>(bytes), size);
}

void SqliteQuery::Bind(int index, absl::string_view value) {
  // A null pointer would bind NULL, which equals nothing; an empty key is bytes.
  sqlite3_bind_blob64(handle_, index, value.empty() ? "" : value.data(), value.size(),
                      SQLITE_STATIC);
}

}  // namespace curatord
