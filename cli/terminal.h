// What a command may say beside its result: notes, progress and questions, all
// on stderr. An interface, so that commands can be tested without a terminal.
#ifndef CLI_TERMINAL_H_
#define CLI_TERMINAL_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace curator::cli {

class Interruption;

// Thread-safe: progress comes from the client's threads.
class Terminal {
 public:
  virtual ~Terminal() = default;

  // A person can answer: stdin and stderr are terminals, input is not forbidden.
  virtual bool CanAsk() const = 0;
  virtual bool StdoutIsTerminal() const = 0;
  // What was typed in answer, without the blanks around it. Only where CanAsk().
  virtual absl::StatusOr<std::string> Ask(absl::string_view question) = 0;

  virtual void Note(absl::string_view line) = 0;
  // One line that replaces the one before; gone when the next note is written.
  // Nothing where stderr is no terminal.
  virtual void Progress(absl::string_view line) = 0;
};

struct TerminalOptions {
  bool can_ask = false;
  bool stdout_is_terminal = false;
  bool show_progress = false;
  bool quiet = false;  // no notes
};

class StandardTerminal final : public Terminal {
 public:
  // `interruption` ends a question.
  StandardTerminal(TerminalOptions options, Interruption& interruption)
      : options_(options), interruption_(interruption) {}
  ~StandardTerminal() override;

  bool CanAsk() const override { return options_.can_ask; }
  bool StdoutIsTerminal() const override { return options_.stdout_is_terminal; }
  absl::StatusOr<std::string> Ask(absl::string_view question) override;
  void Note(absl::string_view line) override;
  void Progress(absl::string_view line) override;

 private:
  void ClearProgress() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const TerminalOptions options_;
  Interruption& interruption_;
  absl::Mutex mutex_;  // lines of several threads do not mix; held over writes to stderr
  bool progress_shown_ ABSL_GUARDED_BY(mutex_) = false;
  bool asking_ ABSL_GUARDED_BY(mutex_) = false;
};

// Writes all of it to the file descriptor. False if the reader is gone or the
// device is full (errno tells).
bool WriteAll(int fd, absl::string_view text);

}  // namespace curator::cli

#endif  // CLI_TERMINAL_H_
