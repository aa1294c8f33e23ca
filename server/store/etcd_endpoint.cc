#include "server/store/etcd_endpoint.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/channel_arguments.h"

namespace curatord {
namespace {

// An address literal needs no resolver.
std::string Target(const curator::core::Endpoint& endpoint) {
  if (endpoint.is_ipv4()) return absl::StrCat("ipv4:", endpoint.ToString());
  if (endpoint.is_ipv6()) return absl::StrCat("ipv6:", endpoint.ToString());
  return absl::StrCat("dns:///", endpoint.ToString());
}

grpc::ChannelArguments Arguments() {
  grpc::ChannelArguments arguments;
  // Endpoints share no connections, nor each other's backoff.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Repeating is decided in one place (etcd_call.cc), and it is not this.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  // MIN is the connect timeout, and differs from MAX.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1500);
  // A page of 5,000 keys may be large, and so may a transaction's events.
  arguments.SetMaxReceiveMessageSize(-1);
  // Only a connection in use is pinged, and never more often than every 5 s:
  // etcd answers that with "too many pings".
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 7000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 3000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return arguments;
}

absl::StatusOr<std::string> ReadPem(const std::string& path, absl::string_view parameter) {
  absl::StatusOr<std::string> pem = ReadSmallFile(path);
  if (!pem.ok()) {
    return absl::Status(pem.status().code(),
                        absl::StrCat(parameter, " file ", pem.status().message()));
  }
  if (!absl::StrContains(*pem, "-----BEGIN ")) {
    return absl::InvalidArgumentError(absl::StrCat(parameter, " file ", path, " holds no PEM"));
  }
  return pem;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(const EtcdUrl& url) {
  if (!url.tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  if (!url.ca_file.empty()) {
    absl::StatusOr<std::string> ca = ReadPem(url.ca_file, "ca");
    if (!ca.ok()) return ca.status();
    options.pem_root_certs = *std::move(ca);
  }
  if (!url.cert_file.empty()) {
    absl::StatusOr<std::string> cert = ReadPem(url.cert_file, "cert");
    if (!cert.ok()) return cert.status();
    absl::StatusOr<std::string> key = ReadPem(url.key_file, "key");
    if (!key.ok()) return key.status();
    options.pem_cert_chain = *std::move(cert);
    options.pem_private_key = *std::move(key);
  }
  return grpc::SslCredentials(options);
}

}  // namespace

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    const std::string what = absl::StrCat(path, ": ", std::strerror(errno));
    if (errno == EACCES) return absl::PermissionDeniedError(what);
    return absl::InvalidArgumentError(what);
  }
  std::string content(1 << 20, '\0');
  stream.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (stream.bad() || !stream.eof()) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": not a readable file of under 1 MiB"));
  }
  content.resize(static_cast<size_t>(stream.gcount()));
  return content;
}

absl::StatusOr<std::vector<std::shared_ptr<const EtcdEndpoint>>> OpenEtcdEndpoints(
    const EtcdUrl& url) {
  absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> credentials = Credentials(url);
  if (!credentials.ok()) return credentials.status();
  std::vector<std::shared_ptr<const EtcdEndpoint>> endpoints;
  for (const curator::core::Endpoint& endpoint : url.endpoints) {
    const std::shared_ptr<grpc::Channel> channel =
        grpc::CreateCustomChannel(Target(endpoint), *credentials, Arguments());
    auto opened = std::make_shared<EtcdEndpoint>();
    opened->address = endpoint.ToString();
    opened->kv = etcdserverpb::KV::NewStub(channel);
    opened->watch = etcdserverpb::Watch::NewStub(channel);
    opened->lease = etcdserverpb::Lease::NewStub(channel);
    opened->cluster = etcdserverpb::Cluster::NewStub(channel);
    opened->maintenance = etcdserverpb::Maintenance::NewStub(channel);
    opened->auth = etcdserverpb::Auth::NewStub(channel);
    endpoints.push_back(std::move(opened));
  }
  return endpoints;
}

}  // namespace curatord
