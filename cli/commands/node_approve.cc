// curatorctl node approve: decide which nodes, ask where it acts on whatever
// matches, approve one after the other, wait if asked to.
#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/matching_nodes.h"
#include "cli/commands/node.h"
#include "cli/commands/node_results.h"
#include "cli/exit_code.h"

namespace curator::cli {
namespace {

absl::StatusOr<std::string> ParsePublicKey(const std::string& hex) {
  const bool good = hex.size() == 64 && std::all_of(hex.begin(), hex.end(), [](unsigned char c) {
                      return absl::ascii_isxdigit(c);
                    });
  if (good) return absl::HexStringToBytes(hex);
  return Failure(ExitCode::kUsage, absl::StrCat("\"", hex, "\" is not a node's public key"),
                 "a public key is 64 hex digits", {"curatorctl node pending     shows them"});
}

absl::StatusOr<NodeState> ParseWait(const std::string& text) {
  const std::string state = absl::AsciiStrToUpper(text);
  if (state == "UP") return NodeState::kUp;
  if (state == "STANDBY") return NodeState::kStandby;
  return Failure(ExitCode::kUsage, absl::StrCat("cannot wait for state \"", text, "\""), "",
                 {"use --wait=UP or --wait=STANDBY"});
}

absl::StatusOr<std::vector<NodeResult>> Choose(const NodeList& list, const NodeApproveArgs& args,
                                               const std::vector<std::string>& keys) {
  std::vector<std::string> ids = args.ids;
  std::vector<std::string> unknown;
  for (const std::string& key : keys) {
    const auto it = std::find_if(list.nodes.begin(), list.nodes.end(),
                                 [&key](const Node& node) { return node.public_key == key; });
    if (it == list.nodes.end()) {
      unknown.push_back(absl::BytesToHexString(key));
    } else {
      ids.push_back(it->id);
    }
  }
  if (!unknown.empty()) {
    return Failure(ExitCode::kNotFound,
                   absl::StrCat("no node has the public key ", absl::StrJoin(unknown, ", ")),
                   "it has not registered with this cluster, or was deleted",
                   {"curatorctl node pending     shows who waits for approval"});
  }
  if (args.all || !args.filter.empty()) {
    for (const Node& node : list.nodes) {
      if (node.state == NodeState::kNew) ids.push_back(node.id);
    }
  }
  absl::StatusOr<std::vector<Node>> nodes = PickNodes(list, ids);
  if (!nodes.ok()) return nodes.status();
  std::vector<NodeResult> items;
  for (Node& node : *nodes) items.emplace_back().node = std::move(node);
  return items;
}

void Approve(Client& client, Session& session, NodeResult& item) {
  if (session.settings().dry_run) {
    const bool is_new = item.node.state == NodeState::kNew;
    return SetSpared(item, is_new,
                     is_new ? "NEW would become STANDBY"
                            : absl::StrCat(ToString(item.node.state), " would stay"));
  }
  absl::StatusOr<ApproveResult> result =
      client.ApproveNode(item.node.public_key, session.GetCallOptions());
  if (!result.ok()) {
    SetFailure(item, result.status());
    return;
  }
  item.node.state = result->state_after;
  SetOutcome(item, result->outcome, absl::StrCat("now ", ToString(result->state_after)));
}

}  // namespace

absl::StatusOr<CommandResult> NodeApproveCommand(Session& session, const NodeApproveArgs& args) {
  const bool named = !args.ids.empty() || !args.public_keys.empty();
  const bool whatever_matches = args.all || !args.filter.empty();
  if (!named && !whatever_matches) return NodePendingCommand(session);
  if (named && whatever_matches) {
    return Failure(ExitCode::kUsage, absl::StrCat(args.all ? "--all" : "--filter",
                                                  " and named nodes exclude each other"));
  }
  std::vector<std::string> keys;
  for (const std::string& hex : args.public_keys) {
    absl::StatusOr<std::string> key = ParsePublicKey(hex);
    if (!key.ok()) return key.status();
    keys.push_back(*key);
  }
  for (const std::string& id : args.ids) {
    if (absl::Status status = CheckNodeId(id); !status.ok()) return status;
  }
  NodeState wanted = NodeState::kUnknown;
  if (!args.wait.empty()) {
    absl::StatusOr<NodeState> state = ParseWait(args.wait);
    if (!state.ok()) return state.status();
    wanted = *state;
  }

  absl::StatusOr<Client*> client = session.GetClient();
  if (!client.ok()) return client.status();
  absl::StatusOr<NodeList> list = ListMatching(session, args.filter);
  if (!list.ok()) return list.status();
  absl::StatusOr<std::vector<NodeResult>> items = Choose(*list, args, keys);
  if (!items.ok()) return items.status();

  if (items->empty()) session.terminal().Note("no node waits for approval");
  if (whatever_matches && !items->empty() && !session.settings().dry_run) {
    std::string lines;
    for (const NodeResult& item : *items) {
      absl::StrAppend(&lines, "  ", item.node.id, "  ",
                      absl::BytesToHexString(item.node.public_key), "\n");
    }
    const std::string action = QuestionAbout(session, *items, "approve");
    if (absl::Status status = session.Confirm(action, lines); !status.ok()) {
      return status;
    }
  }
  ForEachUndecided(session, *items, [&](NodeResult& item) { Approve(**client, session, item); });
  absl::Status waited;
  if (wanted != NodeState::kUnknown && !session.settings().dry_run) {
    waited = WaitForState(**client, session, wanted, "approved", *items);
    session.terminal().Progress("");
  }
  absl::Status status = Overall(*items, "approved");
  if (status.ok()) status = waited;
  return CommandResult{ResultDocument(*items, "approve"), std::move(status)};
}

}  // namespace curator::cli
