// What the decisions about nodes have in common: their type, which node a request
// means, how a node is written, and the refusals that all of them use.
//
// A decision is pure (Leadership::Decision): it looks at the committed state and
// returns what to write, or the refusal in the protocol's status code.
#ifndef SERVER_NODES_DECISION_H_
#define SERVER_NODES_DECISION_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"
#include "metropolis/common.pb.h"
#include "metropolis/storage.pb.h"
#include "server/nodes/decision_view.h"
#include "server/store/store.h"

namespace curatord {

using Operations = absl::StatusOr<std::vector<Operation>>;

// Which node a request means: by raw public key or by id.
struct NodeSelector {
  enum class By { kPublicKey, kId };
  By by = By::kId;
  std::string value;

  static NodeSelector PublicKey(std::string key) { return {By::kPublicKey, std::move(key)}; }
  static NodeSelector Id(std::string id) { return {By::kId, std::move(id)}; }
};

// kInvalidArgument: a key not of 32 bytes, an id that is empty or has a slash.
absl::Status CheckSelector(const NodeSelector& selector);

// Of a request of Management with `oneof node { bytes pubkey; string id; }`; one
// that names no node is kInvalidArgument, as are those of CheckSelector.
template <typename Request>
absl::StatusOr<NodeSelector> SelectorOf(const Request& request) {
  NodeSelector selector;
  switch (request.node_case()) {
    case Request::kPubkey:
      selector = NodeSelector::PublicKey(request.pubkey());
      break;
    case Request::kId:
      selector = NodeSelector::Id(request.id());
      break;
    case Request::NODE_NOT_SET:
      return absl::InvalidArgumentError("the request names no node: pubkey or id is needed");
  }
  if (absl::Status valid = CheckSelector(selector); !valid.ok()) return valid;
  return selector;
}

// kNotFound if there is none. The node is valid as long as the view.
absl::StatusOr<const curator::storage::Node*> FindSelected(const DecisionView& view,
                                                           const NodeSelector& selector);

absl::Status NoSuchNode(absl::string_view id);
// "STANDBY".
absl::string_view NameOf(metropolis::proto::common::NodeState state);
Operation PutNode(const curator::storage::Node& node);

void SetTime(absl::Time time, google::protobuf::Timestamp* timestamp);

// What somebody sent, fit to stand in a message: in quotes, escaped and not longer
// than people read (an error travels in HTTP headers, which have little room).
std::string Quoted(absl::string_view text);

}  // namespace curatord

#endif  // SERVER_NODES_DECISION_H_
