#include "cli/terminal.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "cli/interruption.h"

namespace curator::cli {

bool WriteAll(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

StandardTerminal::~StandardTerminal() {
  const absl::MutexLock lock(&mutex_);
  ClearProgress();
}

void StandardTerminal::ClearProgress() {
  if (progress_shown_) WriteAll(STDERR_FILENO, "\r\x1b[K");
  progress_shown_ = false;
}

void StandardTerminal::Note(absl::string_view line) {
  if (options_.quiet) return;
  const absl::MutexLock lock(&mutex_);
  ClearProgress();
  WriteAll(STDERR_FILENO, absl::StrCat(line, "\n"));
}

void StandardTerminal::Progress(absl::string_view line) {
  if (!options_.show_progress) return;
  const absl::MutexLock lock(&mutex_);
  if (asking_) return;
  ClearProgress();
  if (line.empty()) return;
  WriteAll(STDERR_FILENO, line);
  progress_shown_ = true;
}

absl::StatusOr<std::string> StandardTerminal::Ask(absl::string_view question) {
  {
    const absl::MutexLock lock(&mutex_);
    ClearProgress();
    asking_ = true;
    WriteAll(STDERR_FILENO, absl::StrCat(question, " "));
  }
  std::string answer;
  bool interrupted = false;
  while (!absl::StrContains(answer, '\n')) {
    pollfd waiting[2] = {{STDIN_FILENO, POLLIN, 0}, {interruption_.fd(), POLLIN, 0}};
    if (poll(waiting, 2, -1) < 0) {
      if (errno == EINTR) continue;
      break;
    }
    if (waiting[1].revents != 0) {
      interrupted = true;
      break;
    }
    char buffer[256];
    const ssize_t count = read(STDIN_FILENO, buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    answer.append(buffer, static_cast<size_t>(count));
  }
  const absl::MutexLock lock(&mutex_);
  asking_ = false;
  if (answer.empty() || answer.back() != '\n') WriteAll(STDERR_FILENO, "\n");
  if (interrupted) return Failure(interruption_.exit_code(), "interrupted");
  return std::string(absl::StripAsciiWhitespace(answer));
}

}  // namespace curator::cli
