// curatorctl node approve: decide which nodes, ask where it acts on whatever
// matches, approve one after the other, wait if asked to.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/node.h"
#include "cli/exit_code.h"
#include "cli/tones.h"

namespace curator::cli {
namespace {

constexpr absl::Duration kStatePollInterval = absl::Milliseconds(250);

struct Item {
  Node node;
  std::string outcome;  // applied, unchanged, refused, unknown, skipped
  std::string detail;
  absl::Status status;
};

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

absl::StatusOr<std::vector<Item>> Choose(const NodeList& list, const NodeApproveArgs& args,
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
  if (args.all) {
    for (const Node& node : list.nodes) {
      if (node.state == NodeState::kNew) ids.push_back(node.id);
    }
  }
  absl::StatusOr<std::vector<Node>> nodes = PickNodes(list, ids);
  if (!nodes.ok()) return nodes.status();
  std::vector<Item> items;
  for (Node& node : *nodes) items.push_back({std::move(node), "", "", {}});
  return items;
}

std::string OutcomeOfFailure(const absl::Status& status) {
  const ErrorCode code = DescribeError(status).code;
  if (code == ErrorCode::kUnknownOutcome) return "unknown";
  // Nothing reached a server that could have acted on it.
  if (code == ErrorCode::kUnreachable || code == ErrorCode::kNoLeader ||
      code == ErrorCode::kUntrusted) {
    return "skipped";
  }
  if (code == ErrorCode::kTimeout || code == ErrorCode::kCancelled) {
    return DescribeError(status).sent ? "unknown" : "skipped";
  }
  return "refused";
}

void Approve(Client& client, Session& session, Item& item) {
  if (session.settings().dry_run) {
    item.outcome = "skipped";
    item.detail = item.node.state == NodeState::kNew
                      ? "dry run: NEW would become STANDBY"
                      : absl::StrCat("dry run: ", ToString(item.node.state), " would stay");
    return;
  }
  absl::StatusOr<ApproveResult> result =
      client.ApproveNode(item.node.public_key, session.GetCallOptions());
  if (!result.ok()) {
    item.status = result.status();
    item.outcome = OutcomeOfFailure(item.status);
    item.detail = DescribeError(item.status).message;
    return;
  }
  item.outcome = result->outcome == ChangeOutcome::kApplied ? "applied" : "unchanged";
  item.node.state = result->state_after;
  item.detail = absl::StrCat("now ", ToString(result->state_after));
}

bool Reached(NodeState state, NodeState wanted) {
  return state == wanted || (wanted == NodeState::kStandby && state == NodeState::kUp);
}

// Until every approved node has reached `wanted`, is gone, or the time is over.
absl::Status WaitFor(Client& client, Session& session, NodeState wanted, std::vector<Item>& items) {
  while (true) {
    absl::StatusOr<NodeList> list = client.ListNodes(session.GetCallOptions());
    if (!list.ok()) return list.status();
    std::vector<std::string> missing;
    for (Item& item : items) {
      if (!item.status.ok()) continue;
      const auto it = std::find_if(list->nodes.begin(), list->nodes.end(),
                                   [&](const Node& node) { return node.id == item.node.id; });
      if (it == list->nodes.end()) {
        item.status = Failure(ExitCode::kNotFound,
                              absl::StrCat("node ", item.node.id, " was deleted meanwhile"));
        item.detail = "deleted meanwhile";
        continue;
      }
      item.node.state = it->state;
      item.detail = absl::StrCat("now ", ToString(it->state));
      if (!Reached(it->state, wanted)) missing.push_back(item.node.id);
    }
    if (missing.empty()) return absl::OkStatus();
    session.terminal().Progress(absl::StrCat("waiting for ", missing.size(), " to be ",
                                             ToString(wanted), "… ",
                                             absl::ToInt64Seconds(session.Elapsed()), " s"));
    const absl::Duration remaining = session.Remaining();
    if (remaining <= absl::ZeroDuration()) {
      Error error;
      error.code = ErrorCode::kTimeout;
      error.message = absl::StrCat("approved, but not ", ToString(wanted),
                                   " in time: ", absl::StrJoin(missing, ", "));
      error.cause = "a node commits by itself once it is approved; these do not, or not yet";
      error.hints = {"look whether they run; to wait longer: --timeout 5m"};
      error.waited = session.Elapsed();
      return MakeError(error);
    }
    if (!session.interruption().WaitFor(std::min(kStatePollInterval, remaining))) {
      return Failure(session.interruption().exit_code(), "interrupted");
    }
  }
}

// One code if all failures are alike and nothing succeeded, else kPartial.
absl::Status Overall(const std::vector<Item>& items) {
  size_t failed = 0;
  absl::Status first;
  bool alike = true;
  for (const Item& item : items) {
    if (item.status.ok()) continue;
    ++failed;
    if (first.ok()) first = item.status;
    alike = alike && ExitCodeOf(item.status) == ExitCodeOf(first);
  }
  if (failed == 0) return absl::OkStatus();
  if (failed == 1 && items.size() == 1) return first;
  Error error = DescribeError(first);
  error.message =
      absl::StrCat(failed, " of ", items.size(), " nodes were not approved: ", error.message,
                   failed > 1 ? ", …" : "");
  return Failure(failed == items.size() && alike ? ExitCodeOf(first) : ExitCode::kPartial, error);
}

Document ResultDocument(const std::vector<Item>& items) {
  std::map<std::string, int> counts = {
      {"applied", 0}, {"unchanged", 0}, {"refused", 0}, {"unknown", 0}, {"skipped", 0}};
  Value::List list;
  for (const Item& item : items) {
    ++counts[item.outcome];
    list.push_back(Value::Object{
        {"id", item.node.id},
        {"action", "approve"},
        {"outcome", item.outcome},
        {"detail", item.detail},
        {"error", item.status.ok() ? Value() : Value(ToString(ExitCodeOf(item.status)))},
    });
  }
  Value::Object summary;
  for (const auto& [outcome, count] : counts) summary.emplace_back(outcome, count);
  Document document;
  document.kind = "ResultList";
  document.fields = {{"items", std::move(list)}, {"summary", std::move(summary)}};
  document.items = "items";
  document.columns = {
      {"ID", "id"}, {"RESULT", "outcome", false, {}, ToneOfOutcome}, {"DETAIL", "detail"}};
  document.name = "id";
  return document;
}

}  // namespace

absl::StatusOr<CommandResult> NodeApproveCommand(Session& session, const NodeApproveArgs& args) {
  if (args.ids.empty() && args.public_keys.empty() && !args.all) {
    return NodePendingCommand(session);
  }
  if (args.all && (!args.ids.empty() || !args.public_keys.empty())) {
    return Failure(ExitCode::kUsage, "--all and named nodes exclude each other");
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
  absl::StatusOr<NodeList> list = (*client)->ListNodes(session.GetCallOptions());
  if (!list.ok()) return list.status();
  absl::StatusOr<std::vector<Item>> items = Choose(*list, args, keys);
  if (!items.ok()) return items.status();

  if (items->empty()) session.terminal().Note("no node waits for approval");
  if (args.all && !items->empty() && !session.settings().dry_run) {
    std::string lines;
    for (const Item& item : *items) {
      absl::StrAppend(&lines, "  ", item.node.id, "  ",
                      absl::BytesToHexString(item.node.public_key), "\n");
    }
    const std::string action =
        absl::StrCat("approve ", items->size(), items->size() == 1 ? " node" : " nodes", " of ",
                     session.ClusterName());
    if (absl::Status status = session.Confirm(action, lines); !status.ok()) {
      return status;
    }
  }
  for (Item& item : *items) {
    if (session.interruption().interrupted()) {
      item.status = Failure(session.interruption().exit_code(), "interrupted");
      item.outcome = "skipped";
      item.detail = "interrupted";
      continue;
    }
    Approve(**client, session, item);
  }
  absl::Status waited;
  if (wanted != NodeState::kUnknown && !session.settings().dry_run) {
    waited = WaitFor(**client, session, wanted, *items);
    session.terminal().Progress("");
  }
  absl::Status status = Overall(*items);
  if (status.ok()) status = waited;
  return CommandResult{ResultDocument(*items), std::move(status)};
}

}  // namespace curator::cli
