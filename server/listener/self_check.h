// SelfCheck: makes a TLS handshake and a call to this curator's own listening address,
// every few seconds while it has a role, and acts if that fails for long (reachability.h).
//
// Threads: Run uses the calling thread; whoever changes the role only posts to it.
// Shutdown: Stop makes Run end its attempt and return OK.
#ifndef SERVER_LISTENER_SELF_CHECK_H_
#define SERVER_LISTENER_SELF_CHECK_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "curator/credentials.h"
#include "grpcpp/client_context.h"
#include "server/election.h"
#include "server/listener/reachability.h"

namespace curatord {

struct SelfCheckOptions {
  std::string node_id;
  curator::ClusterCa ca;
  curator::Identity identity;  // the node's
  std::string listen_address;  // host:port
  absl::Duration lease_ttl;
};

class SelfCheck {
 public:
  // `election` outlives this, and no role is set after this is gone. `rebuild` makes the
  // listener anew, and returns at once.
  SelfCheck(Election* election, std::function<void()> rebuild, SelfCheckOptions options);

  absl::Status Run();
  void Stop();

  // Not OK: this curator cannot be reached, and for how long. Thread-safe.
  absl::Status health() const;

 private:
  absl::Status Reach(absl::Duration timeout);
  void OnFailed(const absl::Status& why, absl::Duration begun);
  void SetHealth(absl::Status health) ABSL_LOCKS_EXCLUDED(mutex_);
  bool AnotherMayLead() const;
  // Returns early when the role changes or Run is to end.
  void Pause(absl::Duration delay) const;

  Election* const election_;
  const std::function<void()> rebuild_;
  const SelfCheckOptions options_;

  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t role_changes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<grpc::ClientContext> attempt_ ABSL_GUARDED_BY(mutex_);
  absl::Status health_ ABSL_GUARDED_BY(mutex_);

  // Of Run's thread.
  uint64_t seen_changes_ = 0;
  Reachability reachability_;
};

}  // namespace curatord

#endif  // SERVER_LISTENER_SELF_CHECK_H_
