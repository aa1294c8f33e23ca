// curatorctl trust show | pin | forget
#ifndef CLI_COMMANDS_TRUST_COMMANDS_H_
#define CLI_COMMANDS_TRUST_COMMANDS_H_

#include "absl/status/statusor.h"
#include "cli/document.h"
#include "cli/session.h"

namespace curator::cli {

// What is trusted, from the configuration alone. kNotFound if nothing is.
absl::StatusOr<CommandResult> TrustShowCommand(Session& session);

// Fetches the CA of the context's endpoints and pins it: by --ca-sha256,
// --ca-file, the context's certificate, or after asking.
absl::StatusOr<CommandResult> TrustPinCommand(Session& session);

absl::StatusOr<CommandResult> TrustForgetCommand(Session& session);

}  // namespace curator::cli

#endif  // CLI_COMMANDS_TRUST_COMMANDS_H_
