// Who owns the cluster, as it rests in the store: the key that may take ownership, and the
// certificate that was issued to it, once it has. There is one owner, and no other user.
#ifndef SERVER_PKI_CLUSTER_OWNER_H_
#define SERVER_PKI_CLUSTER_OWNER_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace curatord {

// The name that the owner's certificate carries.
inline constexpr char kOwnerName[] = "owner";

// The raw key in the value of keys::kInitialOwner; none if there is none, or it is damaged.
absl::optional<std::string> OwnerKeyIn(const absl::optional<std::string>& stored);
// The value of keys::kInitialOwner that names `public_key`.
std::string OwnerRecordOf(const std::string& public_key);

// Whether `certificate` (DER), the value of keys::kOwnerCertificate, is one of `public_key`.
bool IsCertificateOf(const absl::optional<std::string>& certificate, absl::string_view public_key);

}  // namespace curatord

#endif  // SERVER_PKI_CLUSTER_OWNER_H_
