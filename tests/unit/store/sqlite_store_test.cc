// What only the embedded store does: its file, and other processes that have it
// open.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/store/sqlite_file.h"
#include "server/store/sqlite_session.h"
#include "tests/unit/store/child_process.h"
#include "tests/unit/store/sqlite_harness.h"

namespace curatord {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

absl::Status Put(Store* store, std::string key, std::string value, absl::Time deadline = Soon()) {
  return store->Commit({}, {Operation::Put(std::move(key), std::move(value))}, deadline).status();
}

absl::StatusCode CodeOfOpen(const std::string& url, bool create = false) {
  absl::StatusOr<std::unique_ptr<Store>> store = OpenStore(url, create);
  return store.status().code();
}

class SqliteStoreTest : public testing::Test {
 protected:
  SqliteHarness harness_;
};

TEST_F(SqliteStoreTest, RefusesUrlsThatDoNotNameAFile) {
  for (const char* url : {"", "postgres://x", "sqlite:", "sqlite://", "sqlite://relative/store.db",
                          "sqlite:///tmp/", "/tmp/store.db"}) {
    EXPECT_EQ(CodeOfOpen(url, true), absl::StatusCode::kInvalidArgument) << url;
  }
  EXPECT_EQ(CodeOfOpen("sqlite:///tmp", true), absl::StatusCode::kInvalidArgument);
}

TEST_F(SqliteStoreTest, CreatesAPrivateFileAndLeavesNothingElse) {
  std::unique_ptr<Store> store = harness_.Open();
  EXPECT_EQ(store->name(), harness_.url());
  ASSERT_TRUE(Put(store.get(), "a", "1").ok());
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat found {};
    ASSERT_EQ(stat((harness_.path() + suffix).c_str(), &found), 0) << suffix;
    EXPECT_EQ(found.st_mode & 0777, 0600u) << suffix;
  }
  store.reset();
  std::vector<std::string> left;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(harness_.path()).parent_path())) {
    left.push_back(entry.path().filename());
  }
  EXPECT_THAT(left, ElementsAre("store.db"));
}

TEST_F(SqliteStoreTest, KeepsWhatWasWritten) {
  ASSERT_TRUE(Put(harness_.Open().get(), "a", "1").ok());
  absl::StatusOr<std::unique_ptr<Store>> store = OpenStore(harness_.url(), /*create=*/false);
  ASSERT_TRUE(store.ok()) << store.status();
  absl::StatusOr<RangeResult> range = (*store)->Range("", Soon());
  ASSERT_TRUE(range.ok()) << range.status();
  ASSERT_EQ(range->kvs.size(), 1u);
  EXPECT_EQ(range->kvs[0].value, "1");
  EXPECT_EQ(range->revision, 1);
}

TEST_F(SqliteStoreTest, MissingStoreIsNotFoundUnlessItIsToBeCreated) {
  EXPECT_EQ(CodeOfOpen(harness_.url()), absl::StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(harness_.path()));
  EXPECT_EQ(CodeOfOpen(harness_.url() + "-no/such/directory/store.db", true),
            absl::StatusCode::kNotFound);
}

TEST_F(SqliteStoreTest, ManyMayCreateItAtOnce) {
  std::vector<std::thread> openers;
  for (int i = 0; i < 8; ++i) {
    openers.emplace_back([&, i] {
      const std::unique_ptr<Store> store = harness_.Open();
      ASSERT_NE(store, nullptr);
      EXPECT_TRUE(Put(store.get(), absl::StrCat("k", i), "v").ok());
    });
  }
  for (std::thread& opener : openers) opener.join();
  absl::StatusOr<RangeResult> range = harness_.Open()->Range("", Soon());
  ASSERT_TRUE(range.ok()) << range.status();
  EXPECT_EQ(range->kvs.size(), 8u);
  EXPECT_EQ(range->revision, 8);
}

