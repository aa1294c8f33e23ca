// LeaderCall: one logical call to whichever curator leads.
//
// Attempts, classifies the outcome once (core/call_outcome.h), decides once
// (core/retry_policy.h), and goes on until the call settles, its deadline passes
// or it is cancelled. What was not executed is repeated; what may have been is
// repeated only if the method declares itself idempotent (idempotency_level in
// proto/), always under the same curator-request-id. Blocks the calling thread;
// the attempts run on gRPC's threads.
//
// Methods are named in full: "metropolis.proto.api.Management.GetClusterInfo".
#ifndef LIBCLIENT_NET_LEADER_CALL_H_
#define LIBCLIENT_NET_LEADER_CALL_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "curator/client.h"
#include "google/protobuf/message.h"
#include "libclient/core/call_outcome.h"
#include "libclient/core/instant.h"
#include "libclient/net/leader_finder.h"

namespace curator::net {

// What bounds a call. One deadline for all attempts together.
struct CallContext {
  core::Instant deadline = core::kNever;
  absl::optional<Cancellation> cancellation;
  size_t listing_bytes = CallOptions().listing_bytes;

  CallContext() = default;
  explicit CallContext(const CallOptions& options);

  // The same, ending earlier by a fifth of the time left, by `at_most`: so that
  // after a lost answer there is time to see what became of the call.
  CallContext LeavingTime(absl::Duration at_most) const;
};

// How the call went, for those who report on it or read back after it.
struct CallTrace {
  int attempts = 0;
  bool maybe_executed = false;  // of any attempt
  int64_t sent_term = 0;        // highest term a request was sent under; 0: not told
  LeaderConnection leader;      // of the last attempt
  core::OwnNode own_node = core::OwnNode::kNotTold;  // by the answer to it
  core::Cause cause = core::Cause::kOk;              // of how it ended
};

// Unary. Errors are curator::Error (DescribeError): final refusals by their
// code; kNoLeader or kUnreachable when no leader was found in time; kTimeout
// when a leader did not answer; kUnknownOutcome when a method with side effects
// may have been executed; kUnsupported when a confirmed leader lacks it.
absl::Status CallLeader(LeaderFinder& finder, const CallContext& context, absl::string_view method,
                        const google::protobuf::Message& request,
                        google::protobuf::Message* response, CallTrace* trace = nullptr);

// Any streaming method used as "one request, then read all that comes": a retry
// starts over, so `restart` is called before each attempt and must forget what
// `add` received. Both are called from gRPC's threads, one at a time, not after
// this function returned. What `add` returns, unless it is OK, ends the call as its result.
absl::Status CallLeaderStream(LeaderFinder& finder, const CallContext& context,
                              absl::string_view method, const google::protobuf::Message& request,
                              google::protobuf::Message* buffer, std::function<void()> restart,
                              std::function<absl::Status()> add, CallTrace* trace = nullptr);

// One of two ways to ask for the same, as the arguments of CallLeaderStream.
struct StreamCall {
  absl::string_view method;
  const google::protobuf::Message& request;
  // Where the next message is read to; called on gRPC's threads as well.
  std::function<google::protobuf::Message*()> buffer;
  std::function<void()> restart;
  std::function<absl::Status()> add;
};

// By `preferred`, a method of package curator.v1, where the leader has it, and by
// `fallback` elsewhere. To find out costs one round trip on a connection.
absl::Status CallLeaderStream(LeaderFinder& finder, const CallContext& context,
                              const StreamCall& preferred, const StreamCall& fallback,
                              CallTrace* trace = nullptr);

// A stream that stands as long as its leader leads, and is opened anew on the
// next. `begin` is called before each attempt with the leader it goes to;
// `on_message` after each message has been read into `buffer`, and returns how
// long the next may take (else the leader counts as silent), or an error, which ends the
// call as its result. Both on this thread.
// Never OK: ends as CallLeader does, kTimeout at the deadline.
absl::Status FollowLeader(LeaderFinder& finder, const CallContext& context,
                          absl::string_view method, const google::protobuf::Message& request,
                          google::protobuf::Message* buffer,
                          std::function<void(const LeaderConnection&)> begin,
                          std::function<absl::StatusOr<absl::Duration>()> on_message,
                          CallTrace* trace = nullptr);

}  // namespace curator::net

#endif  // LIBCLIENT_NET_LEADER_CALL_H_
