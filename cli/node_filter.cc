#include "cli/node_filter.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/exit_code.h"

namespace curator::cli {
namespace {

std::vector<std::string> SplitAll(const std::vector<std::string>& values) {
  std::vector<std::string> words;
  for (const std::string& value : values) {
    for (const absl::string_view word : absl::StrSplit(value, ',')) {
      words.emplace_back(absl::StripAsciiWhitespace(word));
    }
  }
  return words;
}

// Not all of the syntax, but what shows that something else was meant ("k==v").
bool MayBeOfLabel(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-' || c == '/';
  });
}

std::string HasLabel(absl::string_view key) {
  return absl::StrCat("node.labels.pairs.exists(p, p.key == ", CelString(key), ")");
}

std::string HasLabel(absl::string_view key, absl::string_view value) {
  return absl::StrCat("node.labels.pairs.exists(p, p.key == ", CelString(key),
                      " && p.value == ", CelString(value), ")");
}

absl::StatusOr<std::string> LabelTerm(const std::string& text) {
  absl::string_view key = text;
  absl::string_view value;
  const bool absent = absl::ConsumePrefix(&key, "!");
  const size_t equals = key.find('=');
  const bool has_value = equals != absl::string_view::npos;
  bool differs = false;
  if (has_value) {
    value = key.substr(equals + 1);
    key = key.substr(0, equals);
    differs = absl::ConsumeSuffix(&key, "!");
  }
  if (key.empty() || (absent && has_value) || !MayBeOfLabel(key) || !MayBeOfLabel(value)) {
    return Failure(ExitCode::kUsage, absl::StrCat("\"", text, "\" selects no labels"), "",
                   {"k=v, k!=v (also where k is missing), k (whatever its value), !k (missing)",
                    "curatorctl help filters"});
  }
  if (!has_value) return absl::StrCat(absent ? "!" : "", HasLabel(key));
  return absl::StrCat(differs ? "!" : "", HasLabel(key, value));
}

template <typename Enum>
absl::StatusOr<std::string> AnyOf(const std::vector<std::string>& values, const char* flag,
                                  const char* term, const std::vector<Enum>& known) {
  std::vector<std::string> names;
  names.reserve(known.size());
  for (const Enum value : known) names.emplace_back(ToString(value));
  std::vector<std::string> terms;
  for (const std::string& word : SplitAll(values)) {
    const std::string name = absl::AsciiStrToUpper(word);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return Failure(ExitCode::kUsage, absl::StrCat("no value \"", word, "\" of ", flag), "",
                     {absl::StrCat("values: ", absl::StrJoin(names, ", "))});
    }
    terms.push_back(absl::StrCat(term, name));
  }
  return absl::StrJoin(terms, " || ");
}

const char* RoleTerm(NodeRole role) {
  switch (role) {
    case NodeRole::kConsensusMember:
      return "has(node.roles.consensus_member)";
    case NodeRole::kKubernetesController:
      return "has(node.roles.kubernetes_controller)";
    case NodeRole::kKubernetesWorker:
      return "has(node.roles.kubernetes_worker)";
  }
  return "false";
}

}  // namespace

std::string InParentheses(const std::string& filter) {
  return absl::StrCat("(", filter, absl::StrContains(filter, "//") ? "\n" : "", ")");
}

std::string CelString(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      absl::StrAppend(&out, "\\", absl::string_view(&c, 1));
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(&out, "\\u%04x", byte);
    } else {
      out.push_back(c);
    }
  }
  return absl::StrCat(out, "\"");
}

absl::StatusOr<NodeRole> ParseRole(absl::string_view text) {
  const std::string word = absl::AsciiStrToLower(text);
  const std::pair<const char*, NodeRole> known[] = {{"cm", NodeRole::kConsensusMember},
                                                    {"kc", NodeRole::kKubernetesController},
                                                    {"kw", NodeRole::kKubernetesWorker}};
  for (const auto& [abbreviation, role] : known) {
    if (word == abbreviation || word == ToString(role)) return role;
  }
  return Failure(ExitCode::kUsage, absl::StrCat("no role \"", text, "\""), "",
                 {"roles: consensus-member (cm), kubernetes-controller (kc), "
                  "kubernetes-worker (kw)"});
}

absl::StatusOr<std::vector<NodeRole>> ParseRoles(absl::string_view text) {
  std::set<NodeRole> roles;
  for (const absl::string_view word : absl::StrSplit(text, ',')) {
    absl::StatusOr<NodeRole> role = ParseRole(absl::StripAsciiWhitespace(word));
    if (!role.ok()) return role.status();
    roles.insert(*role);
  }
  return std::vector<NodeRole>(roles.begin(), roles.end());
}

absl::StatusOr<std::string> FilterOf(const NodeSelection& selection) {
  std::vector<std::string> terms;
  const std::string filter(absl::StripAsciiWhitespace(selection.filter));
  const auto add = [&terms](const absl::StatusOr<std::string>& term) {
    if (term.ok() && !term->empty()) terms.push_back(*term);
    return term.status();
  };
  for (const std::string& label : SplitAll(selection.labels)) {
    if (absl::Status status = add(LabelTerm(label)); !status.ok()) return status;
  }
  const auto alternatives = [&add](absl::StatusOr<std::string> term) {
    if (term.ok() && absl::StrContains(*term, " || ")) term = absl::StrCat("(", *term, ")");
    return add(term);
  };
  if (absl::Status status = alternatives(AnyOf<NodeState>(
          selection.states, "--state", "node.state == NODE_STATE_",
          {NodeState::kNew, NodeState::kStandby, NodeState::kUp, NodeState::kDecommissioned}));
      !status.ok()) {
    return status;
  }
  if (absl::Status status = alternatives(AnyOf<NodeHealth>(
          selection.healths, "--health", "node.health == HEALTH_",
          {NodeHealth::kHealthy, NodeHealth::kHeartbeatTimeout, NodeHealth::kUnknown}));
      !status.ok()) {
    return status;
  }
  std::vector<std::string> roles;
  for (const std::string& word : SplitAll(selection.roles)) {
    absl::StatusOr<NodeRole> role = ParseRole(word);
    if (!role.ok()) return role.status();
    roles.emplace_back(RoleTerm(*role));
  }
  if (absl::Status status = alternatives(absl::StrJoin(roles, " || ")); !status.ok()) {
    return status;
  }
  if (filter.empty()) return absl::StrJoin(terms, " && ");
  // Alone it is sent as it is, so that what the server says of it fits.
  if (terms.empty()) return filter;
  return absl::StrCat(InParentheses(filter), " && ", absl::StrJoin(terms, " && "));
}

}  // namespace curator::cli
