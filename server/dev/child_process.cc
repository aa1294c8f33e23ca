#include "server/dev/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libclient/client/durable_file.h"

namespace curatord {

absl::StatusOr<ChildProcess> ChildProcess::Start(std::string name, const std::string& dir,
                                                 const std::vector<std::string>& argv) {
  const std::string log_path = absl::StrCat(dir, "/log");
  const int log = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) {
    return absl::PermissionDeniedError(
        absl::StrCat("cannot write ", log_path, ": ", ::strerror(errno)));
  }
  std::vector<char*> arguments;
  arguments.reserve(argv.size() + 1);
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    // Between fork and exec of a process with threads: async-signal-safe calls only.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) ::_exit(127);
    ::setpgid(0, 0);  // an interrupt at the terminal is the parent's to pass on
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(log);
  if (pid < 0)
    return absl::ResourceExhaustedError(absl::StrCat("cannot fork: ", ::strerror(errno)));
  ChildProcess child(std::move(name), absl::StrCat(dir, "/pid"), pid);
  absl::Status written = curator::WriteFileDurably(dir, "pid", absl::StrCat(pid, "\n"), 0644);
  if (!written.ok()) {
    child.Signal(SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return written;
  }
  return child;
}

std::string ChildProcess::ReapIfEnded() {
  int status = 0;
  if (!running_ || ::waitpid(pid_, &status, WNOHANG) != pid_) return "";
  running_ = false;
  ::unlink(pid_file_.c_str());
  return WIFSIGNALED(status) ? absl::StrCat("signal ", WTERMSIG(status))
                             : absl::StrCat("exit ", WEXITSTATUS(status));
}

void ChildProcess::Signal(int signal) const {
  if (running_) ::kill(pid_, signal);
}

}  // namespace curatord
