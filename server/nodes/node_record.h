// NodeRecord: one node as it rests in the store, checked, with its revision.
//
// Kept serialized, which is a third of the memory of the message. What lists nodes and
// what watches them show has the same parts under other field numbers: so it is put
// together from these bytes, and nothing is parsed.
#ifndef SERVER_NODES_NODE_RECORD_H_
#define SERVER_NODES_NODE_RECORD_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "metropolis/storage.pb.h"

namespace curatord {

struct NodeRecord {
  std::string id;
  metropolis::proto::common::NodeState state = metropolis::proto::common::NODE_STATE_INVALID;
  int64_t mod_revision = 0;
  std::string value;  // serialized; id and roles set, labels clean

  curator::storage::Node Parse() const;
};

// Refuses a value that is not a node, or is not the node that its key names.
// An empty id in the value (old records) is accepted if the public key matches.
// Invalid and repeated labels are dropped, as readers of this format do.
absl::StatusOr<NodeRecord> ParseNodeRecord(absl::string_view key, absl::string_view value,
                                           int64_t mod_revision);

// Ready to be stored: `roles` present even when empty. `node` must have id,
// public_key and join_key.
std::string SerializeNode(curator::storage::Node node);

// As a serialized metropolis.proto.api.Node: role messages empty (presence only),
// labels sorted by key. Health and heartbeat age are the caller's to add. Fields that
// are not `wanted`, by number, are left out.
void AppendManagementNode(const NodeRecord& record, absl::FunctionRef<bool(int)> wanted,
                          std::string* out);

// As a serialized metropolis.node.core.curator.proto.api.Node: roles in full, `roles`
// and `labels` always set.
void AppendWatchNode(const NodeRecord& record, std::string* out);

}  // namespace curatord

#endif  // SERVER_NODES_NODE_RECORD_H_
