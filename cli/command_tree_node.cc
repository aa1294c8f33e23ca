#include "cli/command_tree_node.h"

#include <CLI/CLI.hpp>

namespace curator::cli {
namespace {

// The type name of an option shows in help and tells completion what its value is:
// choices as in "auto|always|never".
constexpr char kStates[] = "NEW|STANDBY|UP|DECOMMISSIONED";
constexpr char kHealths[] = "HEALTHY|HEARTBEAT_TIMEOUT|UNKNOWN";
constexpr char kRoles[] = "consensus-member|kubernetes-controller|kubernetes-worker";

// A flag with one value that may be given several times.
void Repeated(CLI::App* app, const char* names, std::vector<std::string>& values, const char* type,
              const char* summary) {
  app->add_option(names, values, summary)
      ->type_name(type)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Filter(CLI::App* app, std::string& filter, const char* summary) {
  app->add_option("--filter", filter, summary)
      ->type_name("CEL")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

}  // namespace

void NodeBranch::Add(CLI::App* root, const TreeGrower& grow) {
  CLI::App* node = grow.noun(root, "node", "list, describe and approve nodes");
  AddReads(node, grow);
  AddApprove(node, grow);
}

void NodeBranch::AddReads(CLI::App* node, const TreeGrower& grow) {
  CLI::App* list = grow.verb(node, "list", "list nodes",
                             [this](Session& session) { return NodeListCommand(session, list_); });
  list->alias("ls");
  list->add_option("ID", list_.ids, "only these nodes");
  Filter(list, list_.selection.filter, "only those of which this expression holds");
  Repeated(list, "-l,--label", list_.selection.labels, "SELECTOR",
           "only those with these labels: k=v,k!=v,k,!k; repeatable: all of them");
  Repeated(list, "--state", list_.selection.states, kStates, "only those in one of these states");
  Repeated(list, "--health", list_.selection.healths, kHealths, "only those of such health");
  Repeated(list, "--role", list_.selection.roles, kRoles,
           "only those with one of these roles; cm, kc and kw will do");
  list->add_flag("--fail-empty", list_.fail_empty, "exit 20 if there is nothing to list");
  list->footer(
      "Of several flags all must hold, of the values of one (--state NEW,STANDBY) any.\n"
      "See: curatorctl help filters");

  CLI::App* describe =
      grow.verb(node, "describe", "show nodes with what their state means",
                [this](Session& session) { return NodeDescribeCommand(session, describe_); });
  describe->add_option("ID", describe_.ids, "nodes to describe")->required();

  CLI::App* watch =
      grow.verb(node, "watch", "show nodes, then each change as it comes, until interrupted",
                [this](Session& session) { return NodeWatchCommand(session, watch_); });
  watch->add_option("ID", watch_.ids, "only these nodes");
  watch->footer(
      "Rides over failovers: then only what changed meanwhile is shown. Runs until it is\n"
      "interrupted; --timeout ends it earlier, with exit code 10.");

  grow.verb(node, "pending", "list nodes that wait for approval", NodePendingCommand);
}

void NodeBranch::AddApprove(CLI::App* node, const TreeGrower& grow) {
  CLI::App* approve =
      grow.verb(node, "approve", "let nodes into the cluster; without arguments: who waits",
                [this](Session& session) { return NodeApproveCommand(session, approve_); });
  approve->add_option("ID", approve_.ids, "nodes to approve");
  Repeated(approve, "--pubkey", approve_.public_keys, "HEX",
           "a node by its public key; repeatable");
  approve->add_flag("--all", approve_.all, "all that wait; asks");
  Filter(approve, approve_.filter, "all that wait of which this expression holds; asks");
  // A flag, since its value may only follow "=": in `--wait ID` ID is a node.
  approve->add_flag("--wait{UP}", approve_.wait,
                    "wait until they are UP, or in the state given: --wait=STANDBY");
}

}  // namespace curator::cli
