// The branch `node` of the command tree: its verbs, their flags, and the arguments
// these fill.
#ifndef CLI_COMMAND_TREE_NODE_H_
#define CLI_COMMAND_TREE_NODE_H_

#include <functional>

#include "absl/status/statusor.h"
#include "cli/commands/node.h"
#include "cli/commands/node_changes.h"
#include "cli/document.h"
#include "cli/session.h"

namespace CLI {
class App;
}

namespace curator::cli {

using RunCommand = std::function<absl::StatusOr<CommandResult>(Session&)>;

// How a branch grows; the tree knows what all nouns and verbs have in common.
struct TreeGrower {
  std::function<CLI::App*(CLI::App* parent, const char* name, const char* summary)> noun;
  std::function<CLI::App*(CLI::App* parent, const char* name, const char* summary, RunCommand run)>
      verb;
  // A verb that takes --dry-run: with it, nothing changes.
  decltype(verb) changing_verb;
};

// Must outlive what Add has added: the arguments live here.
class NodeBranch {
 public:
  void Add(CLI::App* root, const TreeGrower& grow);

 private:
  void AddReads(CLI::App* node, const TreeGrower& grow);
  void AddApprove(CLI::App* node, const TreeGrower& grow);
  void AddLabelsAndRoles(CLI::App* node, const TreeGrower& grow);
  void AddEndOfLife(CLI::App* node, const TreeGrower& grow);

  NodeListArgs list_;
  NodeWatchArgs watch_;
  NodeDescribeArgs describe_;
  NodeApproveArgs approve_;
  NodeLabelArgs label_;
  NodeRoleArgs role_;
  NodeDecommissionArgs decommission_;
  NodeDeleteArgs delete_;
};

}  // namespace curator::cli

#endif  // CLI_COMMAND_TREE_NODE_H_
