#include "libclient/identity/verification.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libclient/identity/node_id.h"
#include "libclient/identity/openssl.h"

namespace curator::identity {
namespace {

Verification Fault(CertificateFault fault, std::string detail, std::string name = "") {
  Verification verification;
  verification.fault = fault;
  verification.detail = std::move(detail);
  verification.name = std::move(name);
  return verification;
}

Verification Accepted(std::string name) {
  return Fault(CertificateFault::kNone, "", std::move(name));
}

std::string Utc(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string NotEd25519(const Certificate& certificate) {
  ErrorQueueScope errors;
  return absl::StrCat("its key is ", DescribeKeyType(X509_get0_pubkey(certificate.get())),
                      ", not Ed25519");
}

// OpenSSL notes these while it reads the extensions, and lets them pass.
Verification VerifyExtensions(const Certificate& certificate) {
  ErrorQueueScope errors;
  const uint32_t flags = X509_get_extension_flags(certificate.get());
  if ((flags & EXFLAG_INVALID) != 0) {
    return Fault(CertificateFault::kMalformed, "its extensions are malformed");
  }
  if ((flags & EXFLAG_CRITICAL) != 0) {
    return Fault(CertificateFault::kMalformed, "it has an unknown critical extension");
  }
  return {};
}

Verification VerifyValidity(const Certificate& certificate, absl::Time now,
                            absl::string_view whose) {
  if (now < certificate.not_before()) {
    return Fault(CertificateFault::kExpired,
                 absl::StrCat(whose, " is not valid before ", Utc(certificate.not_before()),
                              ", and it is ", Utc(now)));
  }
  if (now > certificate.not_after()) {
    return Fault(CertificateFault::kExpired,
                 absl::StrCat(whose, " has expired at ", Utc(certificate.not_after()),
                              ", and it is ", Utc(now)));
  }
  return {};
}

// A CA but for the signature by its own key.
Verification VerifyMayBeCa(const Certificate& ca) {
  if (ca.public_key().empty()) return Fault(CertificateFault::kMalformed, NotEd25519(ca));
  if (!ca.is_ca()) {
    return Fault(CertificateFault::kMalformed, "it is not the certificate of a CA");
  }
  if (Verification extensions = VerifyExtensions(ca); !extensions.ok()) return extensions;
  ErrorQueueScope errors;
  if ((X509_get_key_usage(ca.get()) & KU_KEY_CERT_SIGN) == 0) {
    return Fault(CertificateFault::kMalformed, "its key usage does not allow it to sign");
  }
  return {};
}

// What nodes' and users' certificates have in common. The signature comes before
// anything that reads what only the cluster may say.
Verification VerifyIssued(const Certificate& leaf, const Certificate& ca) {
  // Its own signature proves nothing that the pin does not: looked at when it is pinned.
  if (Verification root = VerifyMayBeCa(ca); !root.ok()) {
    return Fault(CertificateFault::kWrongCa, absl::StrCat("the pinned CA is none: ", root.detail));
  }
  if (leaf.is_ca()) {
    return Fault(CertificateFault::kMalformed, "it is the certificate of a CA");
  }
  if (!leaf.SignedBy(ca.public_key())) {
    return Fault(CertificateFault::kWrongCa,
                 absl::StrCat("it is not signed by the CA SHA256:", ca.sha256()));
  }
  if (leaf.public_key().empty()) return Fault(CertificateFault::kMalformed, NotEd25519(leaf));
  return VerifyExtensions(leaf);
}

Verification VerifyBothValidities(const Certificate& leaf, const Certificate& ca, absl::Time now) {
  if (Verification validity = VerifyValidity(leaf, now, "it"); !validity.ok()) return validity;
  return VerifyValidity(ca, now, "its CA");
}

}  // namespace

Verification VerifyCaCertificate(const Certificate& ca) {
  if (Verification verification = VerifyMayBeCa(ca); !verification.ok()) return verification;
  if (!ca.SignedBy(ca.public_key())) {
    return Fault(CertificateFault::kMalformed, "it is not signed by its own key");
  }
  return Accepted(ca.common_name());
}

Verification VerifyNodeCertificate(const Certificate& leaf, const Certificate& ca, absl::Time now,
                                   absl::string_view expected_node_id) {
  const std::string name = leaf.common_name();
  Verification verification = VerifyIssued(leaf, ca);
  verification.name = name;
  if (!verification.ok()) return verification;
  if (!leaf.has_server_auth()) {
    return Fault(CertificateFault::kMalformed,
                 absl::StrCat("its extended key usage lacks serverAuth",
                              leaf.has_client_auth() ? ": it is a user's" : ""),
                 name);
  }
  const std::string id = NodeIdFromPublicKey(leaf.public_key());
  if (name != id) {
    return Fault(CertificateFault::kMalformed,
                 absl::StrCat("its common name \"", name, "\" is not the id of its key, ", id),
                 name);
  }
  const std::vector<std::string> dns_names = leaf.dns_names();
  if (std::find(dns_names.begin(), dns_names.end(), id) == dns_names.end()) {
    return Fault(CertificateFault::kMalformed, "its node id is not among its DNS names", name);
  }
  if (!expected_node_id.empty() && id != expected_node_id) {
    return Fault(CertificateFault::kWrongNode,
                 absl::StrCat("it is of node ", id, ", not of ", expected_node_id), name);
  }
  verification = VerifyBothValidities(leaf, ca, now);
  verification.name = name;
  return verification;
}

Verification VerifyUserCertificate(const Certificate& leaf, const Certificate& ca, absl::Time now) {
  const std::string name = leaf.common_name();
  Verification verification = VerifyIssued(leaf, ca);
  verification.name = name;
  if (!verification.ok()) return verification;
  if (!leaf.has_client_auth()) {
    return Fault(CertificateFault::kMalformed,
                 absl::StrCat("its extended key usage lacks clientAuth",
                              leaf.has_server_auth() ? ": it is a node's" : ""),
                 name);
  }
  if (name.empty()) {
    return Fault(CertificateFault::kMalformed, "its common name is empty");
  }
  verification = VerifyBothValidities(leaf, ca, now);
  verification.name = name;
  return verification;
}

Verification VerifyEphemeralCertificate(const Certificate& certificate) {
  const std::string public_key = certificate.public_key();
  if (public_key.empty()) return Fault(CertificateFault::kMalformed, NotEd25519(certificate));
  if (!certificate.SignedBy(public_key)) {
    return Fault(CertificateFault::kMalformed, "it is not signed by its own key");
  }
  return {};
}

}  // namespace curator::identity
