#include "server/store/write_lock_holder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace curatord {
namespace {

// SQLite's WAL locks are bytes of the -shm file (https://sqlite.org/walformat.html
// section 2.3): write, checkpoint, recover. A writer meets the first and the last.
constexpr off_t kWriteLockByte = 120;
constexpr off_t kRecoverLockByte = 122;

// SQLite's own descriptor of the file at `path`, or -1. It stays open as long as a
// connection of this process is.
int DescriptorOf(const std::string& path) {
  struct stat wanted {};
  if (stat(path.c_str(), &wanted) != 0) return -1;
  DIR* const directory = opendir("/proc/self/fd");
  if (directory == nullptr) return -1;
  int found = -1;
  while (const dirent* entry = readdir(directory)) {
    int fd = -1;
    struct stat candidate {};
    if (absl::SimpleAtoi(entry->d_name, &fd) && fstat(fd, &candidate) == 0 &&
        candidate.st_dev == wanted.st_dev && candidate.st_ino == wanted.st_ino) {
      found = fd;
      break;
    }
  }
  closedir(directory);
  return found;
}

pid_t HolderOf(int fd, off_t byte) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  if (fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return 0;
  return lock.l_pid;
}

// From /proc/PID/stat: "PID (name) STATE ...".
std::string NameAndState(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::string line;
  std::getline(file, line);
  const size_t open = line.find('(');
  const size_t close = line.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close + 2 >= line.size()) {
    return "";
  }
  const bool stopped = line[close + 2] == 'T' || line[close + 2] == 't';
  return absl::StrCat(" (", line.substr(open + 1, close - open - 1), stopped ? ", stopped" : "",
                      ")");
}

}  // namespace

std::string DescribeWriteLockHolder(const std::string& shm_path) {
  const int fd = DescriptorOf(shm_path);
  if (fd < 0) return "";
  for (const off_t byte : {kWriteLockByte, kRecoverLockByte}) {
    // 0 or less also for a process outside our pid namespace.
    if (const pid_t pid = HolderOf(fd, byte); pid > 0) {
      return absl::StrCat("process ", pid, NameAndState(pid));
    }
  }
  return "";
}

}  // namespace curatord
