// curatorctl node label | role add, remove | decommission | delete
#ifndef CLI_COMMANDS_NODE_CHANGES_H_
#define CLI_COMMANDS_NODE_CHANGES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/document.h"
#include "cli/node_filter.h"
#include "cli/session.h"
#include "curator/client.h"

namespace curator::cli {

struct NodeLabelArgs {
  std::vector<std::string> words;  // node ids, "k=v", "k-", in any order
  std::string filter;              // instead of ids
  bool overwrite = false;          // a label that has another value is refused without it
};
absl::StatusOr<CommandResult> NodeLabelCommand(Session& session, const NodeLabelArgs& args);

// `words` taken apart. kUsage for one that is neither an id nor a change, for a key
// that is named twice, and where there is no change.
struct LabelRequest {
  std::vector<std::string> ids;
  LabelChange change;
};
absl::StatusOr<LabelRequest> ParseLabelWords(const std::vector<std::string>& words);

struct NodeRoleArgs {
  std::string roles;  // "consensus-member,kw"
  std::vector<std::string> ids;
};
absl::StatusOr<CommandResult> NodeRoleAddCommand(Session& session, const NodeRoleArgs& args);
absl::StatusOr<CommandResult> NodeRoleRemoveCommand(Session& session, const NodeRoleArgs& args);

struct NodeDecommissionArgs {
  std::vector<std::string> ids;
  bool wait = false;  // until they are DECOMMISSIONED
};
absl::StatusOr<CommandResult> NodeDecommissionCommand(Session& session,
                                                      const NodeDecommissionArgs& args);

struct NodeDeleteArgs {
  std::vector<std::string> ids;
  NodeSelection selection;  // instead of ids
  bool force_has_roles = false;
  bool force_not_decommissioned = false;
  // Ids once more: answers the question for exactly these nodes.
  std::vector<std::string> confirmed;
};
absl::StatusOr<CommandResult> NodeDeleteCommand(Session& session, const NodeDeleteArgs& args);

// Why the leader will refuse to let `node` go, and what to do; "" if it will not.
struct Obstacle {
  std::string reason;
  std::string hint;
};
Obstacle ObstacleToDecommission(const Node& node);
Obstacle ObstacleToDelete(const Node& node, const NodeDeleteArgs& args);

}  // namespace curator::cli

#endif  // CLI_COMMANDS_NODE_CHANGES_H_
