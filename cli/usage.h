// What is wrong with a command line, in words that help to put it right.
#ifndef CLI_USAGE_H_
#define CLI_USAGE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "libclient/process/command_line.h"

namespace curator::cli {

struct UsageFault {
  std::string path;                      // command as far as it was understood: "node"
  std::vector<std::string> subcommands;  // what could follow
  std::vector<std::string> unexpected;   // arguments nobody takes
  std::string parser_message;            // what the parser said
};
// Exit code kUsage.
absl::Status UsageFailure(const UsageFault& fault);
absl::Status UsageFailure(const LineFault& fault);

// The word of `known` that `word` is probably meant to be; empty if none is near.
std::string Nearest(const std::string& word, const std::vector<std::string>& known);

// What --output says, found even where the rest of the line is wrong: a failure
// is then reported in that format.
absl::optional<std::string> OutputFlag(const std::vector<std::string>& arguments);

}  // namespace curator::cli

#endif  // CLI_USAGE_H_
