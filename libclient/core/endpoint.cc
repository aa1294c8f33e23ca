#include "libclient/core/endpoint.h"

#include <arpa/inet.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace curator::core {
namespace {

bool IsIp(int family, const std::string& host) {
  unsigned char buffer[sizeof(in6_addr)];
  return inet_pton(family, host.c_str(), buffer) == 1;
}

// An IPv6 address may name its zone ("fe80::1%eth0"); the zone is not parsed.
bool IsIpv6Text(absl::string_view host) {
  return IsIp(AF_INET6, std::string(host.substr(0, host.find('%'))));
}

bool IsHostName(absl::string_view host) {
  if (host.empty() || host.size() > 253 || host.front() == '-' || host.front() == '.') return false;
  for (char c : host) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.' && c != '_') {
      return false;
    }
  }
  return !absl::StrContains(host, "..");
}

absl::Status Invalid(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("endpoint \"", text, "\": ", why));
}

}  // namespace

bool Endpoint::is_ipv4() const { return IsIp(AF_INET, host); }
bool Endpoint::is_ipv6() const { return IsIpv6Text(host); }

std::string Endpoint::ToString() const {
  if (absl::StrContains(host, ':')) return absl::StrCat("[", host, "]:", port);
  return absl::StrCat(host, ":", port);
}

absl::StatusOr<Endpoint> ParseEndpoint(absl::string_view text) {
  const absl::string_view trimmed = absl::StripAsciiWhitespace(text);
  if (trimmed.empty()) return Invalid(text, "is empty");
  if (absl::StrContains(trimmed, "://")) {
    return Invalid(text, "is a URL: give the host alone, or host:port");
  }

  absl::string_view host = trimmed;
  absl::optional<absl::string_view> port;
  if (trimmed.front() == '[') {
    const size_t close = trimmed.find(']');
    if (close == absl::string_view::npos) return Invalid(text, "has no closing bracket");
    host = trimmed.substr(1, close - 1);
    const absl::string_view rest = trimmed.substr(close + 1);
    if (!IsIpv6Text(host)) return Invalid(text, "brackets hold no IPv6 address");
    if (!rest.empty()) {
      if (rest.front() != ':') return Invalid(text, "has text after the bracket");
      port = rest.substr(1);
    }
  } else if (!IsIpv6Text(trimmed)) {
    const size_t colon = trimmed.rfind(':');
    if (colon != absl::string_view::npos) {
      host = trimmed.substr(0, colon);
      port = trimmed.substr(colon + 1);
    }
    if (absl::StrContains(host, ':')) {
      return Invalid(text, "an IPv6 address with a port needs brackets");
    }
    if (!IsHostName(host)) return Invalid(text, "is neither a host name nor an IP address");
  }

  Endpoint endpoint;
  endpoint.host = absl::AsciiStrToLower(host);
  if (port.has_value()) {
    int number = 0;
    const bool digits = !port->empty() && port->find_first_not_of("0123456789") == port->npos;
    if (!digits || !absl::SimpleAtoi(*port, &number) || number < 1 || number > 65535) {
      return Invalid(text, "port is not a number from 1 to 65535");
    }
    endpoint.port = number;
  }
  return endpoint;
}

}  // namespace curator::core
