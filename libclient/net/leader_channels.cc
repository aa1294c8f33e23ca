#include "libclient/net/leader_channels.h"

#include <utility>

#include "grpcpp/channel.h"

namespace curator::net {

LeaderChannels::LeaderChannels(std::shared_ptr<grpc::Channel> first,
                               std::function<std::shared_ptr<grpc::Channel>()> open)
    : open_(std::move(open)) {
  connections_.push_back({std::move(first)});
}

std::unique_ptr<LeaderChannels::Place> LeaderChannels::Take() {
  absl::MutexLock lock(&mutex_);
  size_t index = 0;
  while (index < connections_.size() && connections_[index].calls >= kMostCalls) ++index;
  if (index == connections_.size()) connections_.push_back({open_()});
  ++connections_[index].calls;
  return std::unique_ptr<Place>(new Place(shared_from_this(), index, connections_[index].channel));
}

LeaderChannels::Place::Place(std::shared_ptr<LeaderChannels> channels, size_t index,
                             std::shared_ptr<grpc::Channel> channel)
    : channels_(std::move(channels)), index_(index), channel_(std::move(channel)) {}

LeaderChannels::Place::~Place() {
  absl::MutexLock lock(&channels_->mutex_);
  --channels_->connections_[index_].calls;
}

}  // namespace curator::net
