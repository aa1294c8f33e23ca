#include "server/pki/cluster_owner.h"

#include "absl/status/statusor.h"
#include "libclient/identity/certificate.h"
#include "metropolis/storage.pb.h"

namespace curatord {

absl::optional<std::string> OwnerKeyIn(const absl::optional<std::string>& stored) {
  curator::storage::InitialOwner owner;
  if (!stored.has_value() || !owner.ParseFromString(*stored) || owner.public_key().empty()) {
    return absl::nullopt;
  }
  return std::move(*owner.mutable_public_key());
}

std::string OwnerRecordOf(const std::string& public_key) {
  curator::storage::InitialOwner owner;
  owner.set_public_key(public_key);
  return owner.SerializeAsString();
}

bool IsCertificateOf(const absl::optional<std::string>& certificate, absl::string_view public_key) {
  if (!certificate.has_value()) return false;
  const absl::StatusOr<curator::identity::Certificate> parsed =
      curator::identity::Certificate::FromDer(*certificate);
  return parsed.ok() && parsed->public_key() == public_key;
}

}  // namespace curatord
