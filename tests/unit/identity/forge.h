// Certificates and keys that the product would never make.
#ifndef TESTS_UNIT_IDENTITY_FORGE_H_
#define TESTS_UNIT_IDENTITY_FORGE_H_

#include <string>

#include "absl/time/time.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/key.h"
#include "libclient/identity/openssl.h"

namespace curator::identity::testing {

enum class KeyKind { kEd25519, kRsa, kEcdsa };

EvpKeyPtr ForgeKey(KeyKind kind);
std::string PrivateKeyPem(EVP_PKEY* key);  // PKCS#8
std::string PublicKeyPem(EVP_PKEY* key);

// What a forged certificate says. The defaults make a good node certificate
// when `common_name` and `dns_name` are the node's id.
struct Forgery {
  EVP_PKEY* key = nullptr;              // certified; required
  EVP_PKEY* signer = nullptr;           // required
  const Certificate* issuer = nullptr;  // none: self-issued
  std::string common_name;
  std::string dns_name;  // empty: no subjectAltName
  std::string basic_constraints = "critical,CA:FALSE";
  std::string key_usage = "critical,digitalSignature,keyEncipherment";
  std::string extended_key_usage = "serverAuth";  // empty: none
  std::string unknown_critical_extension;         // an OID; empty: none
  absl::Time not_before = absl::UnixEpoch();
  absl::Time not_after = absl::FromCivil(absl::CivilYear(2100), absl::UTCTimeZone());
};
Certificate Forge(const Forgery& forgery);

}  // namespace curator::identity::testing

#endif  // TESTS_UNIT_IDENTITY_FORGE_H_
