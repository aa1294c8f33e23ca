// What a certificate proves (protocol section 1). The one place that decides.
#ifndef LIBCLIENT_IDENTITY_VERIFICATION_H_
#define LIBCLIENT_IDENTITY_VERIFICATION_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libclient/identity/certificate.h"

namespace curator::identity {

// Why a certificate was not accepted; status messages carry the details.
enum class CertificateFault { kNone, kWrongCa, kWrongNode, kExpired, kMalformed };

struct Verification {
  CertificateFault fault = CertificateFault::kNone;
  std::string detail;  // lower-case fragment; empty if none
  std::string name;    // node id or user name, where it could be read
  bool ok() const { return fault == CertificateFault::kNone; }
};

// A CA that may be pinned: self-signed, CA:TRUE, Ed25519.
Verification VerifyCaCertificate(const Certificate& ca);

// Signed by the CA, not itself a CA, Ed25519, serverAuth, CN is the node id of
// its own key and among its DNS names, valid at `now`. With a non-empty
// `expected_node_id`, that node and no other (kWrongNode).
Verification VerifyNodeCertificate(const Certificate& leaf, const Certificate& ca, absl::Time now,
                                   absl::string_view expected_node_id = "");

// Signed by the CA, not itself a CA, Ed25519, clientAuth, CN not empty, valid at `now`.
Verification VerifyUserCertificate(const Certificate& leaf, const Certificate& ca, absl::Time now);

// Ed25519 and signed by its own key; nothing else is checked. `name` stays empty.
Verification VerifyEphemeralCertificate(const Certificate& certificate);

}  // namespace curator::identity

#endif  // LIBCLIENT_IDENTITY_VERIFICATION_H_
