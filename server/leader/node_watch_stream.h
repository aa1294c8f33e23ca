// NodeWatchStream: one Curator.Watch. It remembers how far it has come, not a queue,
// however long the client takes.
//
// A watch of one node sends its newest state whenever that is another. A watch of all
// goes through them in the order of their ids, then sends what NodeFeed has from where it
// began, serialized for all; a node that changed meanwhile may be sent twice.
#ifndef SERVER_LEADER_NODE_WATCH_STREAM_H_
#define SERVER_LEADER_NODE_WATCH_STREAM_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/leader/leader_services.h"
#include "server/leader/node_feed.h"
#include "server/nodes/cluster_state.h"
#include "server/rpc/write_stream.h"

namespace curatord {

class NodeWatchStream final : public WriteStream<grpc::ByteBuffer> {
 public:
  // To a serialized WatchEvent.
  static void AppendNode(const NodeRecord& record, std::string* event);
  static void AppendTombstone(absl::string_view node_id, std::string* event);

  explicit NodeWatchStream(const LeaderContext& leader)
      : leader_(leader), state_(&leader.leadership->state()) {}

  // Begins once leadership is confirmed. Called at most once. `node_id` empty: all
  // nodes.
  void Start(std::string node_id);

 private:
  Step Next(grpc::ByteBuffer* event, absl::Status* status) override;
  Step NextOfOne(grpc::ByteBuffer* event);
  Step NextOfBacklog(grpc::ByteBuffer* event);

  const LeaderContext leader_;
  const ClusterState* const state_;
  // Of Next alone, once started:
  std::string node_id_;
  int64_t revision_ = 0;       // of all: what is newer is not sent; of one: that it was sent at
  std::string last_id_;        // of the backlog; "": none yet
  bool backlog_done_ = false;  // PROGRESS_LAST_BACKLOGGED was sent
};

}  // namespace curatord

#endif  // SERVER_LEADER_NODE_WATCH_STREAM_H_
