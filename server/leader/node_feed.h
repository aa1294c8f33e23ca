// NodeFeed: what happens to nodes, for all who watch all of them. A change is
// serialized once, and the same bytes go to every watcher; a thread of its own wakes
// the watchers, so that thousands of them do not hold up whoever made the change.
//
// Shutdown: Stop ends the thread, once there are no streams any more.
#ifndef SERVER_LEADER_NODE_FEED_H_
#define SERVER_LEADER_NODE_FEED_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/support/slice.h"
#include "server/nodes/cluster_state.h"
#include "server/rpc/work_thread.h"

namespace curatord {

class NodeWatchStream;

class NodeFeed {
 public:
  // `state` outlives it.
  static std::shared_ptr<NodeFeed> Of(ClusterState* state);
  void Stop() { thread_.Stop(); }

  // From now on the stream is woken after each change, of node `id` unless that is empty,
  // if it exists then.
  void Add(std::weak_ptr<NodeWatchStream> stream, const std::string& id)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Some or all of what has changed after a revision.
  struct Changes {
    grpc::Slice event;     // a serialized WatchEvent; empty: nothing has
    int64_t revision = 0;  // up to here
  };
  // kOutOfRange: that is too long ago.
  absl::StatusOr<Changes> After(int64_t revision) ABSL_LOCKS_EXCLUDED(changes_mutex_);

 private:
  using Streams = std::vector<std::weak_ptr<NodeWatchStream>>;
  static constexpr size_t kLeastToSweep = 64;

  explicit NodeFeed(const ClusterState* state) : state_(state) {}
  void OnNodesChanged() ABSL_LOCKS_EXCLUDED(mutex_);
  void WakeStreams() ABSL_LOCKS_EXCLUDED(mutex_);
  Streams Concerned() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Changes> Serialize(int64_t after) const;

  const ClusterState* const state_;

  absl::Mutex mutex_;
  bool wakes_ ABSL_GUARDED_BY(mutex_) = false;  // WakeStreams has been posted
  Streams of_all_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Streams> of_one_ ABSL_GUARDED_BY(mutex_);  // by node
  // Sizes that make Add sweep out those that exist no more.
  size_t sweep_all_at_ ABSL_GUARDED_BY(mutex_) = kLeastToSweep;
  size_t sweep_one_at_ ABSL_GUARDED_BY(mutex_) = kLeastToSweep;
  // What is newer, those of_one_ may not have been woken for.
  int64_t woken_at_ ABSL_GUARDED_BY(mutex_) = 0;

  // Held while a change is serialized, so that it is but once. The latest that were
  // asked for: most watchers are at the same revision.
  struct Latest {
    int64_t after;
    Changes changes;
  };
  absl::Mutex changes_mutex_;
  std::deque<Latest> latest_ ABSL_GUARDED_BY(changes_mutex_);

  WorkThread thread_;
};

}  // namespace curatord

#endif  // SERVER_LEADER_NODE_FEED_H_
