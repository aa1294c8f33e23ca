// Who we are and whom we trust. Values, immutable after construction, cheap to
// copy, safe to share between threads. Keys are Ed25519; anything else is refused
// with a message that says what was found.
#ifndef CURATOR_CREDENTIALS_H_
#define CURATOR_CREDENTIALS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace curator {

namespace identity {
class Certificate;
class PrivateKey;
}  // namespace identity

// The certificate authority of one cluster: what a client pins.
class ClusterCa {
 public:
  // A PEM file may hold other blocks; exactly one CERTIFICATE is expected.
  static absl::StatusOr<ClusterCa> FromPem(absl::string_view pem);
  static absl::StatusOr<ClusterCa> FromDer(absl::string_view der);

  std::string pem() const;
  std::string der() const;
  std::string sha256() const;  // lower-case hex of the SHA-256 of the DER, 64 digits
  std::string subject() const;
  absl::Time not_after() const;

  const identity::Certificate& certificate() const { return *certificate_; }

 private:
  explicit ClusterCa(std::shared_ptr<const identity::Certificate> certificate);
  std::shared_ptr<const identity::Certificate> certificate_;
};

// Accepts 64 hex digits in either case, with or without colons and a leading
// "SHA256:"; returns the bare lower-case form.
absl::StatusOr<std::string> ParseFingerprint(absl::string_view text);

// A certificate and its private key: a user, a node, or an ephemeral identity.
class Identity {
 public:
  // The key may be PKCS#8 or of type METROPOLIS INITIAL OWNER PRIVATE KEY. Fails
  // if the two do not belong together.
  static absl::StatusOr<Identity> FromPem(absl::string_view certificate_pem,
                                          absl::string_view private_key_pem);
  // Self-signed certificate that proves possession of the key and no more
  // (AAA.Escrow, RegisterNode, CommitNode, JoinNode).
  static absl::StatusOr<Identity> Ephemeral(const identity::PrivateKey& key);

  std::string subject() const;  // common name; empty for ephemeral
  absl::Time not_after() const;
  bool is_ephemeral() const;
  std::string public_key() const;  // 32 raw bytes
  std::string certificate_pem() const;
  std::string certificate_der() const;
  std::string private_key_pem() const;  // PKCS#8; secret

  const identity::Certificate& certificate() const { return *certificate_; }

 private:
  Identity(std::shared_ptr<const identity::Certificate> certificate,
           std::shared_ptr<const identity::PrivateKey> key);
  std::shared_ptr<const identity::Certificate> certificate_;
  std::shared_ptr<const identity::PrivateKey> key_;
};

// A new owner key for `curatord init` and Client::TakeOwnership.
struct OwnerKey {
  std::string private_key_pem;  // METROPOLIS INITIAL OWNER PRIVATE KEY; secret
  std::string public_key_pem;   // SubjectPublicKeyInfo
  std::string public_key;       // 32 raw bytes
};
absl::StatusOr<OwnerKey> GenerateOwnerKey();

// Identity::Ephemeral of a key in PEM, of either kind that Identity::FromPem takes.
absl::StatusOr<Identity> EphemeralIdentityFromPem(absl::string_view private_key_pem);

// The certificate a cluster issued for the key. Fails if it is not of this key,
// and as VerifyUser does.
absl::StatusOr<Identity> UserIdentity(const ClusterCa& ca, absl::string_view certificate_der,
                                      absl::string_view private_key_pem);

// OK if `user` is a user of the cluster now; else the reason: Unauthenticated if
// it has expired, FailedPrecondition if it is another cluster's or no user's.
absl::Status VerifyUser(const ClusterCa& ca, const Identity& user);

}  // namespace curator

#endif  // CURATOR_CREDENTIALS_H_
