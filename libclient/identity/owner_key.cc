// The owner's key and certificate, as a command line handles them.
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "curator/credentials.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/key.h"
#include "libclient/identity/verification.h"

namespace curator {

absl::StatusOr<OwnerKey> GenerateOwnerKey() {
  const identity::PrivateKey key = identity::PrivateKey::Generate();
  return OwnerKey{key.ToOwnerPem(), identity::PublicKeyToPem(key.public_key()), key.public_key()};
}

std::string Identity::public_key() const { return certificate_->public_key(); }

absl::StatusOr<Identity> EphemeralIdentityFromPem(absl::string_view private_key_pem) {
  absl::StatusOr<identity::PrivateKey> key = identity::PrivateKey::FromPem(private_key_pem);
  if (!key.ok()) return key.status();
  return Identity::Ephemeral(*key);
}

absl::StatusOr<Identity> UserIdentity(const ClusterCa& ca, absl::string_view certificate_der,
                                      absl::string_view private_key_pem) {
  absl::StatusOr<identity::Certificate> certificate =
      identity::Certificate::FromDer(certificate_der);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<Identity> user = Identity::FromPem(certificate->pem(), private_key_pem);
  if (!user.ok()) return user.status();
  if (absl::Status status = VerifyUser(ca, *user); !status.ok()) return status;
  return user;
}

absl::Status VerifyUser(const ClusterCa& ca, const Identity& user) {
  const identity::Verification verification =
      identity::VerifyUserCertificate(user.certificate(), ca.certificate(), absl::Now());
  if (verification.ok()) return absl::OkStatus();
  const std::string message =
      absl::StrCat("the certificate of \"", user.subject(),
                   "\" is not one of a user of the cluster with CA SHA256:", ca.sha256(), ": ",
                   verification.detail);
  if (verification.fault == identity::CertificateFault::kExpired) {
    return absl::UnauthenticatedError(message);
  }
  return absl::FailedPreconditionError(message);
}

}  // namespace curator
