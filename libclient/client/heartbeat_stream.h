// HeartbeatStream: one Curator.Heartbeat stream on one connection. Sends when
// told to, says whether the answer came. Does not decide what follows.
//
// Threads: used by one; gRPC's threads post what they see.
// Shutdown: the destructor cancels the stream and waits until gRPC is done with it.
#ifndef LIBCLIENT_CLIENT_HEARTBEAT_STREAM_H_
#define LIBCLIENT_CLIENT_HEARTBEAT_STREAM_H_

#include <memory>
#include <stop_token>
#include <vector>

#include "absl/strings/string_view.h"
#include "libclient/core/call_outcome.h"
#include "libclient/core/instant.h"

namespace grpc {
class Channel;
}

namespace curator {

class HeartbeatStream {
 public:
  explicit HeartbeatStream(std::shared_ptr<grpc::Channel> channel);
  ~HeartbeatStream();
  HeartbeatStream(const HeartbeatStream&) = delete;
  HeartbeatStream& operator=(const HeartbeatStream&) = delete;

  // The previous heartbeat must have been answered.
  void Send();

  enum class Event {
    kAnswered,  // the heartbeat that was sent last
    kEnded,     // the stream is over; outcome() says why
    kStopped,   // by one of the stop tokens
    kElapsed,   // none of these until the deadline
  };
  Event AwaitAnswer(core::Instant deadline, const std::vector<std::stop_token>& stops);
  // Never kAnswered.
  Event AwaitEnd(core::Instant deadline, const std::vector<std::stop_token>& stops);

  // Tells the server that no more will come, and waits until it has ended the stream.
  void Close(core::Instant deadline);

  // Only after kEnded.
  core::CallOutcome outcome() const;

 private:
  class Reactor;
  std::unique_ptr<Reactor> reactor_;
};

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_HEARTBEAT_STREAM_H_
