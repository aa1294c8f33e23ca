#include "cli/usage.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "cli/exit_code.h"

namespace curator::cli {
namespace {

// Levenshtein's, with one row.
size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string LowerFirst(std::string text) {
  if (text.size() > 1 && absl::ascii_islower(static_cast<unsigned char>(text[1]))) {
    text[0] = absl::ascii_tolower(static_cast<unsigned char>(text[0]));
  }
  return text;
}

}  // namespace

std::string Nearest(const std::string& word, const std::vector<std::string>& known) {
  std::string nearest;
  size_t smallest = 3;  // further away it is a guess
  for (const std::string& candidate : known) {
    const size_t distance = EditDistance(word, candidate);
    if (distance < smallest && distance < candidate.size()) {
      smallest = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

absl::Status UsageFailure(const UsageFault& fault) {
  const std::string command =
      fault.path.empty() ? "curatorctl" : absl::StrCat("curatorctl ", fault.path);
  std::vector<std::string> hints;
  std::string message;
  std::string cause;
  const auto word = std::find_if(fault.unexpected.begin(), fault.unexpected.end(),
                                 [](const std::string& text) { return text != "--"; });
  if (!fault.subcommands.empty()) {
    if (word == fault.unexpected.end()) {
      message = absl::StrCat("\"", command, "\" needs a command");
    } else if (absl::StartsWith(*word, "-")) {
      message = absl::StrCat("unknown flag ", *word);
    } else {
      message = absl::StrCat("unknown command \"", *word, "\" of \"", command, "\"");
      if (const std::string nearest = Nearest(*word, fault.subcommands); !nearest.empty()) {
        hints.push_back(absl::StrCat("did you mean: ", command, " ", nearest));
      }
    }
    cause = absl::StrCat("commands: ", absl::StrJoin(fault.subcommands, ", "));
  } else if (word != fault.unexpected.end()) {
    message = absl::StrCat(absl::StartsWith(*word, "-") ? "unknown flag " : "unexpected argument ",
                           *word, " of \"", command, "\"");
  } else {
    message = absl::StrCat(command, ": ", LowerFirst(fault.parser_message));
  }
  hints.push_back(absl::StrCat(command, " --help"));
  return Failure(ExitCode::kUsage, message, cause, hints);
}

absl::Status UsageFailure(const LineFault& fault) {
  const std::string command =
      fault.command.empty() ? "curatorctl" : absl::StrCat("curatorctl ", fault.command);
  return Failure(ExitCode::kUsage, absl::StrCat(command, ": ", fault.what), fault.why,
                 {absl::StrCat(command, " --help")});
}

absl::optional<std::string> OutputFlag(const std::vector<std::string>& arguments) {
  absl::optional<std::string> found;
  for (size_t i = 0; i < arguments.size(); ++i) {
    absl::string_view argument = arguments[i];
    if (argument == "--") break;
    if (argument == "-o" || argument == "--output") {
      if (i + 1 < arguments.size()) found = arguments[i + 1];
    } else if (absl::ConsumePrefix(&argument, "--output=")) {
      found = std::string(argument);
    } else if (argument.size() > 2 && absl::ConsumePrefix(&argument, "-o")) {
      absl::ConsumePrefix(&argument, "=");
      found = std::string(argument);
    }
  }
  return found;
}

}  // namespace curator::cli
