// curatorctl cluster info | status | takeownership
#ifndef CLI_COMMANDS_CLUSTER_H_
#define CLI_COMMANDS_CLUSTER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "cli/document.h"
#include "cli/session.h"
#include "curator/probe.h"

namespace curator::cli {

absl::StatusOr<CommandResult> ClusterInfoCommand(Session& session);

// Exit code kUnhealthy, with the document, when no leader is confirmed.
absl::StatusOr<CommandResult> ClusterStatusCommand(Session& session);

struct TakeOwnershipArgs {
  absl::optional<std::string> owner_key;  // file; none: the context's own, if it has one
};
absl::StatusOr<CommandResult> TakeOwnershipCommand(Session& session, const TakeOwnershipArgs& args);

// Probes the endpoints of the settings, then those that they and the leader
// name. Fails only where there is nothing to probe or trust is broken.
absl::StatusOr<std::vector<ProbeResult>> ProbeCluster(Session& session);

}  // namespace curator::cli

#endif  // CLI_COMMANDS_CLUSTER_H_
