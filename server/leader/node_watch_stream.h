// NodeWatchStream: one Curator.Watch. It remembers a revision, not a queue: each
// time the client has taken an event, the next one carries the newest state of
// every node that changed since, however long the client took.
#ifndef SERVER_LEADER_NODE_WATCH_STREAM_H_
#define SERVER_LEADER_NODE_WATCH_STREAM_H_

#include <cstdint>
#include <deque>
#include <string>

#include "metropolis/curator.pb.h"
#include "server/leader/leadership.h"
#include "server/nodes/cluster_state.h"
#include "server/rpc/write_stream.h"

namespace curatord {

class NodeWatchStream final
    : public WriteStream<metropolis::node::core::curator::proto::api::WatchEvent> {
 public:
  using Event = metropolis::node::core::curator::proto::api::WatchEvent;

  // `node_id` empty: all nodes. `state` outlives the gRPC server.
  NodeWatchStream(ClusterState* state, std::string node_id)
      : state_(state), node_id_(std::move(node_id)) {}

  // Begins once leadership is confirmed. Called at most once.
  void Start(Leadership* leadership);

 private:
  Step Next(Event* event, absl::Status* status) override;
  absl::Status FetchChanges();

  ClusterState* const state_;
  const std::string node_id_;
  // Of Next alone:
  int64_t revision_ = 0;  // changes up to here are in pending_, or were sent
  std::deque<NodeChange> pending_;
  bool fetched_ = false;       // pending_ holds, or held, the first state
  bool backlog_done_ = false;  // PROGRESS_LAST_BACKLOGGED was sent
};

}  // namespace curatord

#endif  // SERVER_LEADER_NODE_WATCH_STREAM_H_