TEST_F(SqliteStoreTest, RefusesFilesThatAreNoStore) {
  for (const std::string& content :
       {std::string(), std::string("hello"), std::string(10'000, 'x')}) {
    std::ofstream(harness_.path(), std::ios::trunc) << content;
    EXPECT_EQ(CodeOfOpen(harness_.url(), true), absl::StatusCode::kDataLoss);
    std::ifstream file(harness_.path());
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), content) << "changed";
  }
}

TEST_F(SqliteStoreTest, RefusesADatabaseOfAnotherProgram) {
  RawDatabase(harness_.path()).Run("CREATE TABLE keys (key, value)");
  absl::StatusOr<std::unique_ptr<Store>> store = OpenStore(harness_.url(), true);
  EXPECT_EQ(store.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(store.status().message()), HasSubstr("another program"));
}

TEST_F(SqliteStoreTest, RefusesAStoreOfALaterVersion) {
  harness_.Open();
  RawDatabase(harness_.path()).Run("PRAGMA user_version = 2");
  EXPECT_EQ(CodeOfOpen(harness_.url(), true), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SqliteStoreTest, RefusesADamagedFile) {
  {
    const std::unique_ptr<Store> store = harness_.Open();
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(Put(store.get(), absl::StrCat("k", i), std::string(1000, 'v')).ok());
    }
  }
  ASSERT_EQ(ChildProcess({"scribble", harness_.path()}).Wait(), 0);
  absl::StatusOr<std::unique_ptr<Store>> store = OpenStore(harness_.url(), false);
  EXPECT_EQ(store.status().code(), absl::StatusCode::kDataLoss) << store.status();
  std::filesystem::resize_file(harness_.path(), 5000);
  EXPECT_EQ(CodeOfOpen(harness_.url()), absl::StatusCode::kDataLoss);
}

