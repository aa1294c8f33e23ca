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

void Selection(CLI::App* app, NodeSelection& selection) {
  Filter(app, selection.filter, "only those of which this expression holds");
  Repeated(app, "-l,--label", selection.labels, "SELECTOR",
           "only those with these labels: k=v,k!=v,k,!k; repeatable: all of them");
  Repeated(app, "--state", selection.states, kStates, "only those in one of these states");
  Repeated(app, "--health", selection.healths, kHealths, "only those of such health");
  Repeated(app, "--role", selection.roles, kRoles,
           "only those with one of these roles; cm, kc and kw will do");
}

}  // namespace

void NodeBranch::Add(CLI::App* root, const TreeGrower& grow) {
  CLI::App* node = grow.noun(root, "node", "list, describe, approve, change and delete nodes");
  AddReads(node, grow);
  AddApprove(node, grow);
  AddLabelsAndRoles(node, grow);
  AddEndOfLife(node, grow);
}

void NodeBranch::AddReads(CLI::App* node, const TreeGrower& grow) {
  CLI::App* list = grow.verb(node, "list", "list nodes",
                             [this](Session& session) { return NodeListCommand(session, list_); });
  list->alias("ls");
  list->add_option("ID", list_.ids, "only these nodes");
  Selection(list, list_.selection);
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
  Selection(watch, watch_.selection);
  watch->footer(
      "With filters as of node list: changes of nodes that match before or after them. A\n"
      "change of health alone is none.\n"
      "Rides over failovers: then only what changed meanwhile is shown. Runs until it is\n"
      "interrupted; --timeout ends it earlier, with exit code 10.");

  grow.verb(node, "pending", "list nodes that wait for approval", NodePendingCommand);
}

void NodeBranch::AddApprove(CLI::App* node, const TreeGrower& grow) {
  CLI::App* approve = grow.changing_verb(
      node, "approve", "let nodes into the cluster; without arguments: who waits",
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

void NodeBranch::AddLabelsAndRoles(CLI::App* node, const TreeGrower& grow) {
  CLI::App* label =
      grow.changing_verb(node, "label", "set and remove labels of nodes",
                         [this](Session& session) { return NodeLabelCommand(session, label_); });
  label
      ->add_option("ID|KEY=VALUE|KEY-", label_.words,
                   "nodes, labels to set (the value may be empty), labels to remove")
      ->required();
  Filter(label, label_.filter, "all nodes of which this expression holds; asks");
  label->add_flag("--overwrite", label_.overwrite, "replace a label that has another value");
  label->footer(
      "  curatorctl node label ID zone=a disk-\n"
      "All changes of one node are made, or none.");

  CLI::App* role = grow.noun(node, "role", "what nodes do in the cluster");
  const auto arguments = [this](CLI::App* verb) {
    verb->add_option("ROLE", role_.roles,
                     "consensus-member (cm), kubernetes-controller (kc), kubernetes-worker (kw), "
                     "or several with commas")
        ->required();
    verb->add_option("ID", role_.ids, "nodes")->required();
  };
  CLI::App* add = grow.changing_verb(role, "add", "give roles to nodes", [this](Session& session) {
    return NodeRoleAddCommand(session, role_);
  });
  arguments(add);
  add->footer("A kubernetes-controller must be a consensus-member.");
  CLI::App* remove = grow.changing_verb(
      role, "remove", "take roles from nodes; asks",
      [this](Session& session) { return NodeRoleRemoveCommand(session, role_); });
  arguments(remove);
  remove->footer(
      "A consensus-member stays one while it is a kubernetes-controller: remove that role\n"
      "first, with a command of its own.");
}

void NodeBranch::AddEndOfLife(CLI::App* node, const TreeGrower& grow) {
  CLI::App* decommission = grow.changing_verb(
      node, "decommission", "have nodes leave the cluster for good; asks",
      [this](Session& session) { return NodeDecommissionCommand(session, decommission_); });
  decommission->add_option("ID", decommission_.ids, "nodes to decommission")->required();
  decommission->add_flag("--wait", decommission_.wait, "wait until they are DECOMMISSIONED");
  decommission->footer(
      "Nodes with roles are refused: remove them first. It is requested here and done by the\n"
      "node's own agent, which ends; then the node can be deleted. Given again, it tells how\n"
      "far that is.");

  CLI::App* remove =
      grow.changing_verb(node, "delete", "forget nodes for good; asks",
                         [this](Session& session) { return NodeDeleteCommand(session, delete_); });
  remove->add_option("ID", delete_.ids, "nodes to delete");
  Filter(remove, delete_.selection.filter, "all of which this expression holds");
  Repeated(remove, "-l,--label", delete_.selection.labels, "SELECTOR",
           "all with these labels: k=v,k!=v,k,!k; repeatable: all of them");
  Repeated(remove, "--state", delete_.selection.states, kStates, "all in one of these states");
  remove->add_flag("--force-has-roles", delete_.force_has_roles, "although they have roles");
  remove->add_flag("--force-not-decommissioned", delete_.force_not_decommissioned,
                   "although they are UP");
  Repeated(remove, "--confirm", delete_.confirmed, "ID",
           "answers the question, for these nodes and no other; repeatable");
  remove->footer(
      "Nodes are named, or selected by flags of which all must hold: --state NEW after a ticket\n"
      "leaked. They are shown before anything is done.\n"
      "What a deleted node holds of the cluster becomes useless: it would have to register\n"
      "anew, and lose what it stores. Decommission it first.");
}

}  // namespace curator::cli
