// What an operator does with the register ticket.
#include <utility>

#include "curator/client.h"
#include "curator/v1/cluster_operations.pb.h"
#include "libclient/net/leader_call.h"

namespace curator {
namespace {

constexpr char kDescribeRegisterTicket[] = "curator.v1.ClusterOperations.DescribeRegisterTicket";
constexpr char kRotateRegisterTicket[] = "curator.v1.ClusterOperations.RotateRegisterTicket";

RegisterTicketFacts FromWire(const v1::RegisterTicketFacts& wire) {
  RegisterTicketFacts facts;
  facts.sha256 = wire.sha256();
  if (wire.has_since()) {
    facts.since =
        absl::FromUnixSeconds(wire.since().seconds()) + absl::Nanoseconds(wire.since().nanos());
  }
  return facts;
}

}  // namespace

absl::StatusOr<RegisterTicketFacts> Client::DescribeRegisterTicket(const CallOptions& options) {
  v1::RegisterTicketFacts facts;
  const absl::Status status =
      net::CallLeader(*finder_, net::CallContext(options), kDescribeRegisterTicket,
                      v1::DescribeRegisterTicketRequest(), &facts);
  if (!status.ok()) return status;
  return FromWire(facts);
}

// Repeated until it is answered: then the old ticket is out, whichever request did it.
absl::StatusOr<TicketRotation> Client::RotateRegisterTicket(absl::string_view replaces_sha256,
                                                            const CallOptions& options) {
  v1::RotateRegisterTicketRequest request;
  request.set_replaces_sha256(std::string(replaces_sha256));
  v1::RotateRegisterTicketResponse response;
  net::CallTrace trace;
  const absl::Status status = net::CallLeader(*finder_, net::CallContext(options),
                                              kRotateRegisterTicket, request, &response, &trace);
  if (!status.ok()) {
    Error error = DescribeError(status);
    if (error.code != ErrorCode::kUnknownOutcome) return status;
    error.hints = {"rotate it again: that is safe, and until then the old ticket may be good"};
    return MakeError(error);
  }
  TicketRotation rotation;
  rotation.outcome = response.replaced() || trace.maybe_executed ? ChangeOutcome::kApplied
                                                                 : ChangeOutcome::kUnchanged;
  rotation.facts = FromWire(response.facts());
  rotation.ticket = std::move(*response.mutable_ticket());
  return rotation;
}

}  // namespace curator
