// curatorctl cred new-key | show
#ifndef CLI_COMMANDS_CRED_H_
#define CLI_COMMANDS_CRED_H_

#include <string>

#include "absl/status/statusor.h"
#include "cli/document.h"
#include "cli/session.h"

namespace curator::cli {

struct CredNewKeyArgs {
  std::string folder;
};
// Writes owner-key.pem (0600) and owner-key.pub. kRefused if either exists.
absl::StatusOr<CommandResult> CredNewKeyCommand(Session& session, const CredNewKeyArgs& args);

absl::StatusOr<CommandResult> CredShowCommand(Session& session);

}  // namespace curator::cli

#endif  // CLI_COMMANDS_CRED_H_
