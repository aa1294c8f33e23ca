#include "cli/commands/node_results.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/matching_nodes.h"
#include "cli/commands/node.h"
#include "cli/exit_code.h"
#include "cli/tones.h"

namespace curator::cli {
namespace {

constexpr absl::Duration kStatePollInterval = absl::Milliseconds(250);

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

bool Reached(NodeState state, NodeState wanted) {
  return state == wanted || (wanted == NodeState::kStandby && state == NodeState::kUp);
}

}  // namespace

absl::StatusOr<std::vector<NodeResult>> ChooseNodes(Session& session,
                                                    const std::vector<std::string>& ids,
                                                    const std::string& filter) {
  if (!ids.empty() && !filter.empty()) {
    return Failure(ExitCode::kUsage, "named nodes and flags that select some exclude each other");
  }
  if (ids.empty() && filter.empty()) {
    return Failure(ExitCode::kUsage, "no node is named", "",
                   {"curatorctl node list     shows them"});
  }
  for (const std::string& id : ids) {
    if (absl::Status status = CheckNodeId(id); !status.ok()) return status;
  }
  absl::StatusOr<NodeList> list = ListMatching(session, filter);
  if (!list.ok()) return list.status();
  if (!ids.empty()) {
    absl::StatusOr<std::vector<Node>> picked = PickNodes(*list, ids);
    if (!picked.ok()) return picked.status();
    list->nodes = *std::move(picked);
  }
  std::vector<NodeResult> results;
  for (Node& node : list->nodes) {
    NodeResult& result = results.emplace_back();
    result.node = std::move(node);
  }
  return results;
}

void SetFailure(NodeResult& result, absl::Status status) {
  result.status = std::move(status);
  result.outcome = OutcomeOfFailure(result.status);
  result.detail = DescribeError(result.status).message;
}

void SetOutcome(NodeResult& result, ChangeOutcome outcome, std::string detail) {
  result.changed = outcome == ChangeOutcome::kApplied;
  result.outcome = result.changed ? "applied" : "unchanged";
  result.detail = std::move(detail);
}

void SetSpared(NodeResult& result, bool would_change, absl::string_view detail) {
  result.changed = would_change;
  result.outcome = "skipped";
  result.detail = absl::StrCat("dry run: ", detail);
}

void ForEachUndecided(const Session& session, std::vector<NodeResult>& results,
                      const std::function<void(NodeResult&)>& change) {
  for (NodeResult& result : results) {
    if (!result.outcome.empty()) continue;
    if (session.interruption().interrupted()) {
      result.status = Failure(session.interruption().exit_code(), "interrupted");
      result.outcome = "skipped";
      result.detail = "interrupted";
      continue;
    }
    change(result);
  }
}

absl::Status WaitForState(Client& client, Session& session, NodeState wanted,
                          const char* participle, std::vector<NodeResult>& results) {
  while (true) {
    absl::StatusOr<NodeList> list = client.ListNodes(session.GetCallOptions());
    if (!list.ok()) return list.status();
    std::vector<std::string> missing;
    for (NodeResult& result : results) {
      if (!result.status.ok()) continue;
      const auto it = std::find_if(list->nodes.begin(), list->nodes.end(),
                                   [&](const Node& node) { return node.id == result.node.id; });
      if (it == list->nodes.end()) {
        result.status = Failure(ExitCode::kNotFound,
                                absl::StrCat("node ", result.node.id, " was deleted meanwhile"));
        result.detail = "deleted meanwhile";
        continue;
      }
      result.node.state = it->state;
      result.detail = absl::StrCat("now ", ToString(it->state));
      if (!Reached(it->state, wanted)) missing.push_back(result.node.id);
    }
    if (missing.empty()) return absl::OkStatus();
    session.terminal().Progress(absl::StrCat("waiting for ", missing.size(), " to be ",
                                             ToString(wanted), "… ",
                                             absl::ToInt64Seconds(session.Elapsed()), " s"));
    const absl::Duration remaining = session.Remaining();
    if (remaining <= absl::ZeroDuration()) {
      Error error;
      error.code = ErrorCode::kTimeout;
      error.message = absl::StrCat(participle, ", but not ", ToString(wanted),
                                   " in time: ", absl::StrJoin(missing, ", "));
      error.cause = "a node does the rest by itself; these do not, or not yet";
      error.hints = {"look whether they run; to wait longer: --timeout 5m"};
      error.waited = session.Elapsed();
      return MakeError(error);
    }
    if (!session.interruption().WaitFor(std::min(kStatePollInterval, remaining))) {
      return Failure(session.interruption().exit_code(), "interrupted");
    }
  }
}

absl::Status Overall(const std::vector<NodeResult>& results, const char* participle) {
  size_t failed = 0;
  absl::Status first;
  bool alike = true;
  for (const NodeResult& result : results) {
    if (result.status.ok()) continue;
    ++failed;
    if (first.ok()) first = result.status;
    alike = alike && ExitCodeOf(result.status) == ExitCodeOf(first);
  }
  if (failed == 0) return absl::OkStatus();
  if (failed == 1 && results.size() == 1) return first;
  Error error = DescribeError(first);
  error.message = absl::StrCat(failed, " of ", results.size(), " nodes were not ", participle, ": ",
                               error.message, failed > 1 ? ", …" : "");
  return Failure(failed == results.size() && alike ? ExitCodeOf(first) : ExitCode::kPartial, error);
}

Document ResultDocument(const std::vector<NodeResult>& results, const char* action) {
  std::map<std::string, int> counts = {
      {"applied", 0}, {"unchanged", 0}, {"refused", 0}, {"unknown", 0}, {"skipped", 0}};
  Value::List list;
  for (const NodeResult& result : results) {
    ++counts[result.outcome];
    Value::Object item = {
        {"id", result.node.id},
        {"action", action},
        {"outcome", result.outcome},
        {"detail", result.detail},
        {"error", result.status.ok() ? Value() : Value(ToString(ExitCodeOf(result.status)))},
    };
    item.insert(item.end(), result.more.begin(), result.more.end());
    list.push_back(Value(std::move(item)));
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
  document.changed.emplace();
  for (const NodeResult& result : results) {
    if (result.changed) document.changed->push_back(result.node.id);
  }
  return document;
}

std::string QuestionAbout(const Session& session, const std::vector<NodeResult>& results,
                          const char* verb) {
  const auto count = std::count_if(results.begin(), results.end(),
                                   [](const NodeResult& result) { return result.outcome.empty(); });
  return absl::StrCat(verb, " ", count, count == 1 ? " node" : " nodes", " of ",
                      session.ClusterName());
}

std::string LinesAbout(const std::vector<NodeResult>& results) {
  std::string lines;
  for (const NodeResult& result : results) {
    if (!result.outcome.empty()) continue;
    const Node& node = result.node;
    absl::StrAppend(&lines, "  ", node.id, "  ", ToString(node.state));
    for (const NodeRole role : node.roles) absl::StrAppend(&lines, "  ", ToString(role));
    if (!node.address.empty()) absl::StrAppend(&lines, "  ", node.address);
    absl::StrAppend(&lines, "\n");
  }
  return lines;
}

bool AnyUndecided(const std::vector<NodeResult>& results) {
  return std::any_of(results.begin(), results.end(),
                     [](const NodeResult& result) { return result.outcome.empty(); });
}

}  // namespace curator::cli
