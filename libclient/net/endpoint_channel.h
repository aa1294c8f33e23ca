// One gRPC channel to one curator. The only place with channel arguments.
#ifndef LIBCLIENT_NET_ENDPOINT_CHANNEL_H_
#define LIBCLIENT_NET_ENDPOINT_CHANNEL_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "curator/credentials.h"
#include "libclient/core/endpoint.h"

namespace grpc {
class Channel;
}
namespace curator::identity {
class PeerRecord;
}

namespace curator::net {

struct ChannelOptions {
  absl::optional<ClusterCa> ca;                              // none: trust on first use
  absl::optional<Identity> identity;                         // none: no client certificate is sent
  std::string expected_node_id;                              // empty: any node of the cluster
  absl::Duration keepalive_time = absl::InfiniteDuration();  // infinite: no pings
  absl::Duration keepalive_timeout = absl::Milliseconds(500);
  absl::Duration connect_timeout = absl::Seconds(5);
  bool one_connection = false;  // ChannelTrust::one_connection
};

struct EndpointChannel {
  std::shared_ptr<grpc::Channel> channel;
  std::shared_ptr<identity::PeerRecord> peer;  // what its verifier saw
};

// Connects when the first call is made. Never shares a connection, or another
// channel's reconnect backoff.
EndpointChannel OpenChannel(const core::Endpoint& endpoint, const ChannelOptions& options);

}  // namespace curator::net

#endif  // LIBCLIENT_NET_ENDPOINT_CHANNEL_H_
