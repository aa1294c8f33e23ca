// Admission: who gets in where a leader serves nodes and users. The authorizer says
// what a certificate proves; the cluster must still stand by it: a node's counts
// only while the node is UP and it is the very one that is stored for it. So a node
// that was deleted or decommissioned stays out, also after its key has registered
// again, and its streams end when that happens (NodeStreams).
#ifndef SERVER_LEADER_ADMISSION_H_
#define SERVER_LEADER_ADMISSION_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "server/auth/authorizer.h"
#include "server/leader/leadership.h"
#include "server/nodes/cluster_state.h"

namespace curatord {

// Why the cluster does not stand by the certificate of `caller` (UNAUTHENTICATED,
// reason CERTIFICATE_REVOKED); OK for all who are no nodes.
absl::Status CheckNotRevoked(const Caller& caller, const ClusterState& state);

// Calls `refuse` with what CheckNotRevoked says once it is certain: a leader that
// was deposed may not know the certificate yet, and a refusal of this kind is final
// to a node. Of UpdateNodeStatus by a node that was deleted it is NOT_FOUND.
void ConfirmRevoked(Leadership* leadership, const Caller& caller, absl::string_view full_method,
                    std::function<void(const absl::Status&)> refuse);

// The open streams of nodes, to be ended when their certificates are revoked.
// Thread-safe; ends streams on whatever thread changes the state.
class NodeStreams : public std::enable_shared_from_this<NodeStreams> {
 public:
  // `state` outlives it.
  static std::shared_ptr<NodeStreams> Watch(ClusterState* state);

  // `end` is called, at most once, when the certificate of `caller` is refused, if
  // `stream` exists then. Nothing is kept of who is no node.
  void Add(const Caller& caller, std::weak_ptr<void> stream,
           std::function<void(const absl::Status&)> end) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Stream {
    Caller caller;
    std::weak_ptr<void> stream;
    std::function<void(const absl::Status&)> end;
  };

  explicit NodeStreams(const ClusterState* state) : state_(state) {}
  void OnNodesChanged() ABSL_LOCKS_EXCLUDED(mutex_);
  void EndIfRevoked(const Stream& stream) const;

  const ClusterState* const state_;
  absl::Mutex mutex_;
  int64_t revision_ ABSL_GUARDED_BY(mutex_) = 0;  // changes up to here were looked at
  // By node id. Streams that are gone are dropped when the next one of the node comes.
  absl::flat_hash_map<std::string, std::vector<Stream>> streams_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace curatord

#endif  // SERVER_LEADER_ADMISSION_H_
