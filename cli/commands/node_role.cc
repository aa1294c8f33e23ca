// curatorctl node role add | remove
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/node_changes.h"
#include "cli/commands/node_results.h"
#include "cli/exit_code.h"
#include "cli/node_filter.h"
#include "cli/tones.h"

namespace curator::cli {
namespace {

Value RoleNames(const std::vector<NodeRole>& roles) {
  Value::List names;
  for (const NodeRole role : roles) names.emplace_back(ToString(role));
  return names;
}

std::string RoleText(const std::vector<NodeRole>& roles) {
  return roles.empty() ? "-" : RoleNames(roles).Text();
}

std::vector<NodeRole> RolesWith(const std::vector<NodeRole>& roles, const RoleChange& change) {
  std::set<NodeRole> out(roles.begin(), roles.end());
  out.insert(change.add.begin(), change.add.end());
  for (const NodeRole role : change.remove) out.erase(role);
  return {out.begin(), out.end()};
}

void SetRoles(NodeResult& result, const std::vector<NodeRole>& before,
              const std::vector<NodeRole>& after) {
  result.more = {{"before", RoleNames(before)}, {"after", RoleNames(after)}};
}

absl::StatusOr<CommandResult> ChangeRoles(Session& session, const std::vector<std::string>& ids,
                                          const RoleChange& change, const char* action,
                                          const char* participle) {
  absl::StatusOr<std::vector<NodeResult>> results = ChooseNodes(session, ids);
  if (!results.ok()) return results.status();
  absl::StatusOr<Client*> client = session.GetClient();
  if (!client.ok()) return client.status();
  for (NodeResult& result : *results) SetRoles(result, result.node.roles, result.node.roles);

  const bool takes_away =
      std::any_of(results->begin(), results->end(), [&](const NodeResult& result) {
        return !change.remove.empty() && RolesWith(result.node.roles, change) != result.node.roles;
      });
  if (takes_away && !session.settings().dry_run) {
    const std::string roles = RoleText({change.remove.begin(), change.remove.end()});
    absl::Status status = session.ConfirmLoss(
        QuestionAbout(session, *results, absl::StrCat("take ", roles, " from").c_str()),
        LinesAbout(*results));
    if (!status.ok()) return status;
  }
  ForEachUndecided(session, *results, [&](NodeResult& result) {
    if (session.settings().dry_run) {
      const std::vector<NodeRole> after = RolesWith(result.node.roles, change);
      SetRoles(result, result.node.roles, after);
      return SetSpared(
          result, after != result.node.roles,
          absl::StrCat(RoleText(result.node.roles), " would become ", RoleText(after)));
    }
    absl::StatusOr<NodeChangeResult> changed =
        (*client)->UpdateNodeRoles(result.node.id, change, session.GetCallOptions());
    if (!changed.ok()) return SetFailure(result, changed.status());
    SetOutcome(result, changed->outcome, absl::StrCat("now ", RoleText(changed->after.roles)));
    SetRoles(result, changed->before.roles, changed->after.roles);
  });
  Document document = ResultDocument(*results, action);
  document.columns = {{"ID", "id"},
                      {"BEFORE", "before"},
                      {"AFTER", "after"},
                      {"RESULT", "outcome", false, {}, ToneOfOutcome},
                      {"DETAIL", "detail", true}};
  return CommandResult{std::move(document), Overall(*results, participle)};
}

}  // namespace

absl::StatusOr<CommandResult> NodeRoleAddCommand(Session& session, const NodeRoleArgs& args) {
  const absl::StatusOr<std::vector<NodeRole>> roles = ParseRoles(args.roles);
  if (!roles.ok()) return roles.status();
  RoleChange change;
  change.add = {roles->begin(), roles->end()};
  return ChangeRoles(session, args.ids, change, "role-add", "given the roles");
}

absl::StatusOr<CommandResult> NodeRoleRemoveCommand(Session& session, const NodeRoleArgs& args) {
  const absl::StatusOr<std::vector<NodeRole>> roles = ParseRoles(args.roles);
  if (!roles.ok()) return roles.status();
  RoleChange change;
  change.remove = {roles->begin(), roles->end()};
  return ChangeRoles(session, args.ids, change, "role-remove", "relieved of the roles");
}

}  // namespace curator::cli
