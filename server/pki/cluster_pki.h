// The cluster's certificate authority as it rests in the store.
#ifndef SERVER_PKI_CLUSTER_PKI_H_
#define SERVER_PKI_CLUSTER_PKI_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/key.h"

namespace curatord {

struct ClusterPki {
  curator::identity::Certificate ca;
  curator::identity::PrivateKey ca_key;
};

// `find` gives the value of a key of store/keys.h. kDataLoss if the CA is
// missing, damaged, or its key is another's.
using FindValue = std::function<absl::optional<std::string>(absl::string_view key)>;
absl::StatusOr<ClusterPki> LoadClusterPki(const FindValue& find);

// A certificate revocation list (DER) that revokes nothing: what a new cluster has.
std::string IssueEmptyRevocationList(const ClusterPki& pki);

}  // namespace curatord

#endif  // SERVER_PKI_CLUSTER_PKI_H_
