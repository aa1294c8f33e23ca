// curatorctl context list | use | show | add | remove | explain
#ifndef CLI_COMMANDS_CONTEXT_H_
#define CLI_COMMANDS_CONTEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "cli/document.h"
#include "cli/session.h"
#include "cli/settings.h"

namespace curator::cli {

absl::StatusOr<CommandResult> ContextListCommand(Session& session);

struct ContextNameArgs {
  std::string name;  // empty: the one in use, for show
};
// kNotFound if there is no such context.
absl::StatusOr<CommandResult> ContextUseCommand(Session& session, const ContextNameArgs& args);
absl::StatusOr<CommandResult> ContextShowCommand(Session& session, const ContextNameArgs& args);
absl::StatusOr<CommandResult> ContextRemoveCommand(Session& session, const ContextNameArgs& args);

struct ContextAddArgs {
  std::string name;
  GlobalFlags flags;  // --endpoint, --ca-file, --ca-sha256, --cert, --key as given
};
// kRefused if the context exists.
absl::StatusOr<CommandResult> ContextAddCommand(Session& session, const ContextAddArgs& args);

// Every effective setting and where it came from.
absl::StatusOr<CommandResult> ContextExplainCommand(Session& session);

}  // namespace curator::cli

#endif  // CLI_COMMANDS_CONTEXT_H_
