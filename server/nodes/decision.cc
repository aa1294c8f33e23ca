#include "server/nodes/decision.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libclient/identity/node_id.h"
#include "server/nodes/node_record.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

constexpr size_t kPublicKeyBytes = 32;
constexpr size_t kLongestQuote = 80;

}  // namespace

absl::Status CheckSelector(const NodeSelector& selector) {
  if (selector.by == NodeSelector::By::kPublicKey) {
    if (selector.value.size() == kPublicKeyBytes) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("pubkey has ", selector.value.size(), " bytes, 32 are needed"));
  }
  if (selector.value.empty()) return absl::InvalidArgumentError("the node's id is empty");
  if (absl::StrContains(selector.value, '/')) {
    return absl::InvalidArgumentError(
        absl::StrCat("the node's id ", Quoted(selector.value), " has a slash"));
  }
  return absl::OkStatus();
}

absl::StatusOr<const curator::storage::Node*> FindSelected(const DecisionView& view,
                                                           const NodeSelector& selector) {
  const bool by_key = selector.by == NodeSelector::By::kPublicKey;
  const std::string id =
      by_key ? curator::identity::NodeIdFromPublicKey(selector.value) : selector.value;
  const curator::storage::Node* node = view.FindNode(id);
  // An id covers only the first half of a key.
  if (node == nullptr || (by_key && node->public_key() != selector.value)) return NoSuchNode(id);
  return node;
}

absl::Status NoSuchNode(absl::string_view id) {
  return absl::NotFoundError(curator::identity::IsNodeId(id)
                                 ? absl::StrCat("no node ", id)
                                 : absl::StrCat("no node ", Quoted(id)));
}

absl::string_view NameOf(metropolis::proto::common::NodeState state) {
  absl::string_view name = metropolis::proto::common::NodeState_Name(state);
  absl::ConsumePrefix(&name, "NODE_STATE_");
  return name;
}

Operation PutNode(const curator::storage::Node& node) {
  return Operation::Put(keys::Node(node.id()), SerializeNode(node));
}

void SetTime(absl::Time time, google::protobuf::Timestamp* timestamp) {
  timestamp->set_seconds(absl::ToUnixSeconds(time));
  timestamp->set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(timestamp->seconds()))));
}

std::string Quoted(absl::string_view text) {
  const bool cut = text.size() > kLongestQuote;
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, kLongestQuote)), cut ? "…\"" : "\"");
}

}  // namespace curatord
