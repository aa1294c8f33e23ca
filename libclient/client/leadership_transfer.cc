#include "libclient/client/leadership_transfer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "curator/v1/cluster_operations.pb.h"
#include "libclient/client/leader_facts.h"
#include "libclient/net/cancellation.h"

namespace curator {
namespace {

constexpr char kTransferLeadership[] = "curator.v1.ClusterOperations.TransferLeadership";

// Of the time, for seeing who leads when the answer is lost.
constexpr absl::Duration kMaxReserve = absl::Seconds(3);

}  // namespace

LeadershipTransfer::LeadershipTransfer(net::LeaderFinder& finder, std::string to,
                                       const CallOptions& options)
    : finder_(finder), to_(std::move(to)), context_(options) {}

absl::StatusOr<TransferResult> LeadershipTransfer::Run() {
  v1::TransferLeadershipRequest request;
  request.set_to_node_id(to_);
  v1::TransferLeadershipResponse response;
  const absl::Status answer = net::CallLeader(finder_, context_.LeavingTime(kMaxReserve),
                                              kTransferLeadership, request, &response, &sent_);
  if (answer.ok() && to_ == sent_.leader.node_id) {
    return ResultOf(ChangeOutcome::kUnchanged, sent_.leader);
  }
  if (answer.ok() || DescribeError(answer).code == ErrorCode::kUnknownOutcome) {
    return AwaitSuccessor(answer);
  }
  return answer;
}

absl::StatusOr<TransferResult> LeadershipTransfer::AwaitSuccessor(const absl::Status& answer) {
  for (;;) {
    const absl::StatusOr<net::LeaderConnection> leader = FindConfirmedLeader(finder_, context_);
    if (!leader.ok()) return NoSuccessor(answer, leader.status());
    if (IsSuccessor(*leader)) return Judge(answer, *leader);
    if (leader->node_id == to_) return ResultOf(ChangeOutcome::kUnchanged, *leader);
    const absl::StatusOr<absl::optional<net::LeaderConnection>> next = finder_.WaitForChange(
        leader->dial_id, context_.deadline, net::TokenOf(context_.cancellation));
    if (!next.ok()) return NoSuccessor(answer, next.status());
  }
}

bool LeadershipTransfer::IsSuccessor(const net::LeaderConnection& leader) const {
  if (leader.term == 0 || sent_.sent_term == 0) return leader.node_id != sent_.leader.node_id;
  return leader.term > sent_.sent_term;
}

absl::StatusOr<TransferResult> LeadershipTransfer::Judge(const absl::Status& answer,
                                                         const net::LeaderConnection& successor) {
  const std::string& before = sent_.leader.node_id;
  if (to_ == before && successor.node_id == to_) {
    return ResultOf(ChangeOutcome::kUnchanged, successor);
  }
  if (successor.node_id == before) {
    Error error;
    error.code = ErrorCode::kRefused;
    error.message = absl::StrCat(before, " was elected again: no other curator took over");
    error.cause = "the other candidates are gone, or could not lead";
    error.method = "ClusterOperations.TransferLeadership";
    error.attempts = sent_.attempts;
    error.sent = true;
    error.hints = {"see whether the other curators are healthy, and try again"};
    return MakeError(error);
  }
  if (answer.ok() || to_.empty() || successor.node_id == to_) {
    return ResultOf(ChangeOutcome::kApplied, successor);
  }
  Error error = DescribeError(answer);
  error.message = absl::StrCat("leadership went to ", successor.node_id, ", not to ", to_);
  error.cause = absl::StrCat(error.cause, "; it may have been lost before the request arrived");
  error.hints = {"try again: this request cannot arrive any more"};
  return MakeError(error);
}

absl::Status LeadershipTransfer::NoSuccessor(const absl::Status& answer,
                                             const absl::Status& why) const {
  const Error reason = DescribeError(why);
  if (reason.code == ErrorCode::kCancelled) return why;
  Error error = answer.ok() ? reason : DescribeError(answer);
  if (answer.ok()) {
    error.message =
        absl::StrCat(sent_.leader.node_id, " hands over, but nobody else was seen to lead in time");
    error.cause = reason.message;
    error.sent = true;
  } else {
    absl::StrAppend(&error.cause, "; then: ", reason.message);
    error.endpoints = finder_.Reports();
  }
  error.hints = {"look who leads before trying again"};
  return MakeError(error);
}

TransferResult LeadershipTransfer::ResultOf(ChangeOutcome outcome,
                                            const net::LeaderConnection& leader) {
  return TransferResult{outcome, DescribeLeader(finder_, leader, context_)};
}

}  // namespace curator
