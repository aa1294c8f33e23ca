#include "server/nodes/decision_view.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "server/store/keys.h"

namespace curatord {

const curator::storage::Node* DecisionView::FindNode(absl::string_view id) const {
  const std::string key = keys::Node(id);
  if (auto it = overlay_.find(key); it != overlay_.end()) {
    if (!it->second.has_value()) return nullptr;
    absl::StatusOr<NodeRecord> record = ParseNodeRecord(key, *it->second, 0);
    if (!record.ok()) return nullptr;
    held_.push_back(record->Parse());
    return &held_.back();
  }
  const NodeRecordPtr record = state_->FindNode(id);
  if (record == nullptr) return nullptr;
  held_.push_back(record->Parse());
  return &held_.back();
}

const curator::storage::Node* DecisionView::FindNodeIf(
    absl::string_view text,
    const std::function<bool(const curator::storage::Node&)>& wanted) const {
  const auto is_it = [&](const NodeRecord& record) {
    return absl::StrContains(record.value, text) && !overlay_.contains(keys::Node(record.id)) &&
           wanted(record.Parse());
  };
  for (const NodeRecordPtr& record : state_->FindNodes(1, is_it)) {
    held_.push_back(record->Parse());
    return &held_.back();
  }
  for (const auto& [key, value] : overlay_) {
    absl::string_view id = key;
    if (!absl::ConsumePrefix(&id, keys::kNodes)) continue;
    const curator::storage::Node* node = FindNode(id);
    if (node != nullptr && wanted(*node)) return node;
  }
  return nullptr;
}

absl::optional<std::string> DecisionView::Find(absl::string_view key) const {
  if (auto it = overlay_.find(key); it != overlay_.end()) return it->second;
  return state_->Find(key);
}

absl::optional<std::string> DecisionView::FindGuarded(absl::string_view key) const {
  int64_t mod_revision = 0;
  absl::optional<std::string> stored = state_->Find(key, &mod_revision);
  guarded_.emplace(key, mod_revision);
  const auto overlaid = overlay_.find(key);
  return overlaid == overlay_.end() ? stored : overlaid->second;
}

std::vector<Guard> DecisionView::guards() const {
  std::vector<Guard> guards;
  for (const auto& [key, mod_revision] : guarded_) {
    guards.push_back(Guard::ModRevision(key, mod_revision));
  }
  return guards;
}

void DecisionView::Overlay(const std::vector<Operation>& operations) {
  for (const Operation& operation : operations) {
    absl::string_view id = operation.key;
    const bool is_node = absl::ConsumePrefix(&id, keys::kNodes);
    if (is_node && IsNew(operation.key, id)) --new_nodes_overlaid_;
    if (operation.kind == Operation::Kind::kPut) {
      overlay_[operation.key] = operation.value;
    } else {
      overlay_[operation.key] = absl::nullopt;
    }
    if (is_node && IsNew(operation.key, id)) ++new_nodes_overlaid_;
  }
}

bool DecisionView::IsNew(const std::string& key, absl::string_view id) const {
  constexpr auto kNew = metropolis::proto::common::NODE_STATE_NEW;
  if (const auto it = overlay_.find(key); it != overlay_.end()) {
    if (!it->second.has_value()) return false;
    const absl::StatusOr<NodeRecord> record = ParseNodeRecord(key, *it->second, 0);
    return record.ok() && record->state == kNew;
  }
  const NodeRecordPtr record = state_->FindNode(id);
  return record != nullptr && record->state == kNew;
}

}  // namespace curatord
