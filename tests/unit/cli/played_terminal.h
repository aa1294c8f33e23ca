// A terminal that is played: answers are given beforehand, what is said is kept.
#ifndef TESTS_UNIT_CLI_PLAYED_TERMINAL_H_
#define TESTS_UNIT_CLI_PLAYED_TERMINAL_H_

#include <string>
#include <vector>

#include "cli/terminal.h"

namespace curator::cli {

class PlayedTerminal final : public Terminal {
 public:
  bool CanAsk() const override { return can_ask; }
  bool StdoutIsTerminal() const override { return false; }
  absl::StatusOr<std::string> Ask(absl::string_view question) override {
    questions.emplace_back(question);
    return answer;
  }
  void Note(absl::string_view line) override { notes.emplace_back(line); }
  void Progress(absl::string_view) override {}

  bool can_ask = false;
  std::string answer;
  std::vector<std::string> questions;
  std::vector<std::string> notes;
};

}  // namespace curator::cli

#endif  // TESTS_UNIT_CLI_PLAYED_TERMINAL_H_
