// EtcdSessions: which endpoint of an etcd is in use, and with which token.
//
// There is one session at a time, shared by all calls and watches, until one of
// them reports that it does not work. Then all endpoints are asked at once, and
// the first that serves becomes the next session: one that answers, knows a
// leader, is a full member, and is of the etcd cluster that answered first. So a
// dead or silent endpoint costs little wherever it stands in the list. The search
// goes on until it succeeds; an endpoint that failed is taken again only if no
// other answers.
//
// Threads: one, which searches and authenticates. Thread-safe. `on_change` is
//   called on that thread and on those of reporters, without a lock held.
// Shutdown: the destructor cancels what is under way and joins; nobody may wait.
#ifndef SERVER_STORE_ETCD_SESSIONS_H_
#define SERVER_STORE_ETCD_SESSIONS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "grpcpp/client_context.h"
#include "server/store/etcd_endpoint.h"

namespace curatord {

// Constant after construction.
struct EtcdSession {
  size_t index = 0;  // of the endpoint
  std::shared_ptr<const EtcdEndpoint> endpoint;
  std::string token;  // empty: none needed
};
using EtcdSessionPtr = std::shared_ptr<const EtcdSession>;

struct EtcdUser {
  std::string name;           // empty: none
  std::string password_file;  // read for each authentication, so that it may change
};

class EtcdSessions {
 public:
  // `on_change` is called whenever Current() has become another.
  EtcdSessions(std::vector<std::shared_ptr<const EtcdEndpoint>> endpoints, EtcdUser user,
               std::function<void()> on_change);
  ~EtcdSessions();

  // Waits for a session. kUnavailable: none by the deadline, with the cause of each
  // endpoint; kUnauthenticated, kDataLoss: at once, once a search has found that.
  absl::StatusOr<EtcdSessionPtr> Await(absl::Time deadline) const ABSL_LOCKS_EXCLUDED(mutex_);
  // Null: a search is under way.
  EtcdSessionPtr Current() const ABSL_LOCKS_EXCLUDED(mutex_);

  // The endpoint did not serve a call. A session that was replaced already is ignored.
  void OnFailure(const EtcdSessionPtr& session, absl::string_view cause)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // etcd no longer takes the token.
  void OnTokenRefused(const EtcdSessionPtr& session) ABSL_LOCKS_EXCLUDED(mutex_);
  // Each answer shows what cluster it is of. kDataLoss: of another one.
  absl::Status CheckHeader(const etcdserverpb::ResponseHeader& header, absl::string_view address)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // The highest term of etcd's own leaders that an answer has shown.
  uint64_t raft_term() const { return raft_term_.load(); }

  // Waits until then, or until the destructor wants everybody out.
  void Pause(absl::Time until) const ABSL_LOCKS_EXCLUDED(mutex_);

  // What an endpoint says of itself when asked now. Blocks up to `timeout`.
  enum class Health { kServes, kDoesNotServe, kSilent };
  Health Ask(const EtcdEndpoint& endpoint, absl::Duration timeout, uint64_t* raft_term);

 private:
  class Probes;

  void Run();
  // One round. Null: no endpoint serves, for causes that are recorded.
  EtcdSessionPtr Search() ABSL_LOCKS_EXCLUDED(mutex_);
  // What the answers of a round mean; the index of the endpoint to use.
  absl::optional<size_t> Judge(const Probes& probes) ABSL_LOCKS_EXCLUDED(mutex_);
  // False: no token is to be had, for a cause that is recorded.
  bool Authenticate(size_t index, std::string* token) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status NoSession() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Starts a call that the destructor cancels, and waits for its end.
  grpc::Status Perform(
      absl::Duration timeout,
      const std::function<void(grpc::ClientContext*, std::function<void(grpc::Status)>)>& start)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // False: we are stopping, the call must not be started.
  bool AddCall(const std::shared_ptr<grpc::ClientContext>& call) ABSL_LOCKS_EXCLUDED(mutex_);
  void RemoveCall(const std::shared_ptr<grpc::ClientContext>& call) ABSL_LOCKS_EXCLUDED(mutex_);

  // Constant after construction.
  const std::vector<std::shared_ptr<const EtcdEndpoint>> endpoints_;
  const EtcdUser user_;
  const std::function<void()> on_change_;

  std::atomic<uint64_t> raft_term_{0};

  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  EtcdSessionPtr current_ ABSL_GUARDED_BY(mutex_);
  std::string token_ ABSL_GUARDED_BY(mutex_);
  bool must_authenticate_ ABSL_GUARDED_BY(mutex_);
  size_t avoid_ ABSL_GUARDED_BY(mutex_);  // index of what failed last; none: endpoints_.size()
  uint64_t cluster_id_ ABSL_GUARDED_BY(mutex_) = 0;          // 0: nobody has answered yet
  std::vector<std::string> causes_ ABSL_GUARDED_BY(mutex_);  // by endpoint; why not
  // Not OK: what the last round found will not pass by itself.
  absl::Status final_error_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::shared_ptr<grpc::ClientContext>> calls_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace curatord

#endif  // SERVER_STORE_ETCD_SESSIONS_H_
