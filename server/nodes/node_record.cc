#include "server/nodes/node_record.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libclient/identity/node_id.h"
#include "metropolis/curator.pb.h"
#include "metropolis/management.pb.h"
#include "server/nodes/node_labels.h"
#include "server/store/keys.h"
#include "server/wire_format.h"

namespace curatord {
namespace {

using metropolis::proto::common::NodeLabels;
using metropolis::proto::common::NodeRoles;
using Stored = curator::storage::Node;
using Listed = metropolis::proto::api::Node;
using Watched = metropolis::node::core::curator::proto::api::Node;

// Keeps the first of each key, drops what is invalid, sorts by key.
void CleanLabels(NodeLabels* labels) {
  absl::flat_hash_set<std::string> seen;
  std::vector<NodeLabels::Pair> kept;
  for (NodeLabels::Pair& pair : *labels->mutable_pairs()) {
    if (!LabelKeyFault(pair.key()).empty() || !LabelValueFault(pair.value()).empty()) continue;
    if (seen.insert(pair.key()).second) kept.push_back(std::move(pair));
  }
  std::sort(kept.begin(), kept.end(),
            [](const auto& a, const auto& b) { return a.key() < b.key(); });
  labels->clear_pairs();
  for (NodeLabels::Pair& pair : kept) *labels->add_pairs() = std::move(pair);
}

// The number that a field of the store has in a listing; 0: it is not shown.
int InListing(int number) {
  switch (number) {
    case Stored::kIdFieldNumber:
      return Listed::kIdFieldNumber;
    case Stored::kPublicKeyFieldNumber:
      return Listed::kPubkeyFieldNumber;
    case Stored::kFsmStateFieldNumber:
      return Listed::kStateFieldNumber;
    case Stored::kRolesFieldNumber:
      return Listed::kRolesFieldNumber;
    case Stored::kStatusFieldNumber:
      return Listed::kStatusFieldNumber;
    case Stored::kTpmUsageFieldNumber:
      return Listed::kTpmUsageFieldNumber;
    case Stored::kLabelsFieldNumber:
      return Listed::kLabelsFieldNumber;
    default:
      return 0;
  }
}

// The same for a watch.
int InWatch(int number) {
  switch (number) {
    case Stored::kIdFieldNumber:
      return Watched::kIdFieldNumber;
    case Stored::kFsmStateFieldNumber:
      return Watched::kStateFieldNumber;
    case Stored::kRolesFieldNumber:
      return Watched::kRolesFieldNumber;
    case Stored::kStatusFieldNumber:
      return Watched::kStatusFieldNumber;
    case Stored::kClusternetFieldNumber:
      return Watched::kClusternetFieldNumber;
    case Stored::kLabelsFieldNumber:
      return Watched::kLabelsFieldNumber;
    default:
      return 0;
  }
}

void AppendAs(int number, const WireField& field, std::string* out) {
  if (field.is_bytes) {
    AppendField(number, field.bytes, out);
  } else {
    AppendVarintField(number, field.varint, out);
  }
}

// Of the three roles which are there, and nothing of what they hold.
std::string PresenceOf(absl::string_view roles) {
  std::string present;
  while (const absl::optional<WireField> role = ConsumeWireField(&roles)) {
    if (NodeRoles::descriptor()->FindFieldByNumber(role->number) != nullptr) {
      AppendField(role->number, "", &present);
    }
  }
  return present;
}

}  // namespace

curator::storage::Node NodeRecord::Parse() const {
  curator::storage::Node node;
  node.ParseFromString(value);  // it was parsed when it came
  return node;
}

absl::StatusOr<NodeRecord> ParseNodeRecord(absl::string_view key, absl::string_view value,
                                           int64_t mod_revision) {
  if (!absl::ConsumePrefix(&key, keys::kNodes) || key.empty()) {
    return absl::InvalidArgumentError("not the key of a node");
  }
  curator::storage::Node node;
  if (!node.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return absl::DataLossError("the value is no node");
  }
  if (curator::identity::NodeIdFromPublicKey(node.public_key()) != key) {
    return absl::DataLossError("the public key in the record is another node's");
  }
  if (!node.id().empty() && node.id() != key) {
    return absl::DataLossError(absl::StrCat("the record says it is node ", node.id()));
  }
  node.set_id(std::string(key));
  node.mutable_roles();
  CleanLabels(node.mutable_labels());
  NodeRecord record;
  record.id = node.id();
  record.state = node.fsm_state();
  record.mod_revision = mod_revision;
  record.value = node.SerializeAsString();
  return record;
}

std::string SerializeNode(curator::storage::Node node) {
  node.mutable_roles();
  return node.SerializeAsString();
}

void AppendManagementNode(const NodeRecord& record, absl::FunctionRef<bool(int)> wanted,
                          std::string* out) {
  absl::string_view value = record.value;
  while (const absl::optional<WireField> field = ConsumeWireField(&value)) {
    const int number = InListing(field->number);
    if (number == 0 || !wanted(number)) continue;
    if (number == Listed::kRolesFieldNumber) {
      AppendField(number, PresenceOf(field->bytes), out);
    } else {
      AppendAs(number, *field, out);
    }
  }
}

void AppendWatchNode(const NodeRecord& record, std::string* out) {
  absl::string_view value = record.value;
  while (const absl::optional<WireField> field = ConsumeWireField(&value)) {
    if (const int number = InWatch(field->number); number != 0) AppendAs(number, *field, out);
  }
}

}  // namespace curatord
