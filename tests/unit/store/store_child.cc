// A process of its own for tests of a shared store. Ends with its parent.
//   hold PATH              takes the write lock, prints "held", keeps it
//   write URL KEY          puts 1, 2, 3... at KEY, prints each once acknowledged
//   increment URL KEY N    adds one to the number at KEY, N times, by guarded writes
//   scribble PATH          overwrites the file from its second page on
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/store/store.h"

namespace curatord {
namespace {

int Fail(const std::string& what) {
  const std::string line = absl::StrCat("store_child: ", what, "\n");
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
  return 1;
}

// In one write, so that a line is either there or not when this process is killed.
void Print(const std::string& text) {
  const std::string line = text + "\n";
  [[maybe_unused]] const ssize_t written = write(STDOUT_FILENO, line.data(), line.size());
}

absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

int Hold(const std::string& path) {
  sqlite3* database = nullptr;
  if (sqlite3_open(path.c_str(), &database) != SQLITE_OK ||
      sqlite3_busy_timeout(database, 20'000) != SQLITE_OK ||
      sqlite3_exec(database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK) {
    return Fail(sqlite3_errmsg(database));
  }
  Print("held");
  pause();
  return 0;
}

int WriteUntilKilled(Store* store, const std::string& key) {
  for (int64_t i = 1;; ++i) {
    absl::StatusOr<CommitResult> result = store->Commit(
        {}, {Operation::Put(key, absl::StrCat(i)), Operation::Put(key + "/twin", absl::StrCat(i))},
        Soon());
    if (!result.ok()) return Fail(result.status().ToString());
    Print(absl::StrCat(i));
  }
}

int Increment(Store* store, const std::string& key, int times) {
  while (times > 0) {
    absl::StatusOr<RangeResult> range = store->Range(key, Soon());
    if (!range.ok()) return Fail(range.status().ToString());
    int64_t value = 0;
    int64_t revision = 0;
    if (!range->kvs.empty()) {
      if (!absl::SimpleAtoi(range->kvs[0].value, &value)) return Fail("not a number");
      revision = range->kvs[0].mod_revision;
    }
    absl::StatusOr<CommitResult> result =
        store->Commit({Guard::ModRevision(key, revision)},
                      {Operation::Put(key, absl::StrCat(value + 1))}, Soon());
    if (!result.ok()) return Fail(result.status().ToString());
    if (result->succeeded) --times;
  }
  return 0;
}

int Scribble(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  struct stat found {};
  if (fd < 0 || fstat(fd, &found) != 0) return Fail("cannot open the file");
  const std::string noise(4096, '\xa5');
  for (off_t at = 4096; at < found.st_size; at += 4096) {
    if (pwrite(fd, noise.data(), noise.size(), at) < 0) return Fail("cannot write the file");
  }
  return 0;
}

int Main(const std::vector<std::string>& arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (arguments.size() < 2) return Fail("what to do?");
  if (arguments[0] == "hold") return Hold(arguments[1]);
  if (arguments[0] == "scribble") return Scribble(arguments[1]);
  absl::StatusOr<std::unique_ptr<Store>> store = OpenStore(arguments[1], /*create=*/true);
  if (!store.ok()) return Fail(store.status().ToString());
  if (arguments[0] == "write") return WriteUntilKilled(store->get(), arguments.at(2));
  if (arguments[0] == "increment") {
    return Increment(store->get(), arguments.at(2), std::atoi(arguments.at(3).c_str()));
  }
  return Fail("unknown command");
}

}  // namespace
}  // namespace curatord

int main(int argc, char** argv) {
  return curatord::Main(std::vector<std::string>(argv + 1, argv + argc));
}
