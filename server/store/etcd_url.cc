#include "server/store/etcd_url.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace curatord {
namespace {

constexpr absl::string_view kParameters = "prefix, ca, cert, key, user, password-file";

absl::Status Invalid(absl::string_view url, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("store URL \"", url, "\": ", what));
}

absl::StatusOr<std::string> PercentDecode(absl::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const absl::string_view digits = text.substr(i + 1, 2);
    if (digits.size() < 2 || !absl::ascii_isxdigit(digits[0]) || !absl::ascii_isxdigit(digits[1])) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", text, "\" has a % that two hexadecimal digits do not follow"));
    }
    decoded += absl::HexStringToBytes(digits);
    i += 2;
  }
  return decoded;
}

std::string PercentEncode(absl::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (absl::ascii_isalnum(c) || absl::StrContains("-._~/:", c)) {
      encoded.push_back(c);
    } else {
      absl::StrAppend(&encoded, "%", absl::BytesToHexString(absl::string_view(&c, 1)));
    }
  }
  return encoded;
}

// An endpoint of etcd, whose default port is not a curator's.
absl::StatusOr<curator::core::Endpoint> ParseEtcdEndpoint(absl::string_view text) {
  const auto colons = std::count(text.begin(), text.end(), ':');
  if (absl::EndsWith(text, "]") || (colons == 0 && !text.empty())) {
    return curator::core::ParseEndpoint(absl::StrCat(text, ":2379"));
  }
  if (colons > 1 && !absl::StartsWith(text, "[")) {
    return curator::core::ParseEndpoint(absl::StrCat("[", text, "]:2379"));
  }
  return curator::core::ParseEndpoint(text);
}

std::string* FieldOf(EtcdUrl* url, absl::string_view parameter) {
  if (parameter == "prefix") return &url->prefix;
  if (parameter == "ca") return &url->ca_file;
  if (parameter == "cert") return &url->cert_file;
  if (parameter == "key") return &url->key_file;
  if (parameter == "user") return &url->user;
  if (parameter == "password-file") return &url->password_file;
  return nullptr;
}

absl::Status ParseParameters(absl::string_view query, EtcdUrl* url) {
  std::set<absl::string_view> seen;
  for (const absl::string_view parameter : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(parameter, absl::MaxSplits('=', 1));
    std::string* const field = FieldOf(url, parts.first);
    if (field == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown parameter \"", parts.first, "\"; there are ", kParameters));
    }
    if (!seen.insert(parts.first).second) {
      return absl::InvalidArgumentError(absl::StrCat("\"", parts.first, "\" is given twice"));
    }
    absl::StatusOr<std::string> value = PercentDecode(parts.second);
    if (!value.ok()) return value.status();
    if (value->empty() && parts.first != "prefix") {
      return absl::InvalidArgumentError(absl::StrCat("\"", parts.first, "\" has no value"));
    }
    *field = *std::move(value);
  }
  return absl::OkStatus();
}

}  // namespace

bool IsEtcdUrl(absl::string_view url) {
  return absl::StartsWith(url, "etcd://") || absl::StartsWith(url, "etcds://");
}

std::string EtcdUrl::Name() const {
  std::string name = absl::StrCat(
      tls ? "etcds://" : "etcd://",
      absl::StrJoin(endpoints, ",", [](std::string* out, const curator::core::Endpoint& endpoint) {
        out->append(endpoint.ToString());
      }));
  if (prefix != kDefaultEtcdPrefix) absl::StrAppend(&name, "?prefix=", PercentEncode(prefix));
  return name;
}

std::string MakeEtcdUrl(const std::vector<std::string>& endpoints, bool tls,
                        const std::vector<std::pair<std::string, std::string>>& parameters) {
  std::string url = absl::StrCat(tls ? "etcds://" : "etcd://", absl::StrJoin(endpoints, ","));
  char before = '?';
  for (const auto& [name, value] : parameters) {
    absl::StrAppend(&url, std::string(1, before), name, "=", PercentEncode(value));
    before = '&';
  }
  return url;
}

absl::StatusOr<EtcdUrl> ParseEtcdUrl(absl::string_view url) {
  EtcdUrl parsed;
  absl::string_view rest = url;
  if (absl::ConsumePrefix(&rest, "etcds://")) {
    parsed.tls = true;
  } else if (!absl::ConsumePrefix(&rest, "etcd://")) {
    return Invalid(url, "not of the form etcd://HOST[:2379],…[?PARAMETERS]");
  }
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(rest, absl::MaxSplits('?', 1));
  absl::string_view hosts = parts.first;
  if (absl::StrContains(hosts, '@')) {
    // Not quoted: it may hold a password.
    return absl::InvalidArgumentError(
        "the store URL names a user before @: give user=NAME and password-file=FILE as parameters");
  }
  absl::ConsumeSuffix(&hosts, "/");
  if (absl::StrContains(hosts, '/')) {
    return Invalid(url, "endpoints are followed by a path; give prefix=… as a parameter");
  }
  for (const absl::string_view host : absl::StrSplit(hosts, ',')) {
    absl::StatusOr<curator::core::Endpoint> endpoint = ParseEtcdEndpoint(host);
    if (!endpoint.ok()) return Invalid(url, endpoint.status().message());
    if (std::find(parsed.endpoints.begin(), parsed.endpoints.end(), *endpoint) ==
        parsed.endpoints.end()) {
      parsed.endpoints.push_back(*std::move(endpoint));
    }
  }
  if (absl::Status status = ParseParameters(parts.second, &parsed); !status.ok()) {
    return Invalid(url, status.message());
  }
  if (parsed.cert_file.empty() != parsed.key_file.empty()) {
    return Invalid(url, "\"cert\" and \"key\" go together");
  }
  if (parsed.user.empty() != parsed.password_file.empty()) {
    return Invalid(url, "\"user\" and \"password-file\" go together");
  }
  parsed.tls = parsed.tls || !parsed.ca_file.empty() || !parsed.cert_file.empty();
  return parsed;
}

}  // namespace curatord
