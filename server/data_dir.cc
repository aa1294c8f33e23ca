#include "server/data_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/explained.h"

namespace curatord {
namespace {

absl::Status Unusable(const std::string& dir, int error) {
  const std::string what = absl::StrCat("cannot use data directory ", dir, ": ", ::strerror(error));
  if (error == ENOENT) {
    return Explained(absl::NotFoundError(what), "no curator was set up there",
                     "run `curatord init` or `curatord join` first, or check --data-dir");
  }
  return Explained(absl::PermissionDeniedError(what),
                   "the directory, or a file in it, may not be written by this user",
                   "check its owner and mode, or give another --data-dir");
}

}  // namespace

absl::StatusOr<DataDirLock> DataDirLock::Acquire(const std::string& dir, bool create) {
  if (create) {
    std::error_code error;
    const std::filesystem::path path(dir);
    if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
    if (!error && ::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) return Unusable(dir, errno);
    if (error) return Unusable(dir, error.value());
  }
  const std::string lock_path = absl::StrCat(dir, "/lock");
  const int fd = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Unusable(dir, errno);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return Explained(
        absl::FailedPreconditionError(absl::StrCat("data directory ", dir, " is in use")),
        "another curatord runs on it", "stop that one first; two never share an identity");
  }
  return DataDirLock(fd);
}

DataDirLock::DataDirLock(DataDirLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DataDirLock::~DataDirLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace curatord
