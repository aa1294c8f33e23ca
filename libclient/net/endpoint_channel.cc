#include "libclient/net/endpoint_channel.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/support/channel_arguments.h"
#include "libclient/identity/tls_credentials.h"

namespace curator::net {
namespace {

int Millis(absl::Duration duration) {
  return static_cast<int>(std::clamp<int64_t>(absl::ToInt64Milliseconds(duration), 1, 1 << 30));
}

// An address literal needs no resolver.
std::string Target(const core::Endpoint& endpoint) {
  if (endpoint.is_ipv4()) return absl::StrCat("ipv4:", endpoint.ToString());
  if (endpoint.is_ipv6()) return absl::StrCat("ipv6:", endpoint.ToString());
  return absl::StrCat("dns:///", endpoint.ToString());
}

}  // namespace

EndpointChannel OpenChannel(const core::Endpoint& endpoint, const ChannelOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A curator is dialled where it is: a proxy of the environment sees no such traffic.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Retries are decided in one place, and it is not this.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // MIN is the connect timeout: without it a silent peer costs 20 s. It must
  // differ from MAX.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  const int connect_ms = Millis(options.connect_timeout);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, connect_ms == 2000 ? 2001 : connect_ms);
  arguments.SetInt(GRPC_ARG_DNS_ARES_QUERY_TIMEOUT_MS, connect_ms);
  if (options.keepalive_time != absl::InfiniteDuration()) {
    // All four: time and timeout alone never notice a stopped process.
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Millis(options.keepalive_time));
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Millis(options.keepalive_timeout));
    arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  }
  if (!options.expected_node_id.empty()) {
    arguments.SetString(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, options.expected_node_id);
  }

  EndpointChannel opened;
  opened.peer = std::make_shared<identity::PeerRecord>();
  identity::ChannelTrust trust;
  trust.ca = options.ca;
  trust.expected_node_id = options.expected_node_id;
  trust.one_connection = options.one_connection;
  opened.channel = grpc::CreateCustomChannel(
      Target(endpoint), identity::MakeChannelCredentials(trust, options.identity, opened.peer),
      arguments);
  return opened;
}

}  // namespace curator::net
