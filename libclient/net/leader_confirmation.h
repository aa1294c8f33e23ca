// Does it lead? Asked by a call that only a leader serves.
#ifndef LIBCLIENT_NET_LEADER_CONFIRMATION_H_
#define LIBCLIENT_NET_LEADER_CONFIRMATION_H_

#include <memory>

#include "libclient/core/call_outcome.h"
#include "libclient/net/attempt.h"

namespace curator::net {

// kOk: it answered, and leads. kDenied: it leads, and we may not ask more.
// kNotLeader, kUnimplemented: it does not. kLostLeadership: not any more.
// kRejectedCredentials: it leads, or does not say. Others: no answer.
// Management.GetClusterInfo: a read that existing and our servers fence by their
// leadership, and whose answer does not grow with the cluster.
core::CallOutcome AskWhetherItLeads(const std::shared_ptr<grpc::Channel>& channel,
                                    const AttemptOptions& options);

bool ConfirmLeads(const std::shared_ptr<grpc::Channel>& channel, const AttemptOptions& options);

}  // namespace curator::net

#endif  // LIBCLIENT_NET_LEADER_CONFIRMATION_H_
