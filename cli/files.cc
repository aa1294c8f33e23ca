#include "cli/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace curator::cli {
namespace {

constexpr size_t kLargestFile = 1 << 20;

absl::Status Fail(absl::string_view what, const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat(what, " ", path));
}

absl::Status SyncFolder(const std::string& folder) {
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Fail("cannot open", folder);
  const int result = fsync(fd);
  close(fd);
  return result == 0 ? absl::OkStatus() : Fail("cannot sync", folder);
}

enum class Sync { kNo, kYes };

// A new file beside `path` with this content. Returns its name.
absl::StatusOr<std::string> WriteTemporary(const std::string& path, absl::string_view content,
                                           mode_t mode, Sync sync) {
  std::string temporary = absl::StrCat(path, ".XXXXXX");
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return Fail("cannot create a file in", FolderOf(path));
  auto remove = absl::MakeCleanup([&] { unlink(temporary.c_str()); });
  const auto close_file = absl::MakeCleanup([fd] { close(fd); });
  if (fchmod(fd, mode) != 0) return Fail("cannot set the mode of", temporary);
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Fail("cannot write", temporary);
    content.remove_prefix(static_cast<size_t>(written));
  }
  if (sync == Sync::kYes && fsync(fd) != 0) return Fail("cannot sync", temporary);
  std::move(remove).Cancel();
  return temporary;
}

// The file that a write to `path` is to replace: of a symbolic link what it leads to. Of
// what is no file, such as a device, none.
absl::StatusOr<std::string> FileToReplace(const std::string& path) {
  struct stat info = {};
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return path;
    return Fail("cannot replace", path);
  }
  if (S_ISREG(info.st_mode)) return path;
  if (S_ISLNK(info.st_mode)) {
    char* const target = realpath(path.c_str(), nullptr);
    if (target == nullptr) return Fail("cannot follow the link", path);
    const auto release = absl::MakeCleanup([target] { free(target); });
    if (stat(target, &info) == 0 && S_ISREG(info.st_mode)) return std::string(target);
  }
  return absl::FailedPreconditionError(absl::StrCat(path, " is not a file"));
}

absl::Status Replace(const std::string& named, absl::string_view content, mode_t mode, Sync sync) {
  const absl::StatusOr<std::string> file = FileToReplace(named);
  if (!file.ok()) return file.status();
  const std::string& path = *file;
  absl::StatusOr<std::string> temporary = WriteTemporary(path, content, mode, sync);
  if (!temporary.ok()) return temporary.status();
  if (rename(temporary->c_str(), path.c_str()) != 0) {
    absl::Status status = Fail("cannot replace", path);
    unlink(temporary->c_str());
    return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Fail("cannot read", path);
  const auto close_file = absl::MakeCleanup([fd] { close(fd); });
  std::string content;
  char buffer[4096];
  while (true) {
    const ssize_t count = read(fd, buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Fail("cannot read", path);
    if (count == 0) return content;
    content.append(buffer, static_cast<size_t>(count));
    if (content.size() > kLargestFile) {
      return absl::InvalidArgumentError(absl::StrCat(path, " is larger than 1 MiB"));
    }
  }
}

absl::Status WriteFileAtomically(const std::string& path, absl::string_view content, mode_t mode) {
  absl::Status status = Replace(path, content, mode, Sync::kYes);
  return status.ok() ? SyncFolder(FolderOf(path)) : status;
}

absl::Status ReplaceFile(const std::string& path, absl::string_view content, mode_t mode) {
  return Replace(path, content, mode, Sync::kNo);
}

absl::Status CreateFile(const std::string& path, absl::string_view content, mode_t mode) {
  absl::StatusOr<std::string> temporary = WriteTemporary(path, content, mode, Sync::kYes);
  if (!temporary.ok()) return temporary.status();
  const auto remove = absl::MakeCleanup([&] { unlink(temporary->c_str()); });
  // link, unlike rename, does not replace.
  if (link(temporary->c_str(), path.c_str()) != 0) return Fail("cannot create", path);
  return SyncFolder(FolderOf(path));
}

absl::Status MakeFolder(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(path, " is not a folder"));
  }
  const auto make = [](const std::string& folder) {
    return mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST;
  };
  if (make(path)) return absl::OkStatus();
  if (errno == ENOENT && make(FolderOf(path)) && make(path)) return absl::OkStatus();
  return Fail("cannot create", path);
}

std::string FolderOf(absl::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return ".";
  if (slash == 0) return "/";
  return std::string(path.substr(0, slash));
}

}  // namespace curator::cli
