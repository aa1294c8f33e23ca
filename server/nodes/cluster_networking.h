// The cluster network of a node: its WireGuard key and the prefixes that are routed
// to it (protocol section 4, UpdateNodeClusterNetworking).
#ifndef SERVER_NODES_CLUSTER_NETWORKING_H_
#define SERVER_NODES_CLUSTER_NETWORKING_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "metropolis/curator.pb.h"
#include "server/nodes/decision.h"

namespace curatord {

// Most prefixes of one node: every node of the cluster gets them all.
inline constexpr int kMaxClusterPrefixes = 128;

// An IP address as bytes in network order, 4 or 16 of them.
absl::optional<std::string> ParseIpAddress(absl::string_view text);

// The caller is node `node_id`. What changes nothing writes nothing.
Operations DecideClusterNetworking(
    const DecisionView& view, const std::string& node_id,
    const metropolis::node::core::curator::proto::api::UpdateNodeClusterNetworkingRequest& request);

}  // namespace curatord

#endif  // SERVER_NODES_CLUSTER_NETWORKING_H_
