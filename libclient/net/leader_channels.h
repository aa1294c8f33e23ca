// LeaderChannels: the connections to one leader, and how many calls each carries.
//
// A server takes so many calls on a connection at a time (ours 100), and gRPC makes those
// beyond it wait inside the client, a short one behind streams that stand for hours. So a
// further connection to the same node is opened before the first is full. The first is the
// one by which the leader was found: it stands for all, and when it breaks they are left. On
// each further one the leader proves anew that it leads, before any call goes there.
//
// Thread-safe.
#ifndef LIBCLIENT_NET_LEADER_CHANNELS_H_
#define LIBCLIENT_NET_LEADER_CHANNELS_H_

#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "libclient/core/endpoint.h"
#include "libclient/core/instant.h"
#include "libclient/net/endpoint_channel.h"

namespace grpc {
class Channel;
}

namespace curator::net {

class LeaderChannels : public std::enable_shared_from_this<LeaderChannels> {
 public:
  // Some calls go past this count: the stream by which the leader was found, heartbeats.
  static constexpr int kMostCalls = 80;

  // Opens a further one and has the leader prove itself on it, as it did on the first. Null:
  // it did not, or not in time. Blocks until then, and ends early when stopped.
  using Open = std::function<std::shared_ptr<grpc::Channel>(
      core::Instant deadline, const std::vector<std::stop_token>& stops)>;
  LeaderChannels(std::shared_ptr<grpc::Channel> first, Open open);

  // A place for one call, until it is destroyed.
  class Place {
   public:
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

   private:
    friend class LeaderChannels;
    Place(std::shared_ptr<LeaderChannels> channels, size_t index,
          std::shared_ptr<grpc::Channel> channel);

    const std::shared_ptr<LeaderChannels> channels_;
    const size_t index_;
    const std::shared_ptr<grpc::Channel> channel_;
  };
  // Where no further connection can be had, those that stand carry more calls. Blocks no
  // longer than until the deadline or a stop.
  std::unique_ptr<Place> Take(core::Instant deadline, const std::vector<std::stop_token>& stops)
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Connection {
    std::shared_ptr<grpc::Channel> channel;
    int calls = 0;
  };

  std::unique_ptr<Place> PlaceAt(size_t index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Or the one that carries the fewest calls, where none has.
  size_t FirstWithRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Open open_;
  absl::Mutex mutex_;
  std::deque<Connection> connections_ ABSL_GUARDED_BY(mutex_);  // grows only
  bool opening_ ABSL_GUARDED_BY(mutex_) = false;                // by one at a time
  core::Instant not_before_ ABSL_GUARDED_BY(mutex_){};          // the last one was not had
};

// The further connections of a leader that was found by one with the options of `first`, and
// whose certificate is in `peer`.
LeaderChannels::Open OpenProved(const core::Endpoint& endpoint, const ChannelOptions& first,
                                std::shared_ptr<identity::PeerRecord> peer, bool accept_unproven);

}  // namespace curator::net

#endif  // LIBCLIENT_NET_LEADER_CHANNELS_H_
