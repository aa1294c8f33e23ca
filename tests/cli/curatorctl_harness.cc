#include "tests/cli/curatorctl_harness.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace curator::cli {

const char* CuratorctlBinary() { return CURATORCTL_BINARY; }

RunningCuratorctl::RunningCuratorctl(const std::vector<std::string>& arguments,
                                     const std::map<std::string, std::string>& environment)
    : started_(absl::Now()) {
  // Everything the child needs is made before the fork.
  std::vector<std::string> words = {CURATORCTL_BINARY};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment) variables.push_back(absl::StrCat(name, "=", value));
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (std::string& variable : variables) envp.push_back(variable.data());
  envp.push_back(nullptr);

  int out[2] = {-1, -1};
  int err[2] = {-1, -1};
  if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
    ADD_FAILURE() << "no pipe";
    return;
  }
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  close(out[1]);
  close(err[1]);
  out_ = out[0];
  err_ = err[0];
}

RunningCuratorctl::~RunningCuratorctl() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  CloseStdout();
  if (err_ >= 0) close(err_);
}

void RunningCuratorctl::Signal(int signal) const {
  if (pid_ > 0) kill(pid_, signal);
}

void RunningCuratorctl::CloseStdout() {
  if (out_ >= 0) close(out_);
  out_ = -1;
}

RunResult RunningCuratorctl::Wait(absl::Duration limit) {
  RunResult result;
  const absl::Time deadline = started_ + limit;
  bool out_open = out_ >= 0;
  bool err_open = err_ >= 0;
  while (out_open || err_open) {
    pollfd streams[2] = {{out_open ? out_ : -1, POLLIN, 0}, {err_open ? err_ : -1, POLLIN, 0}};
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left <= 0 || poll(streams, 2, static_cast<int>(left)) == 0) {
      ADD_FAILURE() << "curatorctl still runs after " << limit << ": " << result.err;
      kill(pid_, SIGKILL);
      break;
    }
    char buffer[4096];
    const auto drain = [&buffer](const pollfd& stream, std::string& text, bool& open) {
      if (stream.fd < 0 || stream.revents == 0) return;
      const ssize_t count = read(stream.fd, buffer, sizeof(buffer));
      if (count > 0) {
        text.append(buffer, static_cast<size_t>(count));
      } else if (count == 0) {
        open = false;
      }
    };
    drain(streams[0], result.out, out_open);
    drain(streams[1], result.err, err_open);
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  result.took = absl::Now() - started_;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

CuratorctlHome::CuratorctlHome() {
  char name[] = "/tmp/curatorctl-home.XXXXXX";
  const char* made = mkdtemp(name);
  path_ = made != nullptr ? made : "";
  EXPECT_FALSE(path_.empty());
}

CuratorctlHome::~CuratorctlHome() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

std::map<std::string, std::string> CuratorctlHome::Environment(
    std::map<std::string, std::string> environment) const {
  environment.emplace("HOME", path_);
  return environment;
}

RunResult CuratorctlHome::Run(const std::vector<std::string>& arguments,
                              const std::map<std::string, std::string>& environment) const {
  return RunningCuratorctl(arguments, Environment(environment)).Wait();
}

}  // namespace curator::cli
