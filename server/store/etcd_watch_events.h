// EtcdWatchEvents: what happens to the watches of one store, in order, for the one
// thread that acts on it; and the rule between that thread and those who destroy
// a watch. Shared with calls, handles and sessions, which may outlive the store.
//
// Thread-safe; nothing here calls back.
#ifndef SERVER_STORE_ETCD_WATCH_EVENTS_H_
#define SERVER_STORE_ETCD_WATCH_EVENTS_H_

#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "etcd/rpc.pb.h"
#include "grpcpp/support/status.h"

namespace curatord {

// What a call of one watch brought.
struct EtcdWatchEvent {
  enum class Kind { kResponse, kClosed, kChecked };
  Kind kind = Kind::kResponse;
  int64_t watch_id = 0;
  int64_t generation = 0;
  etcdserverpb::WatchResponse response;  // kResponse
  etcdserverpb::TxnResponse checked;     // kChecked
  grpc::Status status;                   // kClosed, kChecked
};

class EtcdWatchEvents {
 public:
  // Everything since the last look.
  struct News {
    bool stopping = false;
    bool watches_changed = false;
    bool session_changed = false;
    int64_t revision_seen = 0;
    std::vector<EtcdWatchEvent> events;
  };
  News Await(absl::Time until) ABSL_LOCKS_EXCLUDED(mutex_);

  void Post(EtcdWatchEvent event) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnSessionChanged() ABSL_LOCKS_EXCLUDED(mutex_);
  // A caller has been told that the store is at `revision`.
  void OnRevisionSeen(int64_t revision) ABSL_LOCKS_EXCLUDED(mutex_);
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  // Watches that are to be called. The id of a new one; OnWatchesChanged once it
  // can be found.
  int64_t Add() ABSL_LOCKS_EXCLUDED(mutex_);
  void OnWatchesChanged() ABSL_LOCKS_EXCLUDED(mutex_);
  // Returns once no callback of the watch runs, nor ever will.
  void Remove(int64_t watch_id) ABSL_LOCKS_EXCLUDED(mutex_);
  bool Contains(int64_t watch_id) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Between a successful Enter and Leave the watch's handle cannot go.
  bool Enter(int64_t watch_id) ABSL_LOCKS_EXCLUDED(mutex_);
  void Leave() ABSL_LOCKS_EXCLUDED(mutex_);

  void OnCallStarted() ABSL_LOCKS_EXCLUDED(mutex_);
  void OnCallEnded() ABSL_LOCKS_EXCLUDED(mutex_);
  void AwaitNoCalls() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable absl::Mutex mutex_;
  bool has_news_ ABSL_GUARDED_BY(mutex_) = false;
  News news_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_set<int64_t> watches_ ABSL_GUARDED_BY(mutex_);
  int64_t delivering_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: none
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace curatord

#endif  // SERVER_STORE_ETCD_WATCH_EVENTS_H_
