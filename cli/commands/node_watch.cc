// curatorctl node watch: one row per event, as it comes.
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/matching_nodes.h"
#include "cli/commands/node.h"
#include "cli/tones.h"

namespace curator::cli {
namespace {

constexpr size_t kNodeIdWidth = 43;
constexpr size_t kEventWidth = 14;  // LEADER_CHANGED

// What the watch does not tell is null, not a value.
Value WatchedFields(const absl::optional<Node>& node) {
  if (!node.has_value()) return Value();
  Value fields = NodeFields(*node);
  for (auto& [name, value] : *fields.object()) {
    if (name == "pubkey" || name == "health" || name == "tpm") value = Value();
  }
  return fields;
}

std::string Shown(const Value* value) {
  const std::string text = value != nullptr ? value->Text() : "";
  return text.empty() ? "-" : text;
}

// "state NEW -> STANDBY, address - -> 10.0.1.5"
std::string Difference(const Node& before, const Node& after) {
  const Value old_fields = WatchedFields(before);
  const Value new_fields = WatchedFields(after);
  std::vector<std::string> changes;
  for (const char* name : {"state", "roles", "labels", "address", "version", "curator_port"}) {
    const std::string was = Shown(old_fields.Find(name));
    const std::string is = Shown(new_fields.Find(name));
    if (was != is) changes.push_back(absl::StrCat(name, " ", was, " -> ", is));
  }
  return changes.empty() ? "status reported" : absl::StrJoin(changes, ", ");
}

Tone ToneOfEvent(absl::string_view event) {
  if (event == "ADDED" || event == "SYNCED") return Tone::kGood;
  if (event == "DELETED") return Tone::kBad;
  if (event == "LEADER_CHANGED" || event == "RECONNECTED") return Tone::kWarning;
  return Tone::kPlain;
}

}  // namespace

std::string DescribeNodeEvent(const NodeEvent& event) {
  switch (event.kind) {
    case NodeEvent::Kind::kAdded:
      return absl::StrCat(
          ToString(event.node->state),
          event.node->address.empty() ? "" : absl::StrCat(" at ", event.node->address));
    case NodeEvent::Kind::kModified:
      return Difference(*event.previous, *event.node);
    case NodeEvent::Kind::kDeleted:
      return absl::StrCat("was ", ToString(event.previous->state));
    case NodeEvent::Kind::kSynced:
      return "all nodes have been told";
    case NodeEvent::Kind::kLeaderChanged:
      return "leads now";
    case NodeEvent::Kind::kReconnected:
      return "the watch was interrupted; what changed meanwhile follows";
  }
  return "";
}

Document NodeEventDocument(const NodeEvent& event) {
  std::string id;
  if (event.node.has_value()) id = event.node->id;
  if (event.previous.has_value()) id = event.previous->id;
  if (event.kind == NodeEvent::Kind::kLeaderChanged) id = event.leader_id;
  Document document;
  document.kind = "NodeEvent";
  document.fields = {
      {"type", ToString(event.kind)},
      {"time", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", event.time, absl::UTCTimeZone())},
      {"object", WatchedFields(event.node)},
      {"previous", WatchedFields(event.previous)},
      {"leader_id", OrNull(event.leader_id)},
  };
  Value::Object row = document.fields;
  row.emplace_back("id", OrNull(id));
  row.emplace_back("change", DescribeNodeEvent(event));
  document.rows = {Value(std::move(row))};
  document.columns = {{"TIME", "time"},
                      {"EVENT", "type", false, {}, ToneOfEvent, kEventWidth},
                      {"ID", "id", false, {}, nullptr, kNodeIdWidth},
                      {"CHANGE", "change"},
                      {"LEADER", "leader_id", true}};
  document.name = "id";
  return document;
}

absl::StatusOr<CommandResult> NodeWatchCommand(Session& session, const NodeWatchArgs& args) {
  for (const std::string& id : args.ids) {
    if (absl::Status status = CheckNodeId(id); !status.ok()) return status;
  }
  const absl::StatusOr<std::string> filter = FilterOf(args.selection);
  if (!filter.ok()) return filter.status();
  session.RunUntilEnded();
  absl::StatusOr<Client*> client = session.GetClient();
  if (!client.ok()) return client.status();
  MatchingEvents events(
      args.ids, *filter, [&](const std::string& cel) { return ListMatching(session, cel); },
      [&](const NodeEvent& event) { return session.Emit(NodeEventDocument(event)); });
  absl::Status shown;
  absl::Status ended = (*client)->WatchNodes(
      [&](const NodeEvent& event) {
        if (!shown.ok()) return;
        shown = events.OnEvent(event);
        if (!shown.ok()) session.InterruptFor(shown);  // else the watch would go on
      },
      session.GetCallOptions());
  return CommandResult{{}, shown.ok() ? std::move(ended) : std::move(shown)};
}

}  // namespace curator::cli
