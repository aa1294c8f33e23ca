// Ed25519 keys. Public keys are passed around as their 32 raw bytes.
#ifndef LIBCLIENT_IDENTITY_KEY_H_
#define LIBCLIENT_IDENTITY_KEY_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct evp_pkey_st;

namespace curator::identity {

// Of an Ed25519 key, raw.
inline constexpr size_t kPublicKeySize = 32;

// An immutable private key; copies share it.
class PrivateKey {
 public:
  static PrivateKey Generate();
  // PKCS#8 PEM, or the existing operator tool's METROPOLIS INITIAL OWNER PRIVATE
  // KEY (64 raw bytes: seed, then public key).
  static absl::StatusOr<PrivateKey> FromPem(absl::string_view pem);
  // 64 bytes: seed, then public key, which must match (as /cluster-pki/keys holds).
  static absl::StatusOr<PrivateKey> FromRaw(absl::string_view raw);

  std::string ToPem() const;       // PKCS#8
  std::string ToOwnerPem() const;  // METROPOLIS INITIAL OWNER PRIVATE KEY
  std::string ToRaw() const;       // 64 bytes
  std::string public_key() const;  // 32 bytes

  // Ed25519, 64 bytes. Whoever lets others choose what is signed sees to it that it
  // cannot be taken for something else.
  std::string Sign(absl::string_view message) const;

  evp_pkey_st* get() const { return key_.get(); }

 private:
  explicit PrivateKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

// SubjectPublicKeyInfo PEM. Errors name the key type that was found.
absl::StatusOr<std::string> PublicKeyFromPem(absl::string_view pem);
std::string PublicKeyToPem(absl::string_view public_key);

// `public_key` is 32 bytes; false for any other, and for a signature of another size.
bool VerifySignature(absl::string_view public_key, absl::string_view message,
                     absl::string_view signature);

// `size` bytes from the operating system's generator.
std::string RandomBytes(size_t size);

// Constant time; false for different sizes.
bool ConstantTimeEqual(absl::string_view a, absl::string_view b);

// 32 bytes.
std::string Sha256(absl::string_view data);
// The same in lower-case hex.
std::string Sha256Hex(absl::string_view data);

}  // namespace curator::identity

#endif  // LIBCLIENT_IDENTITY_KEY_H_
