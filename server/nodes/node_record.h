// NodeRecord: one node as it rests in the store, checked, with its revision.
#ifndef SERVER_NODES_NODE_RECORD_H_
#define SERVER_NODES_NODE_RECORD_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "metropolis/curator.pb.h"
#include "metropolis/management.pb.h"
#include "metropolis/storage.pb.h"

namespace curatord {

struct NodeRecord {
  std::string id;
  curator::storage::Node node;
  int64_t mod_revision = 0;
};

// Refuses a value that is not a node, or is not the node that its key names.
// An empty id in the value (old records) is accepted if the public key matches.
// Invalid and repeated labels are dropped, as readers of this format do.
absl::StatusOr<NodeRecord> ParseNodeRecord(absl::string_view key, absl::string_view value,
                                           int64_t mod_revision);

// Ready to be stored: `roles` present even when empty. `node` must have id,
// public_key and join_key.
std::string SerializeNode(curator::storage::Node node);

// For Management.GetNodes: role messages empty (presence only), labels sorted by
// key. Health and heartbeat age are the caller's to add.
metropolis::proto::api::Node ToManagementNode(const NodeRecord& record);

// For Curator.Watch: roles in full, `roles` and `labels` always set.
metropolis::node::core::curator::proto::api::Node ToWatchNode(const NodeRecord& record);

}  // namespace curatord

#endif  // SERVER_NODES_NODE_RECORD_H_
