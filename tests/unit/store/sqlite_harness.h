// The embedded store under test, and a way behind its back.
#ifndef TESTS_UNIT_STORE_SQLITE_HARNESS_H_
#define TESTS_UNIT_STORE_SQLITE_HARNESS_H_

#include <memory>
#include <string>

#include "tests/unit/store/store_contract.h"

struct sqlite3;

namespace curatord {

// A directory of its own, removed with all that is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A connection without any of the store's manners.
class RawDatabase {
 public:
  explicit RawDatabase(const std::string& path);
  RawDatabase(const RawDatabase&) = delete;
  RawDatabase& operator=(const RawDatabase&) = delete;
  ~RawDatabase();
  void Run(const std::string& sql);
  int64_t Integer(const std::string& sql);

 private:
  sqlite3* handle_ = nullptr;
};

class SqliteHarness final : public StoreHarness {
 public:
  std::unique_ptr<Store> Open() override;
  void Compact(int64_t revision) override;

  std::string path() const { return directory_.path() + "/store.db"; }
  std::string url() const { return "sqlite://" + path(); }

 private:
  TemporaryDirectory directory_;
};

}  // namespace curatord

#endif  // TESTS_UNIT_STORE_SQLITE_HARNESS_H_
