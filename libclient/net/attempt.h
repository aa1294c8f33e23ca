// One request on one channel, once: no retry, no judgement. Blocks until the
// call has ended, and ends it early when told to.
#ifndef LIBCLIENT_NET_ATTEMPT_H_
#define LIBCLIENT_NET_ATTEMPT_H_

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "google/protobuf/message.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/status.h"
#include "libclient/core/instant.h"

namespace curator::net {

struct AttemptOptions {
  core::Instant deadline = core::kNever;
  std::vector<std::stop_token> stops;  // any of them cancels the call
  std::vector<std::pair<std::string, std::string>> metadata;
};

// `path` is "/package.Service/Method". `response` is cleared first.
grpc::Status AttemptUnary(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                          const AttemptOptions& options, const google::protobuf::Message& request,
                          google::protobuf::Message* response);

// Sends one request and half-closes. On gRPC's threads: each message is read into
// what `buffer` returns, then `on_message` is called; false ends the call.
grpc::Status AttemptStream(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                           const AttemptOptions& options, const google::protobuf::Message& request,
                           const std::function<google::protobuf::Message*()>& buffer,
                           const std::function<bool()>& on_message);

// The same for a stream that stands for long. `on_message` is called on the
// calling thread and returns how long the next message may take, or nothing to end the
// call; it is read only then, so a slow reader holds the server up instead of filling memory. A
// stream that is silent for longer (`first_within` at the beginning) is cancelled and ends as
// UNAVAILABLE. After a stop nothing is told any more.
grpc::Status AttemptFollow(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                           const AttemptOptions& options, const google::protobuf::Message& request,
                           google::protobuf::Message* buffer, absl::Duration first_within,
                           const std::function<absl::optional<absl::Duration>()>& on_message);

}  // namespace curator::net

#endif  // LIBCLIENT_NET_ATTEMPT_H_
