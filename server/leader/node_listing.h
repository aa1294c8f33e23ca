// NodeListing: goes through the nodes of one moment, in the order of their ids, and
// shows those of which a filter holds, as serialized messages. What GetNodes and
// Nodes.List have in common.
//
// A filter is given the fields that it looks at; nothing else is parsed.
#ifndef SERVER_LEADER_NODE_LISTING_H_
#define SERVER_LEADER_NODE_LISTING_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "metropolis/management.pb.h"
#include "server/filter/filter.h"
#include "server/leader/heartbeats.h"
#include "server/nodes/cluster_state.h"

namespace curatord {

class NodeListing {
 public:
  explicit NodeListing(const Heartbeats* heartbeats);

  // Each called at most once, before the first Next. An error is the caller's fault.
  absl::Status SelectBy(const std::string& filter);
  void Begin(NodeSnapshot nodes) { nodes_ = std::move(nodes); }

  enum class Found {
    kNode,    // node() is it, serialized
    kNotYet,  // after a good deal of work: call again
    kEnd,
  };
  absl::StatusOr<Found> Next();

  // Valid until Next.
  absl::string_view node() const { return node_; }

 private:
  absl::StatusOr<bool> Matches(const NodeRecord& record, const Heartbeats::Vitals& vitals);

  const Heartbeats* const heartbeats_;
  absl::optional<filter::Filter> filter_;
  filter::Work work_;
  int64_t pause_at_;  // work left
  NodeSnapshot nodes_;
  size_t next_ = 0;
  std::string node_;
  // What the filter looks at. Kept for the memory that they have.
  std::string field_bytes_;
  metropolis::proto::api::Node fields_;
};

}  // namespace curatord

#endif  // SERVER_LEADER_NODE_LISTING_H_
