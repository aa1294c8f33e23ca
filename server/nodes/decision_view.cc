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

void DecisionView::Overlay(const std::vector<Operation>& operations) {
  for (const Operation& operation : operations) {
    if (operation.kind == Operation::Kind::kPut) {
      overlay_[operation.key] = operation.value;
    } else {
      overlay_[operation.key] = absl::nullopt;
    }
  }
}

}  // namespace curatord
