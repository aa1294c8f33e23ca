// Files that are whole or absent, whatever happens to the process or the machine.
#ifndef LIBCLIENT_CLIENT_DURABLE_FILE_H_
#define LIBCLIENT_CLIENT_DURABLE_FILE_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace curator {

// None if there is no such file. Errors name the path and the cause.
absl::StatusOr<absl::optional<std::string>> ReadFileIfPresent(const std::string& path);

// Returns when `contents` would survive a power cut: temporary file, fsync,
// rename, fsync of the directory. One writer at a time for each path.
absl::Status WriteFileDurably(const std::string& directory, const std::string& name,
                              absl::string_view contents, mode_t mode);

// Creates `path` and what is missing above it with 0700, durably.
absl::Status CreateDirectoryDurably(const std::string& path);

// Exclusive use of a directory among those who ask for it, until destroyed or
// the process ends. Nothing is left in the directory.
class DirectoryLock {
 public:
  static absl::StatusOr<DirectoryLock> Take(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_DURABLE_FILE_H_
