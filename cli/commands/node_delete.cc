// curatorctl node decommission | delete: what cannot be undone.
#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/node.h"
#include "cli/commands/node_changes.h"
#include "cli/commands/node_results.h"
#include "cli/exit_code.h"

namespace curator::cli {
namespace {

// --confirm names the nodes that are to be deleted and no other: a list of ids that
// has come out otherwise than meant is noticed here. `ids`: those named, or selected.
absl::Status CheckConfirmed(const NodeDeleteArgs& args, const std::vector<std::string>& ids) {
  const std::set<std::string> named(ids.begin(), ids.end());
  const std::set<std::string> confirmed(args.confirmed.begin(), args.confirmed.end());
  if (confirmed.empty() || confirmed == named) return absl::OkStatus();
  std::vector<std::string> difference;
  std::set_symmetric_difference(named.begin(), named.end(), confirmed.begin(), confirmed.end(),
                                std::back_inserter(difference));
  return Failure(ExitCode::kNotConfirmed, "not confirmed: --confirm names other nodes",
                 absl::StrCat("only once named: ", absl::StrJoin(difference, ", ")),
                 {"repeat --confirm for each node, or leave it out and be asked"});
}

absl::Status ConfirmDelete(Session& session, const NodeDeleteArgs& args,
                           const std::vector<NodeResult>& results) {
  if (!args.confirmed.empty() || session.settings().dry_run || !AnyUndecided(results)) {
    return absl::OkStatus();
  }
  // A node that still works is not deleted by a habitual "y".
  std::vector<std::string> ids;
  bool forced = false;
  for (const NodeResult& result : results) {
    if (!result.outcome.empty()) continue;
    ids.push_back(result.node.id);
    forced = forced || !result.node.roles.empty() || result.node.state == NodeState::kUp;
  }
  std::string word;
  if (forced) word = ids.size() == 1 ? ids.front() : "delete";
  return session.ConfirmLoss(QuestionAbout(session, results, "delete"), LinesAbout(results), word);
}

std::vector<std::string> IdsOf(const std::vector<NodeResult>& results) {
  std::vector<std::string> ids;
  for (const NodeResult& result : results) ids.push_back(result.node.id);
  return ids;
}

Obstacle RolesInTheWay(const Node& node) {
  const std::string roles = absl::StrJoin(node.roles, ",", [](std::string* out, NodeRole role) {
    absl::StrAppend(out, ToString(role));
  });
  return {absl::StrCat("it has roles: ", roles),
          absl::StrCat("curatorctl node role remove ", roles, " ", node.id)};
}

void RefuseFor(NodeResult& result, Obstacle obstacle, const char* participle) {
  if (obstacle.reason.empty()) return;
  SetFailure(result, Failure(ExitCode::kRefused,
                             absl::StrCat("node ", result.node.id, " is not ", participle),
                             obstacle.reason, {std::move(obstacle.hint)}));
  result.detail = std::move(obstacle.reason);
}

// Of a decommissioning.
const char* ProgressOf(DecommissionState state) {
  switch (state) {
    case DecommissionState::kNone:
      break;
    case DecommissionState::kRequested:
      return "requested; its agent does the rest";
    case DecommissionState::kInProgress:
      return "in progress on the node";
    case DecommissionState::kDone:
      return "is DECOMMISSIONED";
  }
  return "not requested";
}

}  // namespace

Obstacle ObstacleToDecommission(const Node& node) {
  if (!node.roles.empty()) return RolesInTheWay(node);
  if (node.state != NodeState::kUp) {
    return {absl::StrCat("it is ", ToString(node.state), ", and holds nothing of the cluster yet"),
            absl::StrCat("curatorctl node delete ", node.id)};
  }
  return {};
}

Obstacle ObstacleToDelete(const Node& node, const NodeDeleteArgs& args) {
  // In the order in which the leader looks.
  if (!node.roles.empty() && !args.force_has_roles) {
    Obstacle obstacle = RolesInTheWay(node);
    absl::StrAppend(&obstacle.hint, "     or, whatever depends on it: --force-has-roles");
    return obstacle;
  }
  if (node.state == NodeState::kUp && !args.force_not_decommissioned) {
    return {"it is UP", absl::StrCat("curatorctl node decommission ", node.id,
                                     "     or, while it runs: --force-not-decommissioned")};
  }
  return {};
}

absl::StatusOr<CommandResult> NodeDeleteCommand(Session& session, const NodeDeleteArgs& args) {
  const absl::StatusOr<std::string> filter = FilterOf(args.selection);
  if (!filter.ok()) return filter.status();
  if (filter->empty()) {
    if (absl::Status status = CheckConfirmed(args, args.ids); !status.ok()) return status;
  }
  absl::StatusOr<std::vector<NodeResult>> results = ChooseNodes(session, args.ids, *filter);
  if (!results.ok()) return results.status();
  if (!filter->empty()) {
    if (absl::Status status = CheckConfirmed(args, IdsOf(*results)); !status.ok()) return status;
    if (results->empty()) session.terminal().Note("no node is selected");
  }
  absl::StatusOr<Client*> client = session.GetClient();
  if (!client.ok()) return client.status();
  // Nobody is asked about what would be refused anyhow.
  for (NodeResult& result : *results) {
    RefuseFor(result, ObstacleToDelete(result.node, args), "deleted");
  }
  if (absl::Status status = ConfirmDelete(session, args, *results); !status.ok()) return status;
  DeleteBypass bypass;
  bypass.has_roles = args.force_has_roles;
  bypass.not_decommissioned = args.force_not_decommissioned;
  ForEachUndecided(session, *results, [&](NodeResult& result) {
    if (session.settings().dry_run) {
      return SetSpared(result, true,
                       absl::StrCat(ToString(result.node.state), " would be deleted"));
    }
    absl::StatusOr<NodeChangeResult> deleted =
        (*client)->DeleteNode(result.node, bypass, session.GetCallOptions());
    if (!deleted.ok()) return SetFailure(result, deleted.status());
    SetOutcome(result, deleted->outcome,
               absl::StrCat("deleted, was ", ToString(deleted->before.state)));
  });
  return CommandResult{ResultDocument(*results, "delete"), Overall(*results, "deleted")};
}

absl::StatusOr<CommandResult> NodeDecommissionCommand(Session& session,
                                                      const NodeDecommissionArgs& args) {
  absl::StatusOr<std::vector<NodeResult>> results = ChooseNodes(session, args.ids);
  if (!results.ok()) return results.status();
  absl::StatusOr<Client*> client = session.GetClient();
  if (!client.ok()) return client.status();
  for (NodeResult& result : *results) {
    if (result.node.state == NodeState::kDecommissioned) {
      SetOutcome(result, ChangeOutcome::kUnchanged, ProgressOf(DecommissionState::kDone));
    } else {
      RefuseFor(result, ObstacleToDecommission(result.node), "decommissioned");
    }
  }
  const bool dry_run = session.settings().dry_run;
  if (AnyUndecided(*results) && !dry_run) {
    absl::Status status =
        session.ConfirmLoss(QuestionAbout(session, *results, "decommission"), LinesAbout(*results));
    if (!status.ok()) return status;
  }
  ForEachUndecided(session, *results, [&](NodeResult& result) {
    if (dry_run) {
      return SetSpared(result, true,
                       absl::StrCat(ToString(result.node.state), " would become DECOMMISSIONED"));
    }
    absl::StatusOr<DecommissionResult> changed =
        (*client)->DecommissionNode(result.node.id, session.GetCallOptions());
    if (!changed.ok()) return SetFailure(result, changed.status());
    SetOutcome(result, changed->outcome, ProgressOf(changed->state));
  });
  absl::Status waited;
  const bool any_done = std::any_of(results->begin(), results->end(),
                                    [](const NodeResult& result) { return result.status.ok(); });
  if (args.wait && !dry_run && any_done) {
    waited =
        WaitForState(**client, session, NodeState::kDecommissioned, "decommissioned", *results);
    session.terminal().Progress("");
  }
  absl::Status status = Overall(*results, "decommissioned");
  if (status.ok()) status = waited;
  return CommandResult{ResultDocument(*results, "decommission"), std::move(status)};
}

}  // namespace curator::cli
