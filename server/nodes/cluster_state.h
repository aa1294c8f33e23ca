// ClusterState: the whole of a cluster's state in memory, on every curator,
// followers too, so that a new leader starts warm. Fed by one watch over the
// store's namespace; the leader also applies its own committed writes, before it
// acknowledges them.
//
// A change is applied if its revision is newer than what is known of its key, so
// that the two feeds may overlap in any way.
//
// Thread-safe. Records are immutable and shared: a reader holds what it got for
// as long as it likes.
//
// Threads: Run uses the calling thread; store callbacks apply changes.
// Shutdown: Stop makes Run end the watch and return OK.
#ifndef SERVER_NODES_CLUSTER_STATE_H_
#define SERVER_NODES_CLUSTER_STATE_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "server/nodes/node_record.h"
#include "server/store/store.h"

namespace curatord {

using NodeRecordPtr = std::shared_ptr<const NodeRecord>;
// All nodes at one moment, ordered by id.
using NodeSnapshot = std::shared_ptr<const std::vector<NodeRecordPtr>>;

// What became of one node: its newest record, or its deletion (null).
struct NodeChange {
  std::string id;
  NodeRecordPtr record;
  int64_t revision = 0;
};

class ClusterState {
 public:
  explicit ClusterState(Store* store) : store_(store) {}

  absl::Status Run();
  void Stop();

  // Reads everything from the store anew. For a key whose write has an unknown
  // outcome; also how Run starts.
  absl::Status Reload(absl::Time deadline);

  // What our own transaction at `revision` did.
  void ApplyCommitted(const std::vector<Operation>& operations, int64_t revision);

  // Waits until the watch has delivered everything up to `revision`.
  absl::Status WaitForRevision(int64_t revision, absl::Time deadline) const;

  NodeRecordPtr FindNode(absl::string_view id) const;
  // Of the newest change of a node that is applied, or a later one.
  int64_t revision() const;
  // Ordered by id, as they are at `*revision`, which it sets.
  std::vector<NodeRecordPtr> Nodes(int64_t* revision = nullptr) const;
  // The same, one for all who ask until the next change of a node: those who keep it for
  // long share it.
  NodeSnapshot Snapshot(int64_t* revision) const;
  // The first `most` whose ids come after `id`, ordered by id.
  std::vector<NodeRecordPtr> NodesAfter(absl::string_view id, size_t most) const;
  // The first `most` of those that are `wanted`, ordered by id. `wanted` is called under
  // a lock.
  std::vector<NodeRecordPtr> FindNodes(size_t most,
                                       absl::FunctionRef<bool(const NodeRecord&)> wanted) const;
  // Value of a key that is not a node's; `*mod_revision` is set to its own, 0 if there is no
  // such key.
  absl::optional<std::string> Find(absl::string_view key, int64_t* mod_revision = nullptr) const;
  // Of the newest change of who owns the cluster: of the owner's key, or of its certificate.
  int64_t owner_revision() const;
  // How many nodes are NEW.
  int64_t new_nodes() const;

  // host:port of the curator on node `id`, IPv6 in brackets; "" if its record names none.
  // That the node runs one is only what it says itself.
  std::string CuratorAddress(absl::string_view id) const;
  // Who stands in the election and where: the nodes that hold a candidate's key, as only
  // curators can, and are UP and have an address. At most `most`, `leader_id` first, the
  // others in the order of their ids.
  struct Curator {
    std::string node_id;
    std::string address;  // host:port
  };
  std::vector<Curator> Curators(absl::string_view leader_id, size_t most) const;

  // Nodes that changed after `revision`, the newest state of each; sets
  // `*revision` so that the next call goes on from there. After `enough` changes it
  // stops at the end of a revision. kOutOfRange: deletions since then are forgotten,
  // the caller must start over.
  absl::StatusOr<std::vector<NodeChange>> ChangesSince(
      int64_t* revision, size_t enough = std::numeric_limits<size_t>::max()) const;

  // `on_change` is called after nodes changed, or who owns the cluster, for as long as `owner`
  // lives, from whatever thread applied the change and without a lock held. It must not block.
  void Subscribe(std::weak_ptr<void> owner, std::function<void()> on_change);

 private:
  void Apply(const WatchBatch& batch);
  // Both return whether a node changed, or who owns the cluster.
  bool ApplyPut(const KeyValue& kv) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool ApplyDelete(absl::string_view key, int64_t revision) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of a key that is not a node's. Returns whether it says who owns the cluster.
  bool ValueChanged(absl::string_view key, int64_t revision) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // True if there was such a node.
  bool Erase(absl::string_view id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RecordNodeChange(const std::string& id, int64_t old_revision, int64_t revision, bool deleted)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetOldDeletions() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t NewestApplied() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  int64_t KnownRevision(absl::string_view key) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  absl::btree_map<std::string, int64_t>& Deleted(absl::string_view key)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Notify() ABSL_LOCKS_EXCLUDED(subscriptions_mutex_);

  struct Value {
    std::string value;
    int64_t mod_revision = 0;
  };
  // A record knows its id: a map would keep it once more, of a hundred thousand nodes.
  struct ById {
    using is_transparent = void;
    static absl::string_view Id(const NodeRecordPtr& record) { return record->id; }
    static absl::string_view Id(absl::string_view id) { return id; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return Id(a) < Id(b);
    }
  };

  Store* const store_;

  mutable absl::Mutex mutex_;
  absl::btree_set<NodeRecordPtr, ById> nodes_ ABSL_GUARDED_BY(mutex_);
  absl::btree_map<std::string, Value> values_ ABSL_GUARDED_BY(mutex_);
  mutable std::weak_ptr<const std::vector<NodeRecordPtr>> snapshot_ ABSL_GUARDED_BY(mutex_);
  // Revision at which a key was deleted, for keys that do not exist. Those of values are
  // forgotten once the watch has passed them, those of nodes with deletions_.
  absl::btree_map<std::string, int64_t> deleted_nodes_ ABSL_GUARDED_BY(mutex_);
  absl::btree_map<std::string, int64_t> deleted_values_ ABSL_GUARDED_BY(mutex_);
  // The newest change of each node, deletions included, in order of revision; and those
  // of them that are deletions. Bounded.
  using Change = std::pair<int64_t, std::string>;
  absl::btree_set<Change> node_changes_ ABSL_GUARDED_BY(mutex_);
  absl::btree_set<Change> deletions_ ABSL_GUARDED_BY(mutex_);
  int64_t forgotten_revision_ ABSL_GUARDED_BY(mutex_) = 0;  // deletions up to here are
  int64_t watched_revision_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t owner_revision_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t new_nodes_ ABSL_GUARDED_BY(mutex_) = 0;           // those of nodes_ that are NEW
  int64_t committed_revision_ ABSL_GUARDED_BY(mutex_) = 0;  // of our own newest write
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status watch_ended_ ABSL_GUARDED_BY(mutex_);

  struct Subscription {
    std::weak_ptr<void> owner;
    std::function<void()> on_change;
  };
  absl::Mutex subscriptions_mutex_;
  std::vector<std::shared_ptr<const Subscription>> subscriptions_
      ABSL_GUARDED_BY(subscriptions_mutex_);
  size_t sweep_at_ ABSL_GUARDED_BY(subscriptions_mutex_) = 64;  // size that makes Subscribe sweep
};

}  // namespace curatord

#endif  // SERVER_NODES_CLUSTER_STATE_H_
