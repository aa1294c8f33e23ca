// The register ticket: what every node shows that wants to register.
#ifndef SERVER_NODES_REGISTER_TICKET_H_
#define SERVER_NODES_REGISTER_TICKET_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "curator/v1/cluster_operations.pb.h"
#include "metropolis/management.pb.h"
#include "server/nodes/decision.h"
#include "server/nodes/decision_view.h"

namespace curatord {

// Makes one if there is none.
Operations DecideTicket(const DecisionView& view, absl::Time now,
                        metropolis::proto::api::GetRegisterTicketResponse* response);

// Replaces the ticket that the request names; leaves any other as it is. kNotFound: there is
// none.
Operations DecideTicketRotation(const DecisionView& view,
                                const curator::v1::RotateRegisterTicketRequest& request,
                                absl::Time now,
                                curator::v1::RotateRegisterTicketResponse* response);

// kNotFound: there is no ticket.
absl::StatusOr<curator::v1::RegisterTicketFacts> DescribeTicket(const DecisionView& view);

}  // namespace curatord

#endif  // SERVER_NODES_REGISTER_TICKET_H_
