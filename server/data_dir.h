// A curator's data directory, for as long as this process uses it.
#ifndef SERVER_DATA_DIR_H_
#define SERVER_DATA_DIR_H_

#include <string>

#include "absl/status/statusor.h"

namespace curatord {

// Holds DIR/lock: one curatord at a time. Released by the destructor and by the
// end of the process. Movable.
class DataDirLock {
 public:
  // Creates the directory (0700) if `create`. Errors are explained: missing, not
  // writable, in use by another process.
  static absl::StatusOr<DataDirLock> Acquire(const std::string& dir, bool create);
  ~DataDirLock();
  DataDirLock(DataDirLock&& other) noexcept;
  DataDirLock& operator=(DataDirLock&&) = delete;

 private:
  explicit DataDirLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace curatord

#endif  // SERVER_DATA_DIR_H_
