// Where a curator listens, as people write it and as we dial it.
#ifndef LIBCLIENT_CORE_ENDPOINT_H_
#define LIBCLIENT_CORE_ENDPOINT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace curator::core {

inline constexpr int kDefaultPort = 7835;

struct Endpoint {
  std::string host;  // name or IP address, without brackets, lower case
  int port = kDefaultPort;

  bool is_ipv4() const;
  bool is_ipv6() const;
  // "host:port", "[ipv6]:port": the form in reports, and the key of an endpoint.
  std::string ToString() const;

  friend bool operator==(const Endpoint& a, const Endpoint& b) {
    return a.port == b.port && a.host == b.host;
  }
};

// "host", "host:port", "[ipv6]", "[ipv6]:port", and a bare IPv6 address, which
// then has no port. Errors say what is wrong and quote the text.
absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view text);

}  // namespace curator::core

#endif  // LIBCLIENT_CORE_ENDPOINT_H_
