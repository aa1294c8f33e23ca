// curatorctl context list | use | show | add | set | import | remove | explain
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
  GlobalFlags
      flags;  // --endpoint, --ca-file, --ca-sha256, --cert, --key, --accept-unproven as given
};
// kRefused if the context exists.
absl::StatusOr<CommandResult> ContextAddCommand(Session& session, const ContextAddArgs& args);

struct ContextSetArgs {
  std::string name;
  bool require_proof = false;  // --accept-unproven, taken back
  GlobalFlags flags;           // --endpoint, --cert, --key, --accept-unproven as given
};
// What is given replaces what the context has; the rest stays. kNotFound if there is no such
// context, kUsage if nothing is given.
absl::StatusOr<CommandResult> ContextSetCommand(Session& session, const ContextSetArgs& args);

struct ContextImportArgs {
  std::string name;    // empty: --context, or "metroctl"
  std::string folder;  // owner-key.pem, owner.pem, ca.pem
  GlobalFlags flags;   // --endpoint, --context, --accept-unproven as given
};
// Copies the files: what the other tool does with its own later (a new cluster, a
// new key, another mode) does not change whom this context trusts, or as whom it
// speaks. kNotFound without the folder, kNoCredentials for the key and the
// certificate, kUntrusted for the CA, kRefused if the context exists.
absl::StatusOr<CommandResult> ContextImportCommand(Session& session, const ContextImportArgs& args);

// One context as context show has it, in a list.
CommandResult ContextResult(const ConfigFile& file, const std::string& name);

// Every effective setting and where it came from.
absl::StatusOr<CommandResult> ContextExplainCommand(Session& session);

}  // namespace curator::cli

#endif  // CLI_COMMANDS_CONTEXT_H_
