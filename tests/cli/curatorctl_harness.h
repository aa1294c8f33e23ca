// Runs the curatorctl binary as a script would: its own home, no terminal, the
// environment nothing but what a test gives it.
#ifndef TESTS_CLI_CURATORCTL_HARNESS_H_
#define TESTS_CLI_CURATORCTL_HARNESS_H_

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace curator::cli {

const char* CuratorctlBinary();

struct RunResult {
  int exit_code = -1;  // 128 + signal if a signal ended it
  std::string out;
  std::string err;
  absl::Duration took;
};

// A running curatorctl. Its death is this process's concern: a child that is
// still there in the destructor is killed.
class RunningCuratorctl {
 public:
  RunningCuratorctl(const std::vector<std::string>& arguments,
                    const std::map<std::string, std::string>& environment);
  ~RunningCuratorctl();
  RunningCuratorctl(const RunningCuratorctl&) = delete;
  RunningCuratorctl& operator=(const RunningCuratorctl&) = delete;

  void Signal(int signal) const;
  // stdout will not be read: what is written next meets a closed pipe.
  void CloseStdout();
  // Reads both streams until they are closed, then the exit code. Kills it after
  // `limit`.
  RunResult Wait(absl::Duration limit = absl::Seconds(60));

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  int err_ = -1;
  absl::Time started_;
};

// A home folder of its own, removed at the end.
class CuratorctlHome {
 public:
  CuratorctlHome();
  ~CuratorctlHome();
  CuratorctlHome(const CuratorctlHome&) = delete;
  CuratorctlHome& operator=(const CuratorctlHome&) = delete;

  const std::string& path() const { return path_; }
  std::string config_path() const { return path_ + "/.config/curatorctl/config.yaml"; }
  // HOME and what `environment` adds.
  std::map<std::string, std::string> Environment(
      std::map<std::string, std::string> environment = {}) const;

  RunResult Run(const std::vector<std::string>& arguments,
                const std::map<std::string, std::string>& environment = {}) const;

 private:
  std::string path_;
};

}  // namespace curator::cli

#endif  // TESTS_CLI_CURATORCTL_HARNESS_H_
