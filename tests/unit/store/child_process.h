// Another process with the store open: tests/unit/store/store_child.cc.
#ifndef TESTS_UNIT_STORE_CHILD_PROCESS_H_
#define TESTS_UNIT_STORE_CHILD_PROCESS_H_

#include <sys/types.h>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

namespace curatord {

class ChildProcess {
 public:
  // `arguments` without the program.
  explicit ChildProcess(const std::vector<std::string>& arguments);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  // Kills it if it is still there.
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  // What it printed next, without the newline; nullopt once it has ended.
  std::optional<std::string> ReadLine();
  void Signal(int signal);
  // SIGSTOP, and waits until it has stopped.
  void Stop();
  // Waits until it has ended. Its exit code, or minus the signal that killed it.
  int Wait();

 private:
  pid_t pid_ = -1;
  FILE* output_ = nullptr;
};

}  // namespace curatord

#endif  // TESTS_UNIT_STORE_CHILD_PROCESS_H_
