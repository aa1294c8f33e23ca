// X.509 certificates as curators use them, and the four kinds they issue.
#ifndef LIBCLIENT_IDENTITY_CERTIFICATE_H_
#define LIBCLIENT_IDENTITY_CERTIFICATE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libclient/identity/key.h"

struct x509_st;

namespace curator::identity {

// A parsed certificate. Immutable; copies share it. Parsing says nothing about
// trust: that is verification.h.
class Certificate {
 public:
  // The whole input must be one certificate.
  static absl::StatusOr<Certificate> FromDer(absl::string_view der);
  // Exactly one CERTIFICATE block; text around it is ignored.
  static absl::StatusOr<Certificate> FromPem(absl::string_view pem);

  std::string der() const;
  std::string pem() const;
  std::string sha256() const;  // lower-case hex over the DER

  std::string public_key() const;   // 32 bytes; empty if the key is not Ed25519
  std::string common_name() const;  // empty if there is none or more than one
  std::vector<std::string> dns_names() const;
  absl::Time not_before() const;
  absl::Time not_after() const;
  bool is_ca() const;
  bool has_server_auth() const;  // explicitly present
  bool has_client_auth() const;
  // Signature by `issuer_public_key` (32 bytes, Ed25519) over this certificate.
  bool SignedBy(absl::string_view issuer_public_key) const;

  x509_st* get() const { return x509_.get(); }

 private:
  friend class CertificateBuilder;
  explicit Certificate(std::shared_ptr<x509_st> x509) : x509_(std::move(x509)) {}
  std::shared_ptr<x509_st> x509_;
};

// All are valid until 9999-12-31T23:59:59Z and carry the key usages of the
// protocol (docs/architecture.md, identities). Public keys must be 32 bytes.
Certificate IssueCaCertificate(const PrivateKey& key, absl::string_view common_name);
Certificate IssueNodeCertificate(const Certificate& ca, const PrivateKey& ca_key,
                                 absl::string_view node_public_key);
Certificate IssueUserCertificate(const Certificate& ca, const PrivateKey& ca_key,
                                 absl::string_view user_public_key, absl::string_view user_name);
// Empty subject and issuer, serial 1, self-signed: proves possession of `key`.
Certificate IssueEphemeralCertificate(const PrivateKey& key);

}  // namespace curator::identity

#endif  // LIBCLIENT_IDENTITY_CERTIFICATE_H_
