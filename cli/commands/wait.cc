#include "cli/commands/wait.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "cli/commands/matching_nodes.h"
#include "cli/commands/node.h"
#include "cli/exit_code.h"

namespace curator::cli {
namespace {

constexpr absl::Duration kPollInterval = absl::Milliseconds(250);

// The longer ones first.
constexpr const char* kComparisons[] = {">=", "<=", "==", "!=", ">", "<"};

// What one look at the cluster showed.
struct Observation {
  bool met = true;
  std::string summary;  // "leader metropolis-… (10.0.1.5:7835)", for people
  Value::Object last;   // field per condition
  std::string leader_id;
};

// Failures that more waiting can cure; the others end the wait at once.
bool MayPass(const absl::Status& status) {
  const ExitCode code = ExitCodeOf(status);
  return code == ExitCode::kUnreachable || code == ExitCode::kNoLeader ||
         code == ExitCode::kTimeout;
}

absl::StatusOr<Observation> Observe(Session& session,
                                    const std::vector<WaitCondition>& conditions) {
  absl::StatusOr<Client*> made = session.GetClient();
  if (!made.ok()) return made.status();
  Client& client = **made;
  Observation seen;
  absl::optional<NodeList> list;
  const bool needs_nodes =
      std::any_of(conditions.begin(), conditions.end(), [](const WaitCondition& condition) {
        return condition.kind != WaitCondition::Kind::kLeader &&
               condition.kind != WaitCondition::Kind::kNodes;
      });
  if (needs_nodes) {
    absl::StatusOr<NodeList> nodes = client.ListNodes(session.GetCallOptions());
    if (!nodes.ok()) return nodes.status();
    list = *std::move(nodes);
    seen.leader_id = list->leader_id;
  }
  std::vector<std::string> parts;
  for (const WaitCondition& condition : conditions) {
    if (condition.kind == WaitCondition::Kind::kLeader) {
      absl::StatusOr<Leader> leader = client.FindLeader(session.GetCallOptions());
      if (!leader.ok()) return leader.status();
      seen.leader_id = leader->id;
      seen.last.emplace_back("leader",
                             Value::Object{{"id", leader->id}, {"address", leader->address}});
      parts.push_back(absl::StrCat("leader ", leader->id, " (", leader->address, ")"));
      continue;
    }
    if (condition.kind == WaitCondition::Kind::kNodes) {
      absl::StatusOr<NodeList> matching = ListMatching(session, condition.filter);
      if (!matching.ok()) return matching.status();
      const auto count = static_cast<int64_t>(matching->nodes.size());
      seen.leader_id = matching->leader_id;
      seen.met = seen.met && Holds(condition, count);
      seen.last.emplace_back(absl::StrCat("nodes(", condition.filter, ")"), count);
      const std::string what =
          condition.filter.empty()
              ? ""
              : absl::StrCat(count == 1 ? " matches " : " match ", condition.filter);
      parts.push_back(absl::StrCat(count, count == 1 ? " node" : " nodes", what));
      continue;
    }
    absl::optional<Node> node;
    const auto it = std::find_if(list->nodes.begin(), list->nodes.end(),
                                 [&](const Node& other) { return other.id == condition.node_id; });
    if (it != list->nodes.end()) node = *it;
    seen.met = seen.met && Holds(condition, node);
    seen.last.emplace_back(absl::StrCat("node/", condition.node_id),
                           node.has_value()
                               ? Value(Value::Object{{"state", ToString(node->state)},
                                                     {"health", ToString(node->health)}})
                               : Value());
    parts.push_back(node.has_value()
                        ? absl::StrCat("node ", condition.node_id, " ", ToString(node->state), " ",
                                       ToString(node->health))
                        : absl::StrCat("node ", condition.node_id, " does not exist"));
  }
  seen.summary = absl::StrJoin(parts, "; ");
  return seen;
}

absl::Status NotMet(const Session& session, const std::vector<WaitCondition>& conditions,
                    const absl::Status& failure, const Observation& last) {
  Error error;
  // The last look may have had no time left: then what was seen before it counts.
  const bool cut_short = ExitCodeOf(failure) == ExitCode::kTimeout && !last.summary.empty();
  if (!failure.ok() && !cut_short) error = DescribeError(failure);
  const std::string why = error.message;
  error.message = absl::StrCat(
      "not met in time: ",
      absl::StrJoin(conditions, ", ", [](std::string* out, const WaitCondition& condition) {
        absl::StrAppend(out, condition.text);
      }));
  if (!last.summary.empty()) {
    error.cause = absl::StrCat("last seen: ", last.summary);
    if (!why.empty()) absl::StrAppend(&error.cause, "; then: ", why);
  } else if (!why.empty()) {
    error.cause = error.cause.empty() ? why : absl::StrCat(why, "; ", error.cause);
  }
  error.hints = {"give it more time: --timeout 5m",
                 "curatorctl cluster status     shows what answers"};
  error.waited = session.Elapsed();
  return Failure(ExitCode::kTimeout, error);
}

}  // namespace

absl::StatusOr<WaitCondition> ParseWaitCondition(absl::string_view text) {
  WaitCondition condition;
  condition.text = std::string(text);
  if (text == "leader") return condition;
  const auto fail = [&](std::string why) {
    return Failure(ExitCode::kUsage, absl::StrCat("cannot wait for \"", condition.text, "\""),
                   std::move(why),
                   {"conditions: leader, node/ID:state=UP, node/ID:health=HEALTHY, "
                    "node/ID:exists, node/ID:deleted, nodes(CEL)>=3"});
  };
  if (absl::ConsumePrefix(&text, "nodes(")) {
    // What is compared with is no part of the expression, which may contain all of this.
    const size_t end = text.rfind(')');
    if (end == absl::string_view::npos) return fail("the parenthesis is not closed");
    condition.kind = WaitCondition::Kind::kNodes;
    condition.filter = std::string(absl::StripAsciiWhitespace(text.substr(0, end)));
    absl::string_view rest = absl::StripAsciiWhitespace(text.substr(end + 1));
    const auto* comparison =
        std::find_if(std::begin(kComparisons), std::end(kComparisons),
                     [&rest](const char* known) { return absl::ConsumePrefix(&rest, known); });
    if (comparison == std::end(kComparisons) || !absl::SimpleAtoi(rest, &condition.count) ||
        condition.count < 0) {
      return fail("how many nodes is missing: >=, <=, ==, !=, > or <, and a number");
    }
    condition.comparison = *comparison;
    return condition;
  }
  if (!absl::ConsumePrefix(&text, "node/")) return fail("");
  const size_t colon = text.find(':');
  if (colon == absl::string_view::npos) return fail("what of the node is missing");
  condition.node_id = std::string(text.substr(0, colon));
  if (absl::Status status = CheckNodeId(condition.node_id); !status.ok()) return status;
  absl::string_view what = text.substr(colon + 1);
  if (what == "deleted" || what == "exists") {
    condition.kind =
        what == "exists" ? WaitCondition::Kind::kExists : WaitCondition::Kind::kDeleted;
    return condition;
  }
  if (absl::ConsumePrefix(&what, "state=")) {
    condition.kind = WaitCondition::Kind::kState;
    condition.value = absl::AsciiStrToUpper(what);
    for (const NodeState state :
         {NodeState::kNew, NodeState::kStandby, NodeState::kUp, NodeState::kDecommissioned}) {
      if (condition.value == ToString(state)) return condition;
    }
    return fail("states: NEW, STANDBY, UP, DECOMMISSIONED");
  }
  if (absl::ConsumePrefix(&what, "health=")) {
    condition.kind = WaitCondition::Kind::kHealth;
    condition.value = absl::AsciiStrToUpper(what);
    for (const NodeHealth health :
         {NodeHealth::kUnknown, NodeHealth::kHealthy, NodeHealth::kHeartbeatTimeout}) {
      if (condition.value == ToString(health)) return condition;
    }
    return fail("health: HEALTHY, HEARTBEAT_TIMEOUT, UNKNOWN");
  }
  return fail("");
}

bool Holds(const WaitCondition& condition, int64_t matching) {
  const std::string& comparison = condition.comparison;
  if (comparison == ">=") return matching >= condition.count;
  if (comparison == "<=") return matching <= condition.count;
  if (comparison == "==") return matching == condition.count;
  if (comparison == "!=") return matching != condition.count;
  if (comparison == ">") return matching > condition.count;
  return matching < condition.count;
}

bool Holds(const WaitCondition& condition, const absl::optional<Node>& node) {
  switch (condition.kind) {
    case WaitCondition::Kind::kLeader:
    case WaitCondition::Kind::kNodes:
      return false;  // no condition on a node
    case WaitCondition::Kind::kState:
      return node.has_value() && condition.value == ToString(node->state);
    case WaitCondition::Kind::kHealth:
      return node.has_value() && condition.value == ToString(node->health);
    case WaitCondition::Kind::kDeleted:
      return !node.has_value();
    case WaitCondition::Kind::kExists:
      return node.has_value();
  }
  return false;
}

absl::StatusOr<CommandResult> WaitCommand(Session& session, const WaitArgs& args) {
  std::vector<WaitCondition> conditions;
  for (const std::string& text : args.conditions) {
    absl::StatusOr<WaitCondition> condition = ParseWaitCondition(text);
    if (!condition.ok()) return condition.status();
    conditions.push_back(*condition);
  }
  absl::Duration at_least = absl::ZeroDuration();
  if (args.at_least.has_value()) {
    if (!absl::ParseDuration(*args.at_least, &at_least) || at_least < absl::ZeroDuration()) {
      return Failure(ExitCode::kUsage,
                     absl::StrCat("\"", *args.at_least, "\" is not a duration (--for-at-least)"));
    }
  }

  absl::optional<absl::Duration> holds_since;  // of Session::Elapsed
  Observation last;
  absl::Status failure;
  while (true) {
    absl::StatusOr<Observation> seen = Observe(session, conditions);
    if (seen.ok()) {
      // A change of leader in between means that there was none for a moment.
      if (!seen->met || seen->leader_id != last.leader_id) holds_since.reset();
      last = *std::move(seen);
      failure = absl::OkStatus();
    } else {
      if (!MayPass(seen.status())) return seen.status();
      holds_since.reset();
      failure = seen.status();
    }
    const absl::Duration elapsed = session.Elapsed();
    if (failure.ok() && last.met) {
      if (!holds_since.has_value()) holds_since = elapsed;
      if (elapsed - *holds_since >= at_least) break;
    }
    const absl::Duration remaining = session.Remaining();
    if (remaining <= absl::ZeroDuration()) return NotMet(session, conditions, failure, last);
    session.terminal().Progress(
        absl::StrCat("waiting", last.summary.empty() ? "" : absl::StrCat(": ", last.summary), "… ",
                     absl::ToInt64Seconds(elapsed), " s"));
    if (!session.interruption().WaitFor(std::min(kPollInterval, remaining))) {
      return Failure(session.interruption().exit_code(), "interrupted");
    }
  }
  session.terminal().Progress("");
  const int64_t elapsed_ms = absl::ToInt64Milliseconds(session.Elapsed());
  Document document;
  document.kind = "WaitResult";
  document.fields = {{"met", true}, {"elapsed_ms", elapsed_ms}, {"last", last.last}};
  document.rows = {Value::Object{
      {"line",
       absl::StrCat(last.summary, " after ", absl::FormatDuration(absl::Milliseconds(elapsed_ms)))},
      {"leader", last.leader_id}}};
  document.columns = {{"MET", "line"}};
  document.layout = Layout::kLines;
  document.name = "leader";
  return CommandResult{std::move(document), {}};
}

}  // namespace curator::cli
