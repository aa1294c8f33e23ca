#include "libclient/process/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace curator {
namespace {

constexpr char kNotSet[] = "most likely it comes from a variable of a script that is not set";

void TakeOneValueAtATime(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) option->allow_extra_args(false);
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    TakeOneValueAtATime(*command);
  }
}

const CLI::Option* FindIn(const CLI::App& app, const std::string& name) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->nonpositional() && option->check_name(name)) return option;
  }
  for (const CLI::App* command : app.get_subcommands({})) {
    if (const CLI::Option* found = FindIn(*command, name)) return found;
  }
  return nullptr;
}

class Line {
 public:
  Line(CLI::App& app, const std::vector<std::string>& words) : app_(app), words_(words) {}

  absl::optional<LineFault> Read() {
    while (next_ < words_.size() && !fault_.has_value()) {
      const std::string& word = words_[next_++];
      if (flags_ended_) {
        Argument(word);
      } else if (word == "--") {
        flags_ended_ = true;
      } else if (absl::StartsWith(word, "--")) {
        LongFlag(word);
      } else if (word.size() > 1 && word.front() == '-') {
        ShortFlags(word);
      } else {
        Word(word);
      }
    }
    if (!fault_.has_value()) ShareOutArguments();
    return std::move(fault_);
  }

  std::vector<std::string> Ordered() const {
    std::vector<std::string> out = commands_;
    out.insert(out.end(), flags_.begin(), flags_.end());
    if (!arguments_.empty()) out.push_back("--");
    out.insert(out.end(), arguments_.begin(), arguments_.end());
    return out;
  }

 private:
  void Fail(std::string what, std::string why = "") {
    std::string command;
    for (const std::string& name : commands_) {
      absl::StrAppend(&command, command.empty() ? "" : " ", name);
    }
    fault_ = LineFault{std::move(what), std::move(why), std::move(command)};
  }

  // The flag as the command found so far has it, else as another has: it may stand
  // before its command.
  const CLI::Option* Find(const std::string& name) const {
    for (const CLI::App* app = at_; app != nullptr; app = app->get_parent()) {
      for (const CLI::Option* option : app->get_options()) {
        if (option->nonpositional() && option->check_name(name)) return option;
      }
    }
    return FindIn(app_, name);
  }

  // A word that is a flag, and so no value unless "=" says so.
  bool IsFlag(const std::string& word) const {
    if (word == "--") return true;
    if (absl::StartsWith(word, "--")) return Find(word.substr(0, word.find('='))) != nullptr;
    return word.size() == 2 && word.front() == '-' && Find(word) != nullptr;
  }

  void Take(const std::string& name, const std::string& value) {
    if (absl::StripAsciiWhitespace(value).empty())
      return Fail(absl::StrCat(name, " is empty"), kNotSet);
    flags_.push_back(absl::StrCat(name, "=", value));
  }

  void TakeNext(const std::string& name, const std::string& shown) {
    if (next_ == words_.size()) return Fail(absl::StrCat(shown, " needs a value"));
    const std::string& value = words_[next_++];
    if (IsFlag(value)) {
      return Fail(absl::StrCat(shown, " needs a value, and ", value, " is a flag"),
                  absl::StrCat("if it is meant as the value: ", name, "=", value));
    }
    Take(name, value);
  }

  void LongFlag(const std::string& word) {
    const size_t sign = word.find('=');
    const std::string name = word.substr(0, sign);
    const CLI::Option* option = Find(name);
    if (option == nullptr) return flags_.push_back(word);
    if (sign != std::string::npos) {
      if (ValueOf(*option) == FlagValue::kNone) {
        return Fail(absl::StrCat(name, " takes no value"));
      }
      return Take(name, word.substr(sign + 1));
    }
    if (ValueOf(*option) == FlagValue::kOne) return TakeNext(name, name);
    flags_.push_back(word);
  }

  // "-vq", "-ojson", "-o=json", "-qo json"
  void ShortFlags(const std::string& word) {
    for (size_t i = 1; i < word.size() && !fault_.has_value(); ++i) {
      const std::string shown = absl::StrCat("-", word.substr(i, 1));
      const CLI::Option* option = Find(shown);
      if (option == nullptr) return flags_.push_back(i == 1 ? word : shown);
      const std::string name =
          option->get_lnames().empty() ? shown : absl::StrCat("--", option->get_lnames().front());
      if (ValueOf(*option) == FlagValue::kOne) {
        if (i + 1 == word.size()) return TakeNext(name, shown);
        return Take(name, word.substr(word[i + 1] == '=' ? i + 2 : i + 1));
      }
      if (i + 1 < word.size() && word[i + 1] == '=') {
        return Fail(absl::StrCat(shown, " takes no value"));
      }
      flags_.push_back(name);
    }
  }

  void Word(const std::string& word) {
    if (arguments_.empty()) {
      for (CLI::App* command : at_->get_subcommands([](CLI::App*) { return true; })) {
        if (!command->check_name(word)) continue;
        at_ = command;
        return commands_.push_back(word);
      }
    }
    Argument(word);
  }

  void Argument(const std::string& word) {
    if (absl::StripAsciiWhitespace(word).empty()) {
      return Fail("an argument is empty", kNotSet);
    }
    arguments_.push_back(word);
  }

  // CLI11 hands what a command does not take to those above it; and of an argument that may
  // stand several times it has to be told how often it does, or it takes "[a]" apart.
  void ShareOutArguments() {
    if (arguments_.empty()) return;
    size_t left = arguments_.size();
    bool takes_any = false;
    for (CLI::Option* option : at_->get_options()) {
      if (option->nonpositional()) continue;
      takes_any = true;
      const size_t most = static_cast<size_t>(option->get_items_expected_max());
      const size_t taken = std::min(left, most);
      if (most > 1 && taken > 0) option->expected(static_cast<int>(taken));
      left -= taken;
    }
    if (!takes_any && !std::as_const(*at_).get_subcommands({}).empty())
      return;  // CLI11 says which commands there are
    if (left > 0 && !at_->get_allow_extras()) {
      Fail(absl::StrCat("unexpected argument ", arguments_[arguments_.size() - left]));
    }
  }

  CLI::App& app_;
  const std::vector<std::string>& words_;
  size_t next_ = 0;
  CLI::App* at_ = &app_;  // the deepest command so far
  bool flags_ended_ = false;
  std::vector<std::string> commands_;
  std::vector<std::string> flags_;
  std::vector<std::string> arguments_;
  absl::optional<LineFault> fault_;
};

}  // namespace

FlagValue ValueOf(const CLI::Option& flag) {
  if (flag.get_items_expected_max() > 0) return FlagValue::kOne;
  return flag.get_fnames().empty() ? FlagValue::kNone : FlagValue::kAfterSign;
}

absl::optional<LineFault> PutInOrder(CLI::App& app, const std::vector<std::string>& words,
                                     std::vector<std::string>* ordered) {
  TakeOneValueAtATime(app);
  Line line(app, words);
  absl::optional<LineFault> fault = line.Read();
  if (!fault.has_value()) *ordered = line.Ordered();
  return fault;
}

}  // namespace curator
