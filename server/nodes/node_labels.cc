#include "server/nodes/node_labels.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace curatord {
namespace {

using metropolis::proto::api::UpdateNodeLabelsRequest;
using metropolis::proto::common::NodeLabels;

constexpr size_t kMaxLabelLength = 63;
constexpr size_t kMaxLabelPrefixLength = 253;

// 1 to 63 of [A-Za-z0-9._-], first and last alphanumeric; `what` names it in the fault.
std::string LabelNameFault(absl::string_view what, absl::string_view text) {
  if (text.size() > kMaxLabelLength) {
    return absl::StrCat(what, " has ", text.size(), " characters, at most ", kMaxLabelLength,
                        " are allowed");
  }
  for (unsigned char c : text) {
    if (!absl::ascii_isalnum(c) && c != '.' && c != '_' && c != '-') {
      return absl::StrCat(what, " has a character other than A-Z a-z 0-9 . _ -");
    }
  }
  if (!absl::ascii_isalnum(text.front()) || !absl::ascii_isalnum(text.back())) {
    return absl::StrCat(what, " must begin and end with a letter or a digit");
  }
  return "";
}

// A lower-case DNS name whose last label is not a number.
std::string LabelPrefixFault(absl::string_view prefix) {
  if (prefix.empty()) return "prefix is empty";
  if (prefix.size() > kMaxLabelPrefixLength) return "prefix is over 253 characters";
  std::vector<absl::string_view> labels = absl::StrSplit(prefix, '.');
  for (absl::string_view label : labels) {
    if (label.empty() || label.size() > 63) return "prefix has a part of no or over 63 characters";
    for (unsigned char c : label) {
      if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c) && c != '-') {
        return "prefix is no lower-case DNS name";
      }
    }
    if (label.front() == '-' || label.back() == '-') return "prefix is no lower-case DNS name";
  }
  const absl::string_view last = labels.back();
  if (std::all_of(last.begin(), last.end(), absl::ascii_isdigit)) {
    return "prefix ends in a number";
  }
  return "";
}

absl::Status CheckLabels(const UpdateNodeLabelsRequest& request) {
  absl::flat_hash_set<absl::string_view> keys;
  const auto check_key = [&keys](absl::string_view key) -> absl::Status {
    if (std::string fault = LabelKeyFault(key); !fault.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("label ", Quoted(key), ": ", fault));
    }
    if (!keys.insert(key).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("label ", Quoted(key), " is named more than once in the request"));
    }
    return absl::OkStatus();
  };
  for (const auto& pair : request.upsert()) {
    if (absl::Status key = check_key(pair.key()); !key.ok()) return key;
    if (std::string fault = LabelValueFault(pair.value()); !fault.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("value ", Quoted(pair.value()), " of label ", pair.key(), ": ", fault));
    }
  }
  for (const std::string& key : request.delete_()) {
    if (absl::Status valid = check_key(key); !valid.ok()) return valid;
  }
  return absl::OkStatus();
}

}  // namespace

std::string LabelKeyFault(absl::string_view key) {
  absl::string_view name = key;
  if (const size_t slash = key.find('/'); slash != absl::string_view::npos) {
    if (std::string fault = LabelPrefixFault(key.substr(0, slash)); !fault.empty()) return fault;
    name = key.substr(slash + 1);
  }
  if (name.empty()) return "key is empty";
  return LabelNameFault("key", name);
}

std::string LabelValueFault(absl::string_view value) {
  return value.empty() ? "" : LabelNameFault("value", value);
}

Operations DecideLabels(const DecisionView& view, const UpdateNodeLabelsRequest& request) {
  absl::StatusOr<NodeSelector> selector = SelectorOf(request);
  if (!selector.ok()) return selector.status();
  if (absl::Status valid = CheckLabels(request); !valid.ok()) return valid;
  absl::StatusOr<const curator::storage::Node*> known = FindSelected(view, *selector);
  if (!known.ok()) return known.status();

  absl::btree_map<std::string, std::string> labels;
  for (const auto& pair : (*known)->labels().pairs()) labels[pair.key()] = pair.value();
  const absl::btree_map<std::string, std::string> before = labels;
  for (const std::string& key : request.delete_()) labels.erase(key);
  for (const auto& pair : request.upsert()) labels[pair.key()] = pair.value();
  if (labels.size() > static_cast<size_t>(kMaxLabels)) {
    return absl::OutOfRangeError(absl::StrCat("node ", (*known)->id(), " would have ",
                                              labels.size(), " labels, at most ", kMaxLabels,
                                              " are allowed"));
  }
  if (labels == before) return std::vector<Operation>{};
  curator::storage::Node node = **known;
  node.mutable_labels()->clear_pairs();
  for (auto& [key, value] : labels) {
    NodeLabels::Pair* const pair = node.mutable_labels()->add_pairs();
    pair->set_key(key);
    pair->set_value(std::move(value));
  }
  return std::vector<Operation>{PutNode(node)};
}

}  // namespace curatord
