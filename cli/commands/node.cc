#include "cli/commands/node.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "cli/commands/matching_nodes.h"
#include "cli/exit_code.h"
#include "cli/format.h"
#include "cli/tones.h"

namespace curator::cli {
namespace {

std::vector<Column> ListColumns() {
  return {
      {"ID", "id"},
      {"STATE", "state", false, {}, ToneOfState},
      {"HEALTH", "health", false, {}, ToneOfHealth},
      {"ROLES", "roles"},
      {"ADDRESS", "address"},
      {"VERSION", "version"},
      {"HEARTBEAT", "heartbeat_age_ms", false, HumanMilliseconds},
      {"TPM", "tpm", true},
      {"LABELS", "labels", true},
      {"CURATOR", "curator_port", true},
      {"PUBKEY", "pubkey", true},
  };
}

std::vector<Column> PendingColumns() {
  return {{"ID", "id"},
          {"PUBKEY", "pubkey"},
          {"ADDRESS", "address"},
          {"LABELS", "labels"},
          {"STATE", "state", true, {}, ToneOfState},
          {"TPM", "tpm", true}};
}

Document ListDocument(Session& session, const std::vector<Node>& nodes,
                      const std::string& leader_id, std::vector<Column> columns) {
  Value::List items;
  items.reserve(nodes.size());
  for (const Node& node : nodes) items.push_back(NodeFields(node));
  Document document;
  document.kind = "NodeList";
  document.fields = {
      {"cluster", Value::Object{{"ca_sha256", session.trusted_ca().has_value()
                                                  ? Value(session.trusted_ca()->sha256())
                                                  : Value()},
                                {"leader_id", OrNull(leader_id)}}},
      {"observed_at", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone())},
      {"items", std::move(items)},
  };
  document.items = "items";
  document.columns = std::move(columns);
  document.name = "id";
  return document;
}

// Those with these ids, of which `filter` holds.
absl::StatusOr<NodeList> ListNodes(Session& session, const std::vector<std::string>& ids,
                                   const std::string& filter = "") {
  for (const std::string& id : ids) {
    if (absl::Status status = CheckNodeId(id); !status.ok()) return status;
  }
  absl::StatusOr<NodeList> list = ListMatching(session, ids.empty() ? filter : "");
  if (!list.ok() || ids.empty()) return list;
  absl::StatusOr<std::vector<Node>> picked = PickNodes(*list, ids);
  if (!picked.ok()) return picked.status();
  list->nodes = *std::move(picked);
  if (filter.empty()) return list;
  // A named node that does not exist is a mistake, one that does not match is not:
  // so the filter cannot be all that is asked.
  absl::StatusOr<NodeList> matching = ListMatching(session, filter);
  if (!matching.ok()) return matching;
  std::set<std::string> match;
  for (const Node& node : matching->nodes) match.insert(node.id);
  list->nodes.erase(std::remove_if(list->nodes.begin(), list->nodes.end(),
                                   [&](const Node& node) { return match.count(node.id) == 0; }),
                    list->nodes.end());
  return list;
}

}  // namespace

absl::Status CheckNodeId(absl::string_view id) {
  absl::string_view digits = id;
  bool good = absl::ConsumePrefix(&digits, "metropolis-") && digits.size() == 32;
  for (const char c : digits) {
    good = good && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
  }
  if (good) return absl::OkStatus();
  return Failure(ExitCode::kUsage, absl::StrCat("\"", id, "\" is not a node id"),
                 "a node id is \"metropolis-\" and 32 lower-case hex digits",
                 {"curatorctl node list     shows them"});
}

absl::StatusOr<std::vector<Node>> PickNodes(const NodeList& list,
                                            const std::vector<std::string>& ids) {
  std::vector<Node> nodes;
  std::vector<std::string> missing;
  for (const std::string& id : ids) {
    const auto is_it = [&id](const Node& node) { return node.id == id; };
    if (std::any_of(nodes.begin(), nodes.end(), is_it)) continue;
    const auto it = std::find_if(list.nodes.begin(), list.nodes.end(), is_it);
    if (it == list.nodes.end()) {
      missing.push_back(id);
    } else {
      nodes.push_back(*it);
    }
  }
  if (missing.empty()) return nodes;
  return Failure(ExitCode::kNotFound,
                 absl::StrCat(missing.size() == 1 ? "there is no node " : "there are no nodes ",
                              absl::StrJoin(missing, ", ")),
                 "it was deleted, or never registered with this cluster",
                 {"curatorctl node list     shows all nodes"});
}

