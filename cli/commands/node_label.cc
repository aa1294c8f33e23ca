// curatorctl node label: set and remove labels, all or nothing for each node.
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/node.h"
#include "cli/commands/node_changes.h"
#include "cli/commands/node_results.h"
#include "cli/exit_code.h"
#include "cli/tones.h"

namespace curator::cli {
namespace {

constexpr char kLabelParticiple[] = "labelled";

std::vector<std::string> KeysOf(const LabelChange& change) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : change.set) keys.push_back(key);
  keys.insert(keys.end(), change.remove.begin(), change.remove.end());
  return keys;
}

Value ValueOf(const Labels& labels, const std::string& key) {
  const auto it = labels.find(key);
  return it != labels.end() ? Value(it->second) : Value();
}

bool Differs(const Labels& a, const Labels& b, const std::string& key) {
  const auto left = a.find(key);
  const auto right = b.find(key);
  if (left == a.end() || right == b.end()) return (left == a.end()) != (right == b.end());
  return left->second != right->second;
}

Value Changes(const std::vector<std::string>& keys, const Labels& before, const Labels& after) {
  Value::List changes;
  for (const std::string& key : keys) {
    if (!Differs(before, after, key)) continue;
    changes.push_back(
        Value::Object{{"key", key}, {"old", ValueOf(before, key)}, {"new", ValueOf(after, key)}});
  }
  return changes;
}

std::string DescribeChanges(const Value& changes) {
  if (changes.list()->empty()) return "as it was";
  return absl::StrJoin(*changes.list(), ", ", [](std::string* out, const Value& change) {
    const Value* old_value = change.Find("old");
    const Value* new_value = change.Find("new");
    absl::StrAppend(out, change.Find("key")->Text(), " ",
                    old_value->is_null() ? "-" : old_value->Text(), " -> ",
                    new_value->is_null() ? "-" : new_value->Text());
  });
}

Labels LabelsWith(Labels labels, const LabelChange& change) {
  for (const auto& [key, value] : change.set) labels[key] = value;
  for (const std::string& key : change.remove) labels.erase(key);
  return labels;
}

// What a node has that is not to be replaced: "zone=a".
std::vector<std::string> InTheWay(const Node& node, const LabelChange& change) {
  std::vector<std::string> labels;
  for (const auto& [key, value] : change.set) {
    const auto it = node.labels.find(key);
    if (it == node.labels.end() || it->second == value) continue;
    labels.push_back(absl::StrCat(key, "=", it->second));
  }
  return labels;
}

// What a label was before and is after, whatever came of the change.
struct Seen {
  Labels before;
  Labels after;
};
using SeenById = std::map<std::string, Seen>;

Document LabelDocument(const std::vector<NodeResult>& results, const SeenById& seen,
                       const std::vector<std::string>& keys) {
  Document document = ResultDocument(results, "label");
  for (const NodeResult& result : results) {
    const Seen& labels = seen.at(result.node.id);
    for (const std::string& key : keys) {
      document.rows.push_back(Value::Object{{"id", result.node.id},
                                            {"key", key},
                                            {"old", ValueOf(labels.before, key)},
                                            {"new", ValueOf(labels.after, key)},
                                            {"outcome", result.outcome},
                                            {"detail", result.detail}});
    }
  }
  document.columns = {{"ID", "id"},
                      {"KEY", "key"},
                      {"OLD", "old"},
                      {"NEW", "new"},
                      {"RESULT", "outcome", false, {}, ToneOfOutcome},
                      {"DETAIL", "detail", true}};
  return document;
}

}  // namespace

absl::StatusOr<LabelRequest> ParseLabelWords(const std::vector<std::string>& words) {
  LabelRequest request;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    std::string key = word.substr(0, equals);
    const bool removes =
        equals == std::string::npos && word.size() > 1 && absl::EndsWith(word, "-");
    if (equals == std::string::npos && !removes) {
      if (CheckNodeId(word).ok()) {
        request.ids.push_back(word);
        continue;
      }
      return Failure(
          ExitCode::kUsage,
          absl::StrCat("\"", word, "\" is neither a node id nor a change of a label"), "",
          {"KEY=VALUE sets a label, KEY- removes it", "curatorctl node list     shows the ids"});
    }
    if (removes) key.pop_back();
    if (key.empty()) {
      return Failure(ExitCode::kUsage, absl::StrCat("\"", word, "\" names no label"));
    }
    const bool is_new = request.change.set.count(key) == 0 && request.change.remove.count(key) == 0;
    if (!is_new) {
      return Failure(ExitCode::kUsage, absl::StrCat("label ", key, " is named twice"));
    }
    if (removes) {
      request.change.remove.insert(std::move(key));
    } else {
      request.change.set[std::move(key)] = word.substr(equals + 1);
    }
  }
  if (request.change.set.empty() && request.change.remove.empty()) {
    return Failure(ExitCode::kUsage, "no label to set or remove", "",
                   {"KEY=VALUE sets a label, KEY- removes it"});
  }
  return request;
}

absl::StatusOr<CommandResult> NodeLabelCommand(Session& session, const NodeLabelArgs& args) {
  absl::StatusOr<LabelRequest> request = ParseLabelWords(args.words);
  if (!request.ok()) return request.status();
  const LabelChange& change = request->change;
  const std::vector<std::string> keys = KeysOf(change);
  absl::StatusOr<std::vector<NodeResult>> results = ChooseNodes(session, request->ids, args.filter);
  if (!results.ok()) return results.status();
  if (results->empty()) session.terminal().Note("no node matches");

  SeenById seen;
  for (NodeResult& result : *results) {
    const Labels& labels = result.node.labels;
    seen[result.node.id] = {labels, labels};
    const std::vector<std::string> kept = InTheWay(result.node, change);
    if (kept.empty() || args.overwrite) continue;
    SetFailure(result, Failure(ExitCode::kRefused,
                               absl::StrCat("node ", result.node.id, " has ",
                                            absl::StrJoin(kept, ", "), " already"),
                               "a label that has another value is not replaced unasked",
                               {"--overwrite replaces it"}));
  }
  if (!args.filter.empty() && AnyUndecided(*results) && !session.settings().dry_run) {
    absl::Status status =
        session.Confirm(QuestionAbout(session, *results, "label"), LinesAbout(*results));
    if (!status.ok()) return status;
  }
  absl::StatusOr<Client*> client = session.GetClient();
  if (!client.ok()) return client.status();
  ForEachUndecided(session, *results, [&](NodeResult& result) {
    Seen& labels = seen[result.node.id];
    if (session.settings().dry_run) {
      labels.after = LabelsWith(labels.before, change);
      const Value changes = Changes(keys, labels.before, labels.after);
      result.more = {{"changes", changes}};
      return SetSpared(result, !changes.list()->empty(), DescribeChanges(changes));
    }
    absl::StatusOr<NodeChangeResult> changed =
        (*client)->UpdateNodeLabels(result.node.id, change, session.GetCallOptions());
    if (!changed.ok()) return SetFailure(result, changed.status());
    labels.before = changed->before.labels;
    labels.after = changed->after.labels;
    const Value changes = Changes(keys, labels.before, labels.after);
    SetOutcome(result, changed->outcome, DescribeChanges(changes));
    result.more = {{"changes", changes}};
  });
  for (NodeResult& result : *results) {
    if (result.more.empty()) result.more = {{"changes", Value::List{}}};
  }
  return CommandResult{LabelDocument(*results, seen, keys), Overall(*results, kLabelParticiple)};
}

}  // namespace curator::cli
