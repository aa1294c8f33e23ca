// Listener: turns the role of this curator into one gRPC server (protocol
// section 3). No role: no listener at all. Leader: everything. Follower:
// CuratorLocal, ServerStatus, health and reflection; every other method answers
// UNIMPLEMENTED. Each change of role, of term or of the followed leader stops the server at once
// and starts the next on the same port.
//
// Connections are accepted by a loop of ours (listener/accept_loop.h), which outlives the
// servers: between two roles nobody is refused, without a role everybody is.
//
// A leader listens only after its ClusterState is complete up to the event that
// made it leader, one fenced transaction has succeeded, and its own address
// stands in its node record.
//
// Threads: Run uses the calling thread; gRPC brings its own.
// Shutdown: Stop makes Run stop the server and return OK.
#ifndef SERVER_LISTENER_H_
#define SERVER_LISTENER_H_

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "curator/credentials.h"
#include "grpcpp/resource_quota.h"
#include "server/auth/authorizer.h"
#include "server/election.h"
#include "server/limits.h"
#include "server/listener/accept_loop.h"
#include "server/metrics/curator_metrics.h"
#include "server/nodes/cluster_state.h"
#include "server/role.h"
#include "server/store/store.h"
#include "server/supervisor.h"

namespace curatord {

struct ListenerOptions {
  std::string node_id;
  curator::Identity identity;  // the node's
  std::string listen_address;  // host:port, IPv6 in brackets
  std::string advertise_host;  // IP address
  int advertise_port = 0;
  // Told who leads and where (host:port, or nothing), whenever that is news.
  std::function<void(const std::string& leader_id, const std::string& leader_address)> on_leader;
  CuratorMetrics* metrics = nullptr;  // null: nobody asks for them
  Limits limits = Limits();
};

class Listener {
 public:
  // All outlive this.
  Listener(Store* store, ClusterState* state, const Authorizer* authorizer,
           const Supervisor* supervisor, Election* election, ListenerOptions options);
  ~Listener();

  absl::Status Run();
  void Stop();

  // Builds sockets and server anew, for the same role: its callers are cut off, its
  // leadership goes on. Returns at once.
  void Rebuild();

  const ConnectionTable& connections() const { return accept_loop_.connections(); }

 private:
  class Served;  // one gRPC server and what it serves

  // Null if `role` cannot be served (logged), or is not the newest (`version`) any more.
  std::unique_ptr<Served> Start(const Role& role, uint64_t version);
  // Waits until `served` is not what is to be served any more, and returns what is.
  Published<Role>::Versioned WaitForOther(uint64_t version, Served* served);
  void Retire(std::unique_ptr<Served> served);
  // The server of `served`, and connections for it.
  bool StartServer(Served* served);
  void StopServer(Served* served);
  bool RebuildServer(Served* served);
  void CannotListen(const Role& role, const absl::Status& why);
  void ReserveConnections(const std::string& leader_id);

  Store* const store_;
  ClusterState* const state_;
  const Authorizer* const authorizer_;
  const Supervisor* const supervisor_;
  Election* const election_;
  const ListenerOptions options_;
  // One for all servers.
  grpc::ResourceQuota buffers_{"curatord"};
  AcceptLoop accept_loop_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> rebuild_{false};
  // Of Run's thread: when (boot time) the server of the role just before stopped.
  absl::optional<absl::Duration> stopped_at_;
  // Ended leaderships whose last store call has not come back yet.
  std::vector<std::future<void>> retired_;
};

}  // namespace curatord

#endif  // SERVER_LISTENER_H_
