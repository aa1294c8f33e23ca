// How an agent waits and calls: for as long as it takes, at a pace that spares
// the cluster.
//
// Threads: each object is used by one thread at a time.
#ifndef LIBCLIENT_CLIENT_AGENT_CALLS_H_
#define LIBCLIENT_CLIENT_AGENT_CALLS_H_

#include <functional>
#include <stop_token>
#include <string>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "libclient/core/backoff.h"
#include "libclient/net/leader_call.h"
#include "libclient/net/leader_finder.h"

namespace curator {

// Waits; false if `stop` or the deadline ended the wait.
bool PauseFor(absl::Duration delay, core::Instant deadline, const std::stop_token& stop);

// Failures in a row: logged at powers of two, with a growing delay between them.
class FailureStreak {
 public:
  using Log = std::function<void(absl::string_view)>;
  explicit FailureStreak(Log log) : log_(std::move(log)) {}

  // Counts one more. Returns how long to wait before the next try.
  absl::Duration Add(absl::string_view doing, const absl::Status& status);
  void Reset();
  int failures() const { return failures_; }

 private:
  Log log_;
  core::Backoff backoff_;
  absl::BitGen random_;
  int failures_ = 0;
};

// What ends an agent's call: all else may pass, and the call is repeated.
enum class Patience {
  kUntilRefused,    // enrolling: the operator is there to correct an untrusted endpoint
  kUntilForgotten,  // running: endpoints come and go, only the cluster's word is final
};
bool IsFinal(const absl::Status& status, Patience patience);

// CallLeader until it succeeds or fails for good, or `context` ends it. Only for
// methods that may be repeated. `trace` is of the last call.
absl::Status CallPatiently(net::LeaderFinder& finder, const net::CallContext& context,
                           Patience patience, const FailureStreak::Log& log,
                           absl::string_view method, const google::protobuf::Message& request,
                           google::protobuf::Message* response, net::CallTrace* trace = nullptr);

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_AGENT_CALLS_H_
