// Listings of nodes: through curator.v1.Nodes.List where the leader has it, through
// Management.GetNodes elsewhere.
#ifndef LIBCLIENT_CLIENT_NODE_LISTING_H_
#define LIBCLIENT_CLIENT_NODE_LISTING_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "curator/types.h"
#include "libclient/net/leader_call.h"

namespace curator {

// Those of which `filter` holds (empty: all), ordered by id.
absl::StatusOr<std::vector<Node>> ListNodesOf(net::LeaderFinder& finder,
                                              const net::CallContext& context,
                                              absl::string_view filter,
                                              net::CallTrace* trace = nullptr);

// The node with this id, which must be a node id; none: there is no such node.
absl::StatusOr<absl::optional<Node>> FindNode(net::LeaderFinder& finder,
                                              const net::CallContext& context,
                                              const std::string& id,
                                              net::CallTrace* trace = nullptr);

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_NODE_LISTING_H_
