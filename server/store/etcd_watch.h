// EtcdWatches: delivers changes of ranges of an etcd to the watches of one store.
//
// A watch outlives its streams: when one breaks, or its endpoint has failed
// somebody else, the next begins at the revision behind what was delivered, on
// whichever endpoint serves. It ends by itself only if that revision was
// compacted, the etcd is another, or etcd denies the keys.
//
// Two things etcd does not tell, or not reliably in all versions, are found by a
// small linearizable reading: that nothing was lost, after each start of a stream
// (if something was, the stream is started again), and how far a quiet range has
// come, when a caller was told of a newer revision. The reading shows that the keys
// are those of what was delivered, of the same revisions: so a key that was created
// and deleted in between may go untold.
//
// Threads: one of its own, which makes all callbacks, one at a time. Start is
//   thread-safe.
// Shutdown: the destructor cancels all streams and joins. A watch that is still
//   there gets no more callbacks, on_end included, and may be destroyed later.
#ifndef SERVER_STORE_ETCD_WATCH_H_
#define SERVER_STORE_ETCD_WATCH_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/store/etcd_keyspace.h"
#include "server/store/etcd_sessions.h"
#include "server/store/etcd_watch_events.h"
#include "server/store/store.h"

namespace curatord {

class EtcdWatches {
 public:
  // `events` hears of changes of session.
  EtcdWatches(EtcdSessions* sessions, const EtcdKeyspace* keyspace,
              std::shared_ptr<EtcdWatchEvents> events);
  ~EtcdWatches();

  std::unique_ptr<Watch> Start(const std::string& prefix, int64_t from_revision,
                               std::function<void(const WatchBatch&)> on_batch,
                               std::function<void(absl::Status)> on_end)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Registration;
  class Handle;

  void Run();
  void TakeNew() ABSL_LOCKS_EXCLUDED(mutex_);
  void DropRemoved();
  void FollowSession();
  void Dispatch(EtcdWatchEvent event);
  // Does what is due; when to look again.
  absl::Time RunTimers();

  void Open(Registration& watch);
  void Close(Registration& watch);
  void Restart(Registration& watch, const grpc::Status& cause);
  void OnResponse(Registration& watch, etcdserverpb::WatchResponse response);
  void Deliver(Registration& watch);
  void StartCheck(Registration& watch);
  void OnChecked(Registration& watch, const EtcdWatchEvent& event);
  void CallBack(Registration& watch, const WatchBatch& batch);
  void End(Registration& watch, absl::Status status);

  // Constant after construction.
  EtcdSessions* const sessions_;
  const EtcdKeyspace* const keyspace_;
  const std::shared_ptr<EtcdWatchEvents> events_;

  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Registration>> new_ ABSL_GUARDED_BY(mutex_);

  // Of the thread.
  std::map<int64_t, std::unique_ptr<Registration>> watches_;
  int64_t revision_seen_ = 0;

  std::thread thread_;
};

}  // namespace curatord

#endif  // SERVER_STORE_ETCD_WATCH_H_
