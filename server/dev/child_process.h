// One child of `curatord dev`: a real process with its log and pid in a directory.
#ifndef SERVER_DEV_CHILD_PROCESS_H_
#define SERVER_DEV_CHILD_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace curatord {

// Not thread-safe. Children die with the thread that started them (parent-death
// signal), so start them from one that lives as long as the cluster.
class ChildProcess {
 public:
  // Starts argv[0] with stdout and stderr appended to `dir`/log, and writes
  // `dir`/pid. `dir` exists.
  static absl::StatusOr<ChildProcess> Start(std::string name, const std::string& dir,
                                            const std::vector<std::string>& argv);

  const std::string& name() const { return name_; }
  pid_t pid() const { return pid_; }
  bool running() const { return running_; }

  // Sees whether it has ended; says so once, as "signal 9" or "exit 1", else "".
  std::string ReapIfEnded();
  void Signal(int signal) const;

 private:
  ChildProcess(std::string name, std::string pid_file, pid_t pid)
      : name_(std::move(name)), pid_file_(std::move(pid_file)), pid_(pid) {}

  std::string name_;
  std::string pid_file_;
  pid_t pid_;
  bool running_ = true;
};

}  // namespace curatord

#endif  // SERVER_DEV_CHILD_PROCESS_H_
