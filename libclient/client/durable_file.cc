#include "libclient/client/durable_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "curator/error.h"

namespace curator {
namespace {

absl::Status SystemError(const char* doing, const std::string& path, int error) {
  Error report;
  report.code = ErrorCode::kRefused;
  report.message = absl::StrCat("cannot ", doing, " ", path);
  report.cause = std::strerror(error);
  if (error == EACCES || error == EPERM || error == EROFS) {
    report.hints.push_back("give this user write access to the directory, or choose another");
  }
  return MakeError(report);
}

absl::Status SyncDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError("open the directory", path, errno);
  const absl::Cleanup closing = [fd] { close(fd); };
  if (fsync(fd) != 0) return SystemError("sync the directory", path, errno);
  return absl::OkStatus();
}

absl::Status WriteAll(int fd, absl::string_view contents, const std::string& path) {
  while (!contents.empty()) {
    const ssize_t written = write(fd, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("write", path, errno);
    contents.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status CreateOneDirectory(const std::string& path, const std::string& parent) {
  if (mkdir(path.c_str(), 0700) == 0) return SyncDirectory(parent);
  const int error = errno;
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return SystemError("create the directory", path, error);
  return S_ISDIR(info.st_mode) ? absl::OkStatus()
                               : SystemError("create the directory", path, ENOTDIR);
}

}  // namespace

absl::StatusOr<absl::optional<std::string>> ReadFileIfPresent(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return absl::optional<std::string>();
    return SystemError("open", path, errno);
  }
  const absl::Cleanup closing = [fd] { close(fd); };
  std::string contents;
  char buffer[4096];
  for (;;) {
    const ssize_t count = read(fd, buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("read", path, errno);
    if (count == 0) return absl::optional<std::string>(std::move(contents));
    contents.append(buffer, static_cast<size_t>(count));
  }
}

absl::Status WriteFileDurably(const std::string& directory, const std::string& name,
                              absl::string_view contents, mode_t mode) {
  const std::string path = absl::StrCat(directory, "/", name);
  const std::string temporary = absl::StrCat(directory, "/.", name, ".tmp");
  // One that was left behind may have other permissions: never written into.
  if (unlink(temporary.c_str()) != 0 && errno != ENOENT) {
    return SystemError("remove", temporary, errno);
  }
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return SystemError("create", temporary, errno);
  absl::Status status = WriteAll(fd, contents, temporary);
  if (status.ok() && fsync(fd) != 0) status = SystemError("sync", temporary, errno);
  if (close(fd) != 0 && status.ok()) status = SystemError("close", temporary, errno);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) {
    status = SystemError("create", path, errno);
  }
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return SyncDirectory(directory);
}

absl::Status CreateDirectoryDurably(const std::string& path) {
  if (path.empty()) {
    Error error;
    error.code = ErrorCode::kInvalidArgument;
    error.message = "no data directory is given";
    return MakeError(error);
  }
  std::string parent = path[0] == '/' ? "/" : ".";
  for (size_t end = 0; end < path.size();) {
    const size_t begin = path.find_first_not_of('/', end);
    if (begin == std::string::npos) break;
    end = std::min(path.find('/', begin), path.size());
    const std::string directory = path.substr(0, end);
    if (absl::Status status = CreateOneDirectory(directory, parent); !status.ok()) return status;
    parent = directory;
  }
  return absl::OkStatus();
}

absl::StatusOr<DirectoryLock> DirectoryLock::Take(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError("open the directory", directory, errno);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    close(fd);
    if (error != EWOULDBLOCK) return SystemError("lock the directory", directory, error);
    Error report;
    report.code = ErrorCode::kRefused;
    report.message = absl::StrCat("the data directory ", directory, " is in use");
    report.cause = "another process runs a node with it";
    report.hints.push_back("stop that process, or choose another directory");
    return MakeError(report);
  }
  return DirectoryLock(fd);
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) close(fd_);
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

}  // namespace curator
