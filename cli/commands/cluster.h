// curatorctl cluster info | status | takeownership | config get, set
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

struct ConfigGetArgs {
  std::string key;  // empty: all
};
absl::StatusOr<CommandResult> ConfigGetCommand(Session& session, const ConfigGetArgs& args);

struct ConfigSetArgs {
  std::string key;
  std::vector<std::string> values;  // of a list; empty: the empty list
};
absl::StatusOr<CommandResult> ConfigSetCommand(Session& session, const ConfigSetArgs& args);

// The fields of kind ClusterConfig, and of `configuration` in ClusterInfo.
Value::Object ConfigurationFields(const ClusterConfiguration& configuration);

// `configuration` with `key` changed to `values`; kUsage for a key that does not
// exist or a value it cannot have.
struct ConfigurationEdit {
  ConfigurationField field = ConfigurationField::kClusterDomain;
  ClusterConfiguration configuration;
};
absl::StatusOr<ConfigurationEdit> EditConfiguration(ClusterConfiguration configuration,
                                                    const std::string& key,
                                                    const std::vector<std::string>& values);

// Probes the endpoints of the settings, then those that they and the leader
// name. Fails only where there is nothing to probe or trust is broken.
absl::StatusOr<std::vector<ProbeResult>> ProbeCluster(Session& session);

}  // namespace curator::cli

#endif  // CLI_COMMANDS_CLUSTER_H_
