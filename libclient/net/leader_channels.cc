#include "libclient/net/leader_channels.h"

#include <algorithm>
#include <utility>

#include "grpcpp/channel.h"
#include "libclient/identity/tls_credentials.h"
#include "libclient/net/monotonic.h"
#include "libclient/net/pause.h"
#include "libclient/net/role_question.h"

namespace curator::net {
namespace {

// Whoever did not get one, for whatever reason, makes do; the next may ask again.
constexpr absl::Duration kBetweenRefusals = absl::Seconds(1);

}  // namespace

LeaderChannels::LeaderChannels(std::shared_ptr<grpc::Channel> first, Open open)
    : open_(std::move(open)) {
  connections_.push_back({std::move(first)});
}

std::unique_ptr<LeaderChannels::Place> LeaderChannels::Take(
    core::Instant deadline, const std::vector<std::stop_token>& stops) {
  const auto settled = [this]()
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !opening_ || HasRoom(); };
  bool in_time = true;
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      if (HasRoom() || Now() < not_before_ || !in_time) return PlaceAt(FirstWithRoom());
    }
    in_time = AwaitUnlessStopped(mutex_, settled, deadline, stops) == WaitEnd::kHappened;
    {
      absl::MutexLock lock(&mutex_);
      if (!in_time || opening_ || HasRoom()) continue;
      opening_ = true;
    }
    std::shared_ptr<grpc::Channel> further = open_(deadline, stops);
    absl::MutexLock lock(&mutex_);
    opening_ = false;
    if (further != nullptr) {
      connections_.push_back({std::move(further)});
    } else {
      not_before_ = core::After(Now(), kBetweenRefusals);
      in_time = false;
    }
  }
}

std::unique_ptr<LeaderChannels::Place> LeaderChannels::PlaceAt(size_t index) {
  ++connections_[index].calls;
  return std::unique_ptr<Place>(new Place(shared_from_this(), index, connections_[index].channel));
}

bool LeaderChannels::HasRoom() const { return connections_[FirstWithRoom()].calls < kMostCalls; }

size_t LeaderChannels::FirstWithRoom() const {
  size_t emptiest = 0;
  for (size_t index = 0; index < connections_.size(); ++index) {
    if (connections_[index].calls < kMostCalls) return index;
    if (connections_[index].calls < connections_[emptiest].calls) emptiest = index;
  }
  return emptiest;
}

LeaderChannels::Place::Place(std::shared_ptr<LeaderChannels> channels, size_t index,
                             std::shared_ptr<grpc::Channel> channel)
    : channels_(std::move(channels)), index_(index), channel_(std::move(channel)) {}

LeaderChannels::Place::~Place() {
  absl::MutexLock lock(&channels_->mutex_);
  --channels_->connections_[index_].calls;
}

LeaderChannels::Open OpenProved(const core::Endpoint& endpoint, const ChannelOptions& first,
                                std::shared_ptr<identity::PeerRecord> peer, bool accept_unproven) {
  return [=, peer = std::move(peer)](
             core::Instant deadline,
             const std::vector<std::stop_token>& stops) -> std::shared_ptr<grpc::Channel> {
    ChannelOptions options = first;
    options.expected_node_id = peer->Get().verification.name;
    const EndpointChannel further = OpenChannel(endpoint, options);
    const core::Instant in_time = core::After(Now(), options.connect_timeout);
    const RoleAnswer answer =
        RoleQuestion(further, options.ca).Await(std::min(deadline, in_time), stops);
    const bool leads = answer.statement.has_value() && answer.contradiction.empty() &&
                       answer.statement->claims() &&
                       core::IsCredible(*answer.statement, accept_unproven);
    return leads ? further.channel : nullptr;
  };
}

}  // namespace curator::net
