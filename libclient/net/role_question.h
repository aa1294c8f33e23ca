// RoleQuestion: who leads, asked of one curator on one connection, once.
//
// Threads: the caller's, which it blocks.
// Shutdown: the destructor ends the stream and waits for its end.
#ifndef LIBCLIENT_NET_ROLE_QUESTION_H_
#define LIBCLIENT_NET_ROLE_QUESTION_H_

#include <stop_token>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "curator/credentials.h"
#include "grpcpp/support/status.h"
#include "libclient/core/instant.h"
#include "libclient/core/leader_view.h"
#include "libclient/net/endpoint_channel.h"
#include "libclient/net/leader_watch.h"

namespace curator::net {

struct RoleAnswer {
  absl::optional<core::LeaderView::Statement> statement;
  std::string contradiction;
  grpc::Status status;  // why the stream ended, where nothing was said
};

// `ca` none: no proof of leadership is asked for.
class RoleQuestion {
 public:
  RoleQuestion(const EndpointChannel& channel, const absl::optional<ClusterCa>& ca);
  ~RoleQuestion();
  RoleQuestion(const RoleQuestion&) = delete;
  RoleQuestion& operator=(const RoleQuestion&) = delete;

  // Until something is said, the stream ends, a stop or the deadline. Once.
  RoleAnswer Await(core::Instant deadline, const std::vector<std::stop_token>& stops);

 private:
  void End();

  absl::Mutex mutex_;
  RoleAnswer answer_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  LeaderWatch watch_;
};

}  // namespace curator::net

#endif  // LIBCLIENT_NET_ROLE_QUESTION_H_
