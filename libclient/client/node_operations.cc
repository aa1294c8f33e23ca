// The operations of Client that change one node.
#include "absl/strings/str_cat.h"
#include "curator/client.h"
#include "libclient/client/arguments.h"
#include "libclient/client/node_change.h"
#include "libclient/identity/node_id.h"
#include "libclient/net/leader_finder.h"
#include "metropolis/management.pb.h"

namespace curator {
namespace {

namespace management = metropolis::proto::api;

bool IsApproved(NodeState state) { return state == NodeState::kStandby || state == NodeState::kUp; }

}  // namespace

absl::StatusOr<ApproveResult> Client::ApproveNode(absl::string_view public_key,
                                                  const CallOptions& options) {
  if (public_key.size() != 32) {
    return InvalidArgument(absl::StrCat("a public key has 32 bytes, not ", public_key.size()));
  }
  const net::LeaderFinder::Operation operation(*finder_);
  NodeChange change(*finder_, identity::NodeIdFromPublicKey(public_key), options);
  absl::StatusOr<Node> node = change.Read();
  if (!node.ok()) return node.status();
  if (IsApproved(node->state)) return ApproveResult{ChangeOutcome::kUnchanged, node->state};
  management::ApproveNodeRequest request;
  request.set_pubkey(std::string(public_key));
  management::ApproveNodeResponse response;
  node->state = NodeState::kStandby;
  absl::Status status = change.Make(
      {"metropolis.proto.api.Management.ApproveNode", request, response,
       [](const absl::optional<Node>& now) { return now.has_value() && IsApproved(now->state); },
       "approved"},
      &*node);
  if (!status.ok()) return status;
  return ApproveResult{ChangeOutcome::kApplied, node->state};
}

}  // namespace curator
