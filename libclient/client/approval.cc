#include "libclient/client/approval.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libclient/client/wire_types.h"
#include "libclient/identity/node_id.h"
#include "metropolis/management.pb.h"

namespace curator {
namespace {

namespace api = metropolis::proto::api;

constexpr absl::Duration kMaxReadBackReserve = absl::Seconds(3);

}  // namespace

Approval::Approval(net::LeaderFinder& finder, std::string public_key, const CallOptions& options)
    : finder_(finder),
      public_key_(std::move(public_key)),
      context_(options),
      call_context_(context_.LeavingTime(kMaxReadBackReserve)) {}

absl::StatusOr<ApproveResult> Approval::Run() {
  const absl::StatusOr<NodeState> before = ReadState(context_, nullptr);
  if (!before.ok()) return before.status();
  if (*before == NodeState::kStandby || *before == NodeState::kUp) {
    return ApproveResult{ChangeOutcome::kUnchanged, *before};
  }
  api::ApproveNodeRequest request;
  request.set_pubkey(public_key_);
  api::ApproveNodeResponse response;
  net::CallTrace trace;
  const absl::Status status =
      net::CallLeader(finder_, call_context_, "metropolis.proto.api.Management.ApproveNode",
                      request, &response, &trace);
  if (status.ok()) return ApproveResult{ChangeOutcome::kApplied, NodeState::kStandby};
  if (DescribeError(status).code == ErrorCode::kUnknownOutcome) return ReadBack(status, trace);
  return status;
}

absl::StatusOr<NodeState> Approval::ReadState(const net::CallContext& context,
                                              net::CallTrace* trace) {
  std::vector<api::Node> nodes;
  const absl::Status status =
      net::ListFromLeader(finder_, context, "metropolis.proto.api.Management.GetNodes",
                          api::GetNodesRequest(), &nodes, trace);
  if (!status.ok()) return status;
  for (const api::Node& node : nodes) {
    if (node.pubkey() == public_key_) return FromWire(node.state());
  }
  Error error;
  error.code = ErrorCode::kNotFound;
  error.message = absl::StrCat("no node ", identity::NodeIdFromPublicKey(public_key_));
  error.cause = "no node has registered with this public key, or it was deleted";
  error.method = "Management.ApproveNode";
  return MakeError(error);
}

absl::StatusOr<ApproveResult> Approval::ReadBack(const absl::Status& unknown,
                                                 const net::CallTrace& sent) {
  net::CallTrace read;
  const absl::StatusOr<NodeState> now = ReadState(context_, &read);
  if (now.ok() && (*now == NodeState::kStandby || *now == NodeState::kUp)) {
    return ApproveResult{ChangeOutcome::kApplied, *now};
  }
  Error error = DescribeError(unknown);
  if (!now.ok()) {
    absl::StrAppend(&error.cause, "; reading the node back failed: ", now.status().message());
    return MakeError(error);
  }
  if (sent.sent_term != 0 && read.leader.term > sent.sent_term) {
    error.code = ErrorCode::kTimeout;
    error.message = absl::StrCat("the node was not approved in time and is still ", ToString(*now));
    error.hints = {"try again"};
  } else {
    absl::StrAppend(&error.cause, "; the node is still ", ToString(*now),
                    ", but the request may yet arrive");
  }
  return MakeError(error);
}

}  // namespace curator
