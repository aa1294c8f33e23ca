// Which roles a node may get and lose (protocol section 4, UpdateNodeRoles).
#ifndef SERVER_NODES_NODE_ROLES_H_
#define SERVER_NODES_NODE_ROLES_H_

#include "metropolis/management.pb.h"
#include "metropolis/storage.pb.h"
#include "server/nodes/decision.h"

namespace curatord {

bool HasRoles(const curator::storage::Node& node);
// "consensus_member, kubernetes_worker".
std::string NamesOfRoles(const curator::storage::Node& node);

// Applied in the order consensus, controller, worker, all or nothing; what is not
// set in the request stays. A node that leaves, or has left, gets no new role.
Operations DecideRoles(const DecisionView& view,
                       const metropolis::proto::api::UpdateNodeRolesRequest& request);

}  // namespace curatord

#endif  // SERVER_NODES_NODE_ROLES_H_
