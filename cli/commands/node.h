// curatorctl node list | describe | watch | pending | approve
#ifndef CLI_COMMANDS_NODE_H_
#define CLI_COMMANDS_NODE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/document.h"
#include "cli/node_filter.h"
#include "cli/session.h"
#include "curator/client.h"
#include "curator/types.h"

namespace curator::cli {

struct NodeListArgs {
  std::vector<std::string> ids;  // empty: all
  NodeSelection selection;       // of these
  bool fail_empty = false;
};
// kUnhealthy, with the empty list, where `fail_empty` and nothing is left.
absl::StatusOr<CommandResult> NodeListCommand(Session& session, const NodeListArgs& args);

struct NodeDescribeArgs {
  std::vector<std::string> ids;
};
absl::StatusOr<CommandResult> NodeDescribeCommand(Session& session, const NodeDescribeArgs& args);

// A row per event, until it is ended.
struct NodeWatchArgs {
  std::vector<std::string> ids;  // empty: all
  NodeSelection selection;       // of these
};
absl::StatusOr<CommandResult> NodeWatchCommand(Session& session, const NodeWatchArgs& args);

absl::StatusOr<CommandResult> NodePendingCommand(Session& session);

struct NodeApproveArgs {
  std::vector<std::string> ids;
  std::vector<std::string> public_keys;  // hex
  bool all = false;
  std::string filter;  // CEL: those that wait and match
  std::string wait;    // state to wait for: "UP" or "STANDBY"; empty: do not wait
};
// Without ids, keys, filter and --all: NodePendingCommand.
absl::StatusOr<CommandResult> NodeApproveCommand(Session& session, const NodeApproveArgs& args);

// "metropolis-" and 32 lower-case hex digits; else kUsage.
absl::Status CheckNodeId(absl::string_view id);

// The nodes with these ids in the order asked, each once. kNotFound names all
// that are missing.
absl::StatusOr<std::vector<Node>> PickNodes(const NodeList& list,
                                            const std::vector<std::string>& ids);

// The fields of kind Node.
Value NodeFields(const Node& node);

// One row of node watch, and its CHANGE.
Document NodeEventDocument(const NodeEvent& event);
std::string DescribeNodeEvent(const NodeEvent& event);

// What a state means and what to do next, for people.
std::string NodeAdvice(const Node& node);

}  // namespace curator::cli

#endif  // CLI_COMMANDS_NODE_H_
