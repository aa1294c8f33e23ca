// curatorctl help TOPIC, version
#ifndef CLI_COMMANDS_HELP_H_
#define CLI_COMMANDS_HELP_H_

#include <string>

#include "absl/status/statusor.h"
#include "cli/document.h"
#include "cli/session.h"

namespace curator::cli {

absl::StatusOr<CommandResult> HelpExitCodesCommand();
absl::StatusOr<CommandResult> HelpEnvCommand();
absl::StatusOr<CommandResult> HelpFormatsCommand();
absl::StatusOr<CommandResult> HelpFiltersCommand();

struct VersionArgs {
  bool server = false;
};
absl::StatusOr<CommandResult> VersionCommand(Session& session, const VersionArgs& args);

// "0.1.0"
const char* ClientVersion();

}  // namespace curator::cli

#endif  // CLI_COMMANDS_HELP_H_
