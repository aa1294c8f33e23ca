// Where an etcd store is and how to get in, as the URL of store.h says it.
#ifndef SERVER_STORE_ETCD_URL_H_
#define SERVER_STORE_ETCD_URL_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libclient/core/endpoint.h"

namespace curatord {

// Where the existing system keeps a cluster's state (protocol section 5).
inline constexpr absl::string_view kDefaultEtcdPrefix = "namespaced:curator/";

struct EtcdUrl {
  std::vector<curator::core::Endpoint> endpoints;  // one or more, each once
  std::string prefix = std::string(kDefaultEtcdPrefix);
  bool tls = false;
  std::string ca_file;    // empty with TLS: what the host trusts
  std::string cert_file;  // both or neither
  std::string key_file;
  std::string user;  // both or neither
  std::string password_file;

  // For people: endpoints, and the prefix if it is another than the default.
  std::string Name() const;
};

// True for the schemes etcd:// and etcds://.
bool IsEtcdUrl(absl::string_view url);

// The URL that says the same: "etcd://h1:2379,h2:2379?prefix=…". Nothing is checked.
std::string MakeEtcdUrl(const std::vector<std::string>& endpoints, bool tls,
                        const std::vector<std::pair<std::string, std::string>>& parameters);

// kInvalidArgument says what is wrong, and names the parameters there are.
absl::StatusOr<EtcdUrl> ParseEtcdUrl(absl::string_view url);

}  // namespace curatord

#endif  // SERVER_STORE_ETCD_URL_H_
