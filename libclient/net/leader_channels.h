// LeaderChannels: the connections to one leader, and how many calls each carries.
//
// A server takes so many calls on a connection at a time (ours 100), and gRPC makes those
// beyond it wait inside the client, a short one behind streams that stand for hours. So a
// further connection to the same node is opened before the first is full. The first is the
// one by which the leader was found: it stands for all, and when it breaks they are left.
//
// Thread-safe.
#ifndef LIBCLIENT_NET_LEADER_CHANNELS_H_
#define LIBCLIENT_NET_LEADER_CHANNELS_H_

#include <deque>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace grpc {
class Channel;
}

namespace curator::net {

class LeaderChannels : public std::enable_shared_from_this<LeaderChannels> {
 public:
  // Some calls go past this count: the stream by which the leader was found, heartbeats.
  static constexpr int kMostCalls = 80;

  // `open` is called under a lock and must not block: gRPC's channels connect when used.
  LeaderChannels(std::shared_ptr<grpc::Channel> first,
                 std::function<std::shared_ptr<grpc::Channel>()> open);

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
  std::unique_ptr<Place> Take() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Connection {
    std::shared_ptr<grpc::Channel> channel;
    int calls = 0;
  };

  const std::function<std::shared_ptr<grpc::Channel>()> open_;
  absl::Mutex mutex_;
  std::deque<Connection> connections_ ABSL_GUARDED_BY(mutex_);  // grows only
};

}  // namespace curator::net

#endif  // LIBCLIENT_NET_LEADER_CHANNELS_H_
