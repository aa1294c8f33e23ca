#include "libclient/client/node_change.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "libclient/client/lost_answer.h"
#include "libclient/client/node_listing.h"
#include "libclient/net/monotonic.h"

namespace curator {

NodeChange::NodeChange(net::LeaderFinder& finder, std::string node_id, const CallOptions& options)
    : finder_(finder),
      node_id_(std::move(node_id)),
      context_(options),
      call_context_(context_.LeavingTime(kMaxReadBackReserve)) {}

absl::StatusOr<Node> NodeChange::Read() {
  absl::StatusOr<absl::optional<Node>> node = Find(nullptr);
  if (!node.ok()) return node.status();
  if (!node->has_value()) return NotFound();
  return **std::move(node);
}

absl::Status NodeChange::Make(const Request& request, Node* after) {
  for (;;) {
    net::CallTrace sent;
    absl::Status status = net::CallLeader(finder_, call_context_, request.method, request.request,
                                          &request.response, &sent);
    if (status.ok() || DescribeError(status).code != ErrorCode::kUnknownOutcome) return status;
    net::CallTrace read;
    absl::StatusOr<absl::optional<Node>> now = Find(&read);
    if (!now.ok()) return ReadBackFailed(status, now.status());
    if (request.is_made(*now)) {
      if (now->has_value()) *after = **std::move(now);
      return absl::OkStatus();
    }
    if (!now->has_value()) return NotFound();
    const std::string as_it_is =
        absl::StrCat("the node is still ", ToString((*now)->state), ", not ", request.participle);
    if (!IsSettled(sent, read)) return MayYetArrive(status, as_it_is);
    if (net::Now() >= call_context_.deadline) return NotInTime(status, as_it_is);
  }
}

absl::StatusOr<absl::optional<Node>> NodeChange::Find(net::CallTrace* trace) {
  return FindNode(finder_, context_, node_id_, trace);
}

absl::Status NodeChange::NotFound() const {
  Error error;
  error.code = ErrorCode::kNotFound;
  error.message = absl::StrCat("no node ", node_id_);
  error.cause = "it was deleted, or never registered with this cluster";
  error.method = "Management.GetNodes";
  error.hints = {"list the nodes of the cluster"};
  return MakeError(error);
}

}  // namespace curator