TEST_F(SqliteStoreTest, DamageMetInUseIsDataLoss) {
  {
    const std::unique_ptr<Store> store = harness_.Open();
    for (int i = 0; i < 80; ++i) {  // more than a connection caches
      ASSERT_TRUE(Put(store.get(), absl::StrCat("k", i), std::string(100'000, 'v')).ok());
    }
  }
  const std::unique_ptr<Store> store = harness_.Open();
  ASSERT_EQ(ChildProcess({"scribble", harness_.path()}).Wait(), 0);
  EXPECT_EQ(store->Range("", Soon()).status().code(), absl::StatusCode::kDataLoss);
  RecordedWatch watch(store.get(), "", 1);
  EXPECT_EQ(watch.End().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SqliteStoreTest, RemovedFileIsDataLoss) {
  const std::unique_ptr<Store> store = harness_.Open();
  ASSERT_TRUE(Put(store.get(), "a", "1").ok());
  ASSERT_EQ(unlink(harness_.path().c_str()), 0);
  const absl::Status status = Put(store.get(), "a", "2");
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("removed or replaced"));
  EXPECT_EQ(store->Range("", Soon()).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(store->Commit({Guard::Absent("b")}, {}, Soon()).status().code(),
            absl::StatusCode::kDataLoss);
  RecordedWatch watch(store.get(), "", 1);
  EXPECT_EQ(watch.End().code(), absl::StatusCode::kDataLoss);
}

// A file may not grow beyond the limit while one is in scope.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    EXPECT_EQ(getrlimit(RLIMIT_FSIZE, &before_), 0);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    EXPECT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(SqliteStoreTest, CommitThatFailsToBeWrittenIsUnknownAndDoesNoHarm) {
  const std::unique_ptr<Store> store = harness_.Open();
  ASSERT_TRUE(Put(store.get(), "a", "1").ok());
  RecordedWatch watch(store.get(), "", 1);
  {
    FileSizeLimit limit(std::filesystem::file_size(harness_.path() + "-wal") + 20'000);
    EXPECT_EQ(Put(store.get(), "b", std::string(500'000, 'v')).code(), absl::StatusCode::kUnknown);
    // Too much to keep in memory until COMMIT: surely not executed.
    EXPECT_EQ(Put(store.get(), "b", std::string(5'000'000, 'v')).code(),
              absl::StatusCode::kUnavailable);
  }
  ASSERT_TRUE(Put(store.get(), "c", "2").ok());
  EXPECT_THAT(watch.First(2), ElementsAre("PUT a=1", "PUT c=2"));
  const std::unique_ptr<Store> other = harness_.Open();
  absl::StatusOr<RangeResult> range = other->Range("", Soon());
  ASSERT_TRUE(range.ok()) << range.status();
  EXPECT_EQ(range->revision, 2);
}

TEST_F(SqliteStoreTest, RefusesWhatItMayNotWrite) {
  if (geteuid() == 0) GTEST_SKIP() << "permissions do not hold for root";
  harness_.Open();
  const std::filesystem::path directory = std::filesystem::path(harness_.path()).parent_path();
  using std::filesystem::perms;
  std::filesystem::permissions(harness_.path(), perms::owner_read);
  EXPECT_EQ(CodeOfOpen(harness_.url()), absl::StatusCode::kPermissionDenied);
  std::filesystem::permissions(harness_.path(), perms::owner_read | perms::owner_write);
  std::filesystem::permissions(directory, perms::owner_read | perms::owner_exec);
  EXPECT_EQ(CodeOfOpen(harness_.url()), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(CodeOfOpen(harness_.url() + ".new", true), absl::StatusCode::kPermissionDenied);
  std::filesystem::permissions(directory, perms::owner_all);
}

TEST_F(SqliteStoreTest, KnowsNetworkFileSystems) {
  EXPECT_TRUE(IsNetworkFileSystem(0x6969)) << "nfs";
  EXPECT_TRUE(IsNetworkFileSystem(0xFF534D42)) << "cifs";
  EXPECT_TRUE(IsNetworkFileSystem(0xFFFFFFFFFF534D42)) << "cifs, sign-extended";
  EXPECT_TRUE(IsNetworkFileSystem(0x65735546)) << "fuse";
  EXPECT_FALSE(IsNetworkFileSystem(0xEF53)) << "ext4";
  EXPECT_FALSE(IsNetworkFileSystem(0x01021994)) << "tmpfs";
  EXPECT_FALSE(IsNetworkFileSystem(0x794C7630)) << "overlayfs";
}

TEST_F(SqliteStoreTest, LeaseOfAnotherBootHasEnded) {
  {
    const std::unique_ptr<Store> store = harness_.Open();
    absl::StatusOr<Lease> lease = store->GrantLease(absl::Hours(1), Soon());
    ASSERT_TRUE(lease.ok()) << lease.status();
    ASSERT_TRUE(store->Commit({}, {Operation::Put("a", "1", lease->id)}, Soon()).ok());
  }
  RawDatabase(harness_.path()).Run("UPDATE leases SET boot_id = CAST('another boot' AS BLOB)");
  const std::unique_ptr<Store> store = harness_.Open();
  RecordedWatch watch(store.get(), "", 2);
  EXPECT_THAT(watch.First(1), ElementsAre("DEL a"));
}

TEST_F(SqliteStoreTest, EndedLeaseIsNeverRevived) {
  const std::unique_ptr<Store> store = harness_.Open();
  for (int i = 0; i < 20; ++i) {
    absl::StatusOr<Lease> lease = store->GrantLease(absl::Seconds(10), Soon());
    ASSERT_TRUE(lease.ok()) << lease.status();
    ASSERT_TRUE(store->Commit({}, {Operation::Put("a", "1", lease->id)}, Soon()).ok());
    // Its time is over, and nobody has deleted it yet, or only just.
    RawDatabase(harness_.path()).Run("UPDATE leases SET expires_at_nanos = 1");
    EXPECT_EQ(store->Commit({}, {Operation::Put("b", "1", lease->id)}, Soon()).status().code(),
              absl::StatusCode::kNotFound);
    EXPECT_EQ(store->KeepLeaseAlive(lease->id, Soon()).status().code(),
              absl::StatusCode::kNotFound);
  }
}

TEST_F(SqliteStoreTest, KeepsTheChangesOfTheLastHundredThousandRevisions) {
  const std::unique_ptr<Store> store = harness_.Open();
  ASSERT_TRUE(Put(store.get(), "a", "1").ok());
  RawDatabase database(harness_.path());
  database.Run("UPDATE meta SET revision = 99998");
  ASSERT_TRUE(Put(store.get(), "a", "99999").ok());
  ASSERT_TRUE(Put(store.get(), "a", "100000").ok());
  EXPECT_THAT(RecordedWatch(store.get(), "", 1).First(3),
              ElementsAre("PUT a=1", "PUT a=99999", "PUT a=100000"));
  ASSERT_TRUE(Put(store.get(), "a", "100001").ok());
  EXPECT_EQ(database.Integer("SELECT min(revision) FROM changes"), 99999);
  EXPECT_EQ(RecordedWatch(store.get(), "", 1).End().code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(RecordedWatch(store.get(), "", 2).First(3),
              ElementsAre("PUT a=99999", "PUT a=100000", "PUT a=100001"));
}

TEST_F(SqliteStoreTest, WatchTellsRevisionsWithoutEventsToo) {
  const std::unique_ptr<Store> store = harness_.Open();
  RecordedWatch watch(store.get(), "other/", 1);
  ASSERT_TRUE(Put(store.get(), "a", "1").ok());
  ASSERT_TRUE(Put(store.get(), "a", "2").ok());
  EXPECT_TRUE(watch.EventsThrough(2).empty());
}

TEST_F(SqliteStoreTest, WatchFromRevisionZeroEnds) {
  const std::unique_ptr<Store> store = harness_.Open();
  EXPECT_EQ(RecordedWatch(store.get(), "", 0).End().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SqliteStoreTest, WatchLeftOverIsHarmless) {
  std::unique_ptr<Store> store = harness_.Open();
  RecordedWatch watch(store.get(), "", 1);
  ASSERT_TRUE(Put(store.get(), "a", "1").ok());
  store.reset();
}

TEST_F(SqliteStoreTest, BlockedWriterGivesUpAtItsDeadlineAndNamesTheHolder) {
  const std::unique_ptr<Store> store = harness_.Open();
  ASSERT_TRUE(Put(store.get(), "a", "1").ok());
  ChildProcess holder({"hold", harness_.path()});
  ASSERT_EQ(holder.ReadLine(), "held");
  const absl::Time start = absl::Now();
  absl::Status status = Put(store.get(), "a", "2", start + absl::Milliseconds(200));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat("process ", holder.pid())));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("stopped")));
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(200));
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));

  // Stopped within its transaction; readers, guards and other leases go on.
  holder.Stop();
  status = store->GrantLease(absl::Seconds(5), absl::Now() + absl::Milliseconds(100)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(", stopped)"));
  EXPECT_TRUE(store->Range("", Soon()).ok());
  EXPECT_TRUE(store->Commit({Guard::Absent("b")}, {}, Soon()).ok());

  holder.Signal(SIGKILL);
  EXPECT_EQ(holder.Wait(), -SIGKILL);
  EXPECT_TRUE(Put(store.get(), "a", "3").ok());
}

TEST_F(SqliteStoreTest, BlockedWriterWithinTheProcessIsNotBlamedOnAnother) {
  const std::unique_ptr<Store> store = harness_.Open();
  RawDatabase holder(harness_.path());
  holder.Run("BEGIN IMMEDIATE");
  const absl::Status status = Put(store.get(), "a", "2", absl::Now() + absl::Milliseconds(100));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("held by")));
  holder.Run("ROLLBACK");
  EXPECT_TRUE(Put(store.get(), "a", "3").ok());
}

TEST_F(SqliteStoreTest, WatchSeesWritesOfAnotherProcess) {
  const std::unique_ptr<Store> store = harness_.Open();
  RecordedWatch watch(store.get(), "n", 1);
  ASSERT_EQ(ChildProcess({"increment", harness_.url(), "n", "3"}).Wait(), 0);
  EXPECT_THAT(watch.First(3), ElementsAre("PUT n=1", "PUT n=2", "PUT n=3"));
}

}  // namespace
}  // namespace curatord
