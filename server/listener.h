// Listener: turns the role of this curator into one gRPC server (protocol
// section 3). No role: no listener at all. Leader: everything. Follower:
// CuratorLocal, ServerStatus, health and reflection; every other method answers
// UNIMPLEMENTED. Each change of role, of term or of the followed leader stops the server at once
// and starts the next on the same port.
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
#include "server/auth/authorizer.h"
#include "server/election.h"
#include "server/limits.h"
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
  // Told where the leader is (host:port), whenever that is news.
  std::function<void(const std::string& leader_address)> on_leader;
  CuratorMetrics* metrics = nullptr;  // null: nobody asks for them
  Limits limits;
};

class Listener {
 public:
  // All outlive this.
  Listener(Store* store, ClusterState* state, const Authorizer* authorizer,
           const Supervisor* supervisor, Election* election, ListenerOptions options);
  ~Listener();

  absl::Status Run();
  void Stop();

 private:
  class Served;  // one gRPC server and what it serves

  // Null if `role` cannot be served (logged), or is not the newest (`version`) any more.
  std::unique_ptr<Served> Start(const Role& role, uint64_t version);
  void Retire(std::unique_ptr<Served> served);

  Store* const store_;
  ClusterState* const state_;
  const Authorizer* const authorizer_;
  const Supervisor* const supervisor_;
  Election* const election_;
  const ListenerOptions options_;
  std::atomic<bool> stopping_{false};
  // Of Run's thread: when (boot time) the server of the role just before stopped.
  absl::optional<absl::Duration> stopped_at_;
  // Ended leaderships whose last store call has not come back yet.
  std::vector<std::future<void>> retired_;
};

// Fails if `listen_address` cannot be listened on now. Opens it for a moment.
absl::Status TryListening(const std::string& listen_address);

}  // namespace curatord

#endif  // SERVER_LISTENER_H_
