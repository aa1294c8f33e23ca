// NodeService: a committed node at work. JoinNode once, then status and
// heartbeats on one connection to the leader, which is searched again only when
// the connection breaks or a heartbeat stays unanswered for an interval. Until the
// node is to leave the cluster (node_departure.h), or is refused.
//
// Threads: the caller's.
#ifndef LIBCLIENT_CLIENT_NODE_SERVICE_H_
#define LIBCLIENT_CLIENT_NODE_SERVICE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "curator/error.h"
#include "curator/node_agent.h"
#include "libclient/client/heartbeat_stream.h"
#include "libclient/client/node_departure.h"
#include "libclient/client/node_files.h"
#include "libclient/core/instant.h"
#include "libclient/net/leader_call.h"
#include "libclient/net/leader_finder.h"

namespace curator {

class NodeService {
 public:
  // `options`, `context` and `node` must outlive it.
  NodeService(const NodeAgentOptions& options, const net::CallContext& context,
              const StoredNode& node);

  // Proves the join key, as a node does after each start. `finder` connects with
  // an ephemeral certificate of that key. OK also if the node has left.
  absl::Status Join(net::LeaderFinder& finder);

  // Until the node has left (OK), or is finally refused, or cancelled. `finder` connects
  // as the node.
  absl::Status Serve(net::LeaderFinder& finder);

  // Whether it was decommissioned, as the cluster says.
  bool has_left() const { return has_left_; }

 private:
  // One connection, from its status to its end. OK: the node has left, or it broke,
  // look again.
  absl::Status ServeOn(net::LeaderFinder& finder, const net::LeaderConnection& leader);
  absl::Status ReportStatus(net::LeaderFinder& finder, const net::LeaderConnection& leader);
  absl::Status OnStreamEnd(net::LeaderFinder& finder, const net::LeaderConnection& leader,
                           const core::CallOutcome& outcome);
  // The program's work is done: the last heartbeat was sent.
  absl::Status Leave(net::LeaderFinder& finder, HeartbeatStream& stream);
  // The cluster's last word on the node. OK: it is that the node has left.
  absl::Status OnRefused(core::OwnNode own_node, ErrorCode code, absl::string_view cause);
  void OnLeft();
  absl::Status OnFailed(const absl::Status& status, const net::CallTrace& trace);
  void OnAnswered(net::LeaderFinder& finder, const net::LeaderConnection& leader);
  void OnOutage(absl::string_view cause);
  void Log(absl::string_view line) const;

  const NodeAgentOptions& options_;
  const net::CallContext& context_;
  const StoredNode& node_;
  const std::string node_id_;

  NodeDeparture departure_;
  bool has_left_ = false;
  absl::BitGen random_;
  std::string reported_address_;  // empty: none yet
  std::string last_leader_;       // that answered a heartbeat
  core::Instant outage_began_at_ = core::kNever;
  int outage_tries_ = 0;
};

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_NODE_SERVICE_H_
