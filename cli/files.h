// Files that others see whole; after a crash too, unless it says otherwise.
#ifndef CLI_FILES_H_
#define CLI_FILES_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace curator::cli {

// The whole file, at most 1 MiB. NotFound if it does not exist.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Temporary file beside it, fsync, rename, fsync of the folder. Readers see the
// old content or the new, also after a crash.
absl::Status WriteFileAtomically(const std::string& path, absl::string_view content, mode_t mode);

// The same without fsync, for what is safe to lose: a crash may leave an empty file.
absl::Status ReplaceFile(const std::string& path, absl::string_view content, mode_t mode);

// As WriteFileAtomically, but fails with AlreadyExists rather than replace a file.
absl::Status CreateFile(const std::string& path, absl::string_view content, mode_t mode);

// Makes the folder, mode 0700, and the one above it where that lacks too. No more: who
// names a place in a home that does not exist has not asked for that home to be made.
absl::Status MakeFolder(const std::string& path);

// The folder a path lies in; "." for a bare name.
std::string FolderOf(absl::string_view path);

}  // namespace curator::cli

#endif  // CLI_FILES_H_
