#include "cli/commands/matching_nodes.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "cli/node_filter.h"

namespace curator::cli {
namespace {

bool Contains(const NodeList& list, const std::string& id) {
  return std::any_of(list.nodes.begin(), list.nodes.end(),
                     [&id](const Node& node) { return node.id == id; });
}

const std::string& IdOf(const NodeEvent& event) {
  return event.node.has_value() ? event.node->id : event.previous->id;
}

}  // namespace

absl::StatusOr<NodeList> ListMatching(Session& session, const std::string& filter) {
  absl::StatusOr<Client*> client = session.GetClient();
  if (!client.ok()) return client.status();
  absl::StatusOr<NodeList> list = (*client)->ListNodes(filter, session.GetCallOptions());
  if (list.ok() || filter.empty()) return list;
  Error error = DescribeError(list.status());
  if (error.code != ErrorCode::kInvalidArgument) return list;
  error.cause = std::exchange(error.message, "the filter cannot be used");
  error.hints = {"curatorctl help filters"};
  return Failure(ExitCode::kUsage, error);
}

MatchingEvents::MatchingEvents(const std::vector<std::string>& ids, std::string filter, List list,
                               Emit emit)
    : ids_(ids.begin(), ids.end()),
      filter_(std::move(filter)),
      list_(std::move(list)),
      emit_(std::move(emit)) {}

absl::Status MatchingEvents::OnEvent(const NodeEvent& event) {
  switch (event.kind) {
    case NodeEvent::Kind::kAdded:
    case NodeEvent::Kind::kModified:
    case NodeEvent::Kind::kDeleted:
      return OnNodeEvent(event);
    case NodeEvent::Kind::kReconnected:
      is_synced_ = false;
      return emit_(event);
    case NodeEvent::Kind::kSynced:
      if (absl::Status status = OnSynced(); !status.ok()) return status;
      return emit_(event);
    case NodeEvent::Kind::kLeaderChanged:
      return emit_(event);
  }
  return absl::OkStatus();
}

absl::Status MatchingEvents::OnNodeEvent(const NodeEvent& event) {
  const std::string& id = IdOf(event);
  if (!ids_.empty() && ids_.count(id) == 0) return absl::OkStatus();
  if (filter_.empty()) return emit_(event);
  if (!is_synced_) {
    held_.push_back(event);
    return absl::OkStatus();
  }
  if (!event.node.has_value()) return EmitIfMeant(event, false);
  // Of one node: the server need not look at what else there is.
  const absl::StatusOr<NodeList> list =
      list_(absl::StrCat("node.id == ", CelString(id), " && ", InParentheses(filter_)));
  if (!list.ok()) return list.status();
  return EmitIfMeant(event, Contains(*list, id));
}

absl::Status MatchingEvents::OnSynced() {
  is_synced_ = true;
  if (filter_.empty()) return absl::OkStatus();
  const absl::StatusOr<NodeList> list = list_(filter_);
  if (!list.ok()) return list.status();
  std::set<std::string> matching;
  for (const Node& node : list->nodes) matching.insert(node.id);
  for (const NodeEvent& event : std::exchange(held_, {})) {
    const bool matches = event.node.has_value() && matching.count(event.node->id) != 0;
    if (absl::Status status = EmitIfMeant(event, matches); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status MatchingEvents::EmitIfMeant(const NodeEvent& event, bool matches) {
  const bool matched = matching_.erase(IdOf(event)) != 0;
  if (matches) matching_.insert(IdOf(event));
  return matches || matched ? emit_(event) : absl::OkStatus();
}

}  // namespace curator::cli
