#include "tests/unit/cli/command_walk.h"

#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/exit_code.h"

namespace curator::cli {
namespace {

constexpr char kNode[] = "metropolis-00000000000000000000000000000001";

std::string Shown(const Words& words) {
  return absl::StrJoin(words, " ", [](std::string* out, const std::string& word) {
    absl::StrAppend(out, word.empty() ? "''" : word);
  });
}

std::string Sample(const OptionDescription& option) {
  if (!option.choices.empty()) return option.choices.front();
  return option.is_node ? kNode : "value";
}

std::vector<std::string> SampleArguments(const CommandDescription& command) {
  std::vector<std::string> arguments;
  for (const ArgumentDescription& argument : command.arguments) {
    arguments.push_back(absl::StartsWith(argument.name, "ID") ? kNode : "argument");
  }
  return arguments;
}

// Of one command, the flags that it and those above it have; a line with all it requires.
struct WalkedCommand {
  const CommandDescription* command;
  std::vector<const OptionDescription*> flags;
  Words line;
};

bool IsForHelp(const OptionDescription& option) {
  return option.names.back() == "--help" || option.names.back() == "--version";
}

std::vector<WalkedCommand> WalkedCommands(const Tree& tree) {
  std::vector<WalkedCommand> subjects;
  for (const CommandDescription& command : tree) {
    if (!command.subcommands.empty()) continue;
    WalkedCommand& subject = subjects.emplace_back();
    subject.command = &command;
    subject.line = absl::StrSplit(command.path, ' ', absl::SkipEmpty());
    for (const CommandDescription* of : {&command, &tree.front()}) {
      if (of == &tree.front() && of == &command && !subject.flags.empty()) continue;
      for (const OptionDescription& option : of->options) {
        if (IsForHelp(option)) continue;
        subject.flags.push_back(&option);
        if (option.required) {
          subject.line.push_back(option.names.back());
          subject.line.push_back(Sample(option));
        }
      }
    }
    for (std::string& argument : SampleArguments(command)) {
      subject.line.push_back(std::move(argument));
    }
  }
  return subjects;
}

// The ways to write a flag with its value.
std::vector<Words> Spellings(const OptionDescription& option, const std::string& value) {
  std::vector<Words> spellings;
  for (const std::string& name : option.names) {
    const bool is_long = absl::StartsWith(name, "--");
    if (option.takes_value) {
      spellings.push_back({name, value});
      if (!is_long && !value.empty()) spellings.push_back({absl::StrCat(name, value)});
    } else if (!option.may_take_value) {
      spellings.push_back({name});
      continue;
    }
    spellings.push_back({absl::StrCat(name, "=", value)});
  }
  return spellings;
}

std::string Understood(const absl::StatusOr<ParsedCommand>& command) {
  if (!command.ok()) return absl::StrCat("refused: ", command.status().message());
  std::string text = command->path;
  for (const auto& [name, values] : command->given) {
    absl::StrAppend(&text, " ", name, "=", absl::StrJoin(values, "|"));
  }
  return text;
}

Words With(const Words& line, const Words& inserted, size_t at) {
  Words words = line;
  words.insert(words.begin() + static_cast<std::ptrdiff_t>(at), inserted.begin(), inserted.end());
  return words;
}

// Whether a flag and its value stand at `at`, or a value of theirs.
bool IsBehindAFlag(const Words& line, size_t at) {
  return at > 0 && absl::StartsWith(line[at - 1], "-");
}

}  // namespace

std::vector<std::string> FaultsOfPosition(const Tree& tree, const Parser& parse) {
  std::vector<std::string> faults;
  for (const WalkedCommand& subject : WalkedCommands(tree)) {
    const absl::StatusOr<ParsedCommand> plain = parse(subject.line);
    if (!plain.ok()) {
      faults.push_back(absl::StrCat(Shown(subject.line), ": ", Understood(plain)));
      continue;
    }
    for (const OptionDescription* option : subject.flags) {
      // What is wanted: what the line gives without the flag, and the flag with its value.
      ParsedCommand wanted = *plain;
      std::vector<std::string>& values = wanted.given[option->names.back()];
      const std::string value =
          option->takes_value || option->may_take_value ? Sample(*option) : "true";
      values.push_back(value);
      bool is_first = true;
      for (const Words& spelling : Spellings(*option, Sample(*option))) {
        for (size_t at = 0; at <= subject.line.size(); ++at) {
          // One spelling goes everywhere, the others to both ends.
          if (!is_first && at != 0 && at != subject.line.size()) continue;
          if (IsBehindAFlag(subject.line, at)) continue;
          const Words words = With(subject.line, spelling, at);
          const absl::StatusOr<ParsedCommand> found = parse(words);
          // Of the same flag in the line already, an earlier one comes first.
          if (option->required) continue;
          if (Understood(found) != Understood(wanted)) {
            faults.push_back(absl::StrCat(Shown(words), ": ", Understood(found),
                                          "; wanted: ", Understood(wanted)));
          }
        }
        is_first = false;
      }
    }
  }
  return faults;
}

std::vector<std::string> FaultsOfEmptiness(const Tree& tree, const Parser& parse) {
  std::vector<std::string> faults;
  const auto expect_refusal = [&](const Words& words) {
    const absl::StatusOr<ParsedCommand> found = parse(words);
    if (!found.ok() && ExitCodeOf(found.status()) == ExitCode::kUsage) return;
    faults.push_back(absl::StrCat(Shown(words), ": ", Understood(found)));
  };
  for (const WalkedCommand& subject : WalkedCommands(tree)) {
    for (const OptionDescription* option : subject.flags) {
      if (!option->takes_value && !option->may_take_value) continue;
      for (const char* nothing : {"", " "}) {
        for (const Words& spelling : Spellings(*option, nothing)) {
          expect_refusal(With(subject.line, spelling, subject.line.size()));
        }
      }
    }
    if (subject.command->arguments.empty()) continue;
    expect_refusal(With(subject.line, {""}, subject.line.size()));
    Words last_empty = subject.line;
    last_empty.back() = "";
    expect_refusal(last_empty);
  }
  return faults;
}

std::vector<std::string> FaultsOfMeaning(const Tree& tree) {
  std::vector<std::string> faults;
  std::map<std::string, std::pair<const OptionDescription*, std::string>> seen;
  for (const CommandDescription& command : tree) {
    for (const OptionDescription& option : command.options) {
      for (const std::string& name : option.names) {
        const auto [it, is_new] = seen.try_emplace(name, &option, command.path);
        const OptionDescription& other = *it->second.first;
        if (is_new || (other.takes_value == option.takes_value && other.names == option.names)) {
          continue;
        }
        faults.push_back(absl::StrCat(name, " of \"", command.path, "\" is another than that of \"",
                                      it->second.second, "\""));
      }
    }
  }
  return faults;
}

}  // namespace curator::cli
