// Completion scripts, generated from the command tree; those below completions/
// are checked in and compared by a test.
#ifndef CLI_COMPLETION_H_
#define CLI_COMPLETION_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/command_tree.h"

namespace curator::cli {

// `shell` is "bash", "zsh" or "fish".
std::string CompletionScript(absl::string_view shell,
                             const std::vector<CommandDescription>& commands);

}  // namespace curator::cli

#endif  // CLI_COMPLETION_H_