Value NodeFields(const Node& node) {
  Value::List roles;
  for (const NodeRole role : node.roles) roles.emplace_back(ToString(role));
  Value::Object labels;
  for (const auto& [key, value] : node.labels) labels.emplace_back(key, value);
  return Value::Object{
      {"id", node.id},
      {"pubkey", absl::BytesToHexString(node.public_key)},
      {"state", ToString(node.state)},
      {"health", ToString(node.health)},
      {"roles", std::move(roles)},
      {"labels", std::move(labels)},
      {"address", node.address},
      {"version", node.version},
      {"tpm", ToString(node.tpm)},
      {"heartbeat_age_ms", node.heartbeat_age.has_value()
                               ? Value(absl::ToInt64Milliseconds(*node.heartbeat_age))
                               : Value()},
      {"status_time",
       node.status_time.has_value()
           ? Value(absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", *node.status_time, absl::UTCTimeZone()))
           : Value()},
      {"curator_port", node.curator_port != 0 ? Value(node.curator_port) : Value()},
  };
}

std::string NodeAdvice(const Node& node) {
  switch (node.state) {
    case NodeState::kNew:
      return absl::StrCat("it has registered and waits for approval; curatorctl node approve ",
                          node.id);
    case NodeState::kStandby:
      return "it is approved and has not committed yet; it does so by itself, if it runs";
    case NodeState::kUp:
      break;
    case NodeState::kDecommissioned:
      return "it has left the cluster for good and can be deleted";
    case NodeState::kUnknown:
      return "this version does not know its state";
  }
  switch (node.health) {
    case NodeHealth::kHealthy:
      return "it is part of the cluster and answers";
    case NodeHealth::kHeartbeatTimeout:
      return "it is part of the cluster but has stopped sending heartbeats: look whether it runs "
             "and can reach the leader";
    case NodeHealth::kUnknown:
      break;
  }
  return "it is part of the cluster; the leader is too young to tell whether it lives";
}

absl::StatusOr<CommandResult> NodeListCommand(Session& session, const NodeListArgs& args) {
  const absl::StatusOr<std::string> filter = FilterOf(args.selection);
  if (!filter.ok()) return filter.status();
  absl::StatusOr<NodeList> list = ListNodes(session, args.ids, *filter);
  if (!list.ok()) return list.status();
  CommandResult result{ListDocument(session, list->nodes, list->leader_id, ListColumns()), {}};
  if (args.fail_empty && list->nodes.empty()) {
    result.status = Failure(
        ExitCode::kUnhealthy,
        absl::StrCat("no node of ", session.ClusterName(), filter->empty() ? "" : " matches"),
        "--fail-empty was given", {"curatorctl node list     shows all nodes"});
  }
  return result;
}

absl::StatusOr<CommandResult> NodeDescribeCommand(Session& session, const NodeDescribeArgs& args) {
  absl::StatusOr<NodeList> list = ListNodes(session, args.ids);
  if (!list.ok()) return list.status();
  std::vector<Column> columns = ListColumns();
  for (Column& column : columns) column.wide = false;
  columns.push_back({"STATUS AT", "status_time"});
  columns.push_back({"MEANING", "meaning"});
  Value::List items;
  for (const Node& node : list->nodes) {
    Value fields = NodeFields(node);
    fields.object()->emplace_back("meaning", NodeAdvice(node));
    items.push_back(std::move(fields));
  }
  Document document;
  document.kind = "Node";
  document.rows = std::move(items);
  document.layout = Layout::kBlocks;
  document.columns = std::move(columns);
  document.name = "id";
  return CommandResult{std::move(document), {}};
}

absl::StatusOr<CommandResult> NodePendingCommand(Session& session) {
  absl::StatusOr<NodeList> list = ListNodes(session, {});
  if (!list.ok()) return list.status();
  std::vector<Node>& nodes = list->nodes;
  nodes.erase(std::remove_if(nodes.begin(), nodes.end(),
                             [](const Node& node) { return node.state != NodeState::kNew; }),
              nodes.end());
  if (nodes.empty()) session.terminal().Note("no node waits for approval");
  return CommandResult{ListDocument(session, nodes, list->leader_id, PendingColumns()), {}};
}

}  // namespace curator::cli
