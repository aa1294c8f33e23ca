// The calls behind a watch: the stream that delivers, and the reading that checks
// it. They only post what happens.
#ifndef SERVER_STORE_ETCD_WATCH_STREAM_H_
#define SERVER_STORE_ETCD_WATCH_STREAM_H_

#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"
#include "server/store/etcd_keyspace.h"
#include "server/store/etcd_sessions.h"
#include "server/store/etcd_watch_events.h"

namespace curatord {

// Which watch a call is for, and which of its attempts: what is posted by an
// earlier one is out of date.
struct EtcdWatchTicket {
  int64_t watch_id = 0;
  int64_t generation = 0;
};

// One stream of etcd's with one watch of one range. Posts each response, then
// waits for Next; posts its end, once, unless it was cancelled.
//
// Next and Cancel are called by one thread.
class EtcdWatchStream final
    : public grpc::ClientBidiReactor<etcdserverpb::WatchRequest, etcdserverpb::WatchResponse> {
 public:
  static std::shared_ptr<EtcdWatchStream> Start(EtcdWatchTicket ticket,
                                                std::shared_ptr<EtcdWatchEvents> events,
                                                const EtcdSession& session, const EtcdRange& range,
                                                int64_t from_revision);

  // After a response was worked off.
  void Next() ABSL_LOCKS_EXCLUDED(mutex_);
  void Cancel() ABSL_LOCKS_EXCLUDED(mutex_);

  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mutex_);
  void OnDone(const grpc::Status& status) override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  EtcdWatchStream(EtcdWatchTicket ticket, std::shared_ptr<EtcdWatchEvents> events)
      : ticket_(ticket), events_(std::move(events)) {}

  // Constant after construction.
  const EtcdWatchTicket ticket_;
  const std::shared_ptr<EtcdWatchEvents> events_;
  std::shared_ptr<EtcdWatchStream> self_;  // until OnDone

  grpc::ClientContext context_;
  etcdserverpb::WatchRequest request_;
  etcdserverpb::WatchResponse response_;  // gRPC's while a read is under way

  absl::Mutex mutex_;
  bool reading_ ABSL_GUARDED_BY(mutex_) = true;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  // Keeps gRPC from ending the call between two reads.
  bool held_ ABSL_GUARDED_BY(mutex_) = true;
};

// Asks, at one revision and linearizably: is there a key in `range` that changed
// after `delivered`, and how many keys are there; and with `count_then`, how many
// there were at `delivered`. Posts the answer. Cancelled through the context that
// it returns.
std::shared_ptr<grpc::ClientContext> StartEtcdWatchCheck(EtcdWatchTicket ticket,
                                                         std::shared_ptr<EtcdWatchEvents> events,
                                                         const EtcdSession& session,
                                                         const EtcdRange& range, int64_t delivered,
                                                         bool count_then);

}  // namespace curatord

#endif  // SERVER_STORE_ETCD_WATCH_STREAM_H_
