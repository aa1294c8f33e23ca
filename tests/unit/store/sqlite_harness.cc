#include "tests/unit/store/sqlite_harness.h"

#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace curatord {

TemporaryDirectory::TemporaryDirectory() {
  std::string path = testing::TempDir() + "/curator-store-XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  path_ = std::filesystem::canonical(path);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

RawDatabase::RawDatabase(const std::string& path) {
  EXPECT_EQ(sqlite3_open(path.c_str(), &handle_), SQLITE_OK);
  sqlite3_busy_timeout(handle_, 20'000);
}

RawDatabase::~RawDatabase() { sqlite3_close(handle_); }

void RawDatabase::Run(const std::string& sql) {
  EXPECT_EQ(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(handle_);
}

int64_t RawDatabase::Integer(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(handle_, sql.c_str(), -1, &statement, nullptr), SQLITE_OK);
  EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
  const int64_t value = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return value;
}

std::unique_ptr<Store> SqliteHarness::Open() {
  absl::StatusOr<std::unique_ptr<Store>> store = OpenStore(url(), /*create=*/true);
  EXPECT_TRUE(store.ok()) << store.status();
  return store.ok() ? std::move(store).value() : nullptr;
}

void SqliteHarness::Compact(int64_t revision) {
  RawDatabase database(path());
  database.Run(absl::StrCat("BEGIN IMMEDIATE; UPDATE meta SET first_revision = ", revision,
                            "; DELETE FROM changes WHERE revision < ", revision, "; COMMIT"));
}

}  // namespace curatord
