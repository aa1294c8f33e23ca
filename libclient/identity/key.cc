#include "libclient/identity/key.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/sha.h>
#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "libclient/identity/openssl.h"
#include "libclient/identity/pem.h"

namespace curator::identity {
namespace {

constexpr char kPkcs8Type[] = "PRIVATE KEY";
constexpr char kOwnerType[] = "METROPOLIS INITIAL OWNER PRIVATE KEY";
constexpr char kPublicType[] = "PUBLIC KEY";
constexpr size_t kSeedSize = 32;
constexpr size_t kSignatureSize = 64;
constexpr size_t kRawSize = kSeedSize + kPublicKeySize;
// PKCS#8 of an Ed25519 key up to its seed (RFC 8410). Written, and read where it is just
// this, without OpenSSL, whose general way costs a short command a tenth of its time.
constexpr absl::string_view kPkcs8Prefix(
    "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", 16);

EvpKeyPtr KeyFromSeed(absl::string_view seed) {
  return EvpKeyPtr(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, Bytes(seed), seed.size()));
}

EvpKeyPtr KeyFromPkcs8(absl::string_view der) {
  if (absl::string_view seed = der;
      absl::ConsumePrefix(&seed, kPkcs8Prefix) && seed.size() == kSeedSize) {
    return KeyFromSeed(seed);
  }
  const unsigned char* at = Bytes(der);
  PKCS8_PRIV_KEY_INFO* info = d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size()));
  if (info == nullptr) return nullptr;
  EvpKeyPtr key(EVP_PKCS82PKEY(info));
  PKCS8_PRIV_KEY_INFO_free(info);
  return key;
}

std::string Seed(const EVP_PKEY* key) {
  std::string seed(kSeedSize, '\0');
  size_t size = seed.size();
  if (EVP_PKEY_get_raw_private_key(key, reinterpret_cast<unsigned char*>(seed.data()), &size) !=
          1 ||
      size != kSeedSize) {
    OutOfResources("reading a private key");
  }
  return seed;
}

}  // namespace

void OutOfResources(const char* doing) {
  std::fprintf(stderr, "fatal: out of memory or randomness while %s\n", doing);
  std::abort();
}

std::string DescribeKeyType(const EVP_PKEY* key) {
  if (key == nullptr) return "unknown";
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_ED25519:
      return "Ed25519";
    case EVP_PKEY_RSA:
      return absl::StrCat("RSA-", EVP_PKEY_get_bits(key));
    case EVP_PKEY_EC: {
      char group[64] = "";
      size_t size = 0;
      EVP_PKEY_get_group_name(key, group, sizeof(group), &size);
      return absl::StrCat("ECDSA ", group);
    }
    default: {
      const char* name = EVP_PKEY_get0_type_name(key);
      return name == nullptr ? "unknown" : name;
    }
  }
}

std::string RawEd25519PublicKey(const EVP_PKEY* key) {
  if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519) return "";
  ErrorQueueScope errors;
  std::string raw(kPublicKeySize, '\0');
  size_t size = raw.size();
  if (EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw.data()), &size) != 1 ||
      size != kPublicKeySize) {
    return "";
  }
  return raw;
}

EvpKeyPtr Ed25519PublicKey(absl::string_view raw) {
  if (raw.size() != kPublicKeySize) return nullptr;
  ErrorQueueScope errors;
  return EvpKeyPtr(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(raw), raw.size()));
}

PrivateKey PrivateKey::Generate() {
  ErrorQueueScope errors;
  std::string seed = RandomBytes(kSeedSize);
  EvpKeyPtr key = KeyFromSeed(seed);
  OPENSSL_cleanse(seed.data(), seed.size());
  if (key == nullptr) OutOfResources("generating a key");
  return PrivateKey(std::move(key));
}

absl::StatusOr<PrivateKey> PrivateKey::FromRaw(absl::string_view raw) {
  ErrorQueueScope errors;
  if (raw.size() != kRawSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("a raw Ed25519 private key has ", kRawSize, " bytes, found ", raw.size()));
  }
  EvpKeyPtr key = KeyFromSeed(raw.substr(0, kSeedSize));
  if (key == nullptr) return absl::InternalError("reading a raw private key failed");
  if (RawEd25519PublicKey(key.get()) != raw.substr(kSeedSize)) {
    return absl::InvalidArgumentError(
        "the public half of the raw private key does not belong to its seed");
  }
  return PrivateKey(std::move(key));
}

absl::StatusOr<PrivateKey> PrivateKey::FromPem(absl::string_view pem) {
  ErrorQueueScope errors;
  const std::vector<PemBlock> blocks = ReadPem(pem);
  const PemBlock* found = nullptr;
  for (const PemBlock& block : blocks) {
    if (!absl::EndsWith(block.type, kPkcs8Type)) continue;
    if (found != nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected one private key, found ", DescribeBlocks(blocks)));
    }
    found = &block;
  }
  if (found == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a private key, found ", DescribeBlocks(blocks)));
  }
  if (found->type == kOwnerType) return FromRaw(found->data);
  if (found->type != kPkcs8Type) {
    return absl::InvalidArgumentError(absl::StrCat("expected an Ed25519 key of PEM type ",
                                                   kPkcs8Type, " (PKCS#8) or ", kOwnerType,
                                                   ", found a ", found->type));
  }
  EvpKeyPtr key = KeyFromPkcs8(found->data);
  if (key == nullptr) {
    return absl::InvalidArgumentError("the private key is garbled: no PKCS#8 structure");
  }
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected an Ed25519 private key, found ", DescribeKeyType(key.get())));
  }
  return PrivateKey(std::move(key));
}

std::string PrivateKey::ToPem() const {
  ErrorQueueScope errors;
  std::string seed = Seed(key_.get());
  std::string der = absl::StrCat(kPkcs8Prefix, seed);
  std::string pem = WritePem(kPkcs8Type, der);
  OPENSSL_cleanse(seed.data(), seed.size());
  OPENSSL_cleanse(der.data(), der.size());
  return pem;
}

std::string PrivateKey::ToOwnerPem() const { return WritePem(kOwnerType, ToRaw()); }

std::string PrivateKey::ToRaw() const { return Seed(key_.get()) + public_key(); }

std::string PrivateKey::public_key() const { return RawEd25519PublicKey(key_.get()); }

std::string PrivateKey::Sign(absl::string_view message) const {
  ErrorQueueScope errors;
  const EvpDigestContextPtr context(EVP_MD_CTX_new());
  std::string signature(kSignatureSize, '\0');
  size_t size = signature.size();
  if (context == nullptr ||
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     Bytes(message), message.size()) != 1) {
    OutOfResources("signing");
  }
  return signature;
}

bool VerifySignature(absl::string_view public_key, absl::string_view message,
                     absl::string_view signature) {
  ErrorQueueScope errors;
  const EvpKeyPtr key = Ed25519PublicKey(public_key);
  const EvpDigestContextPtr context(EVP_MD_CTX_new());
  return key != nullptr && context != nullptr && signature.size() == kSignatureSize &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(message),
                          message.size()) == 1;
}

absl::StatusOr<std::string> PublicKeyFromPem(absl::string_view pem) {
  ErrorQueueScope errors;
  const std::vector<PemBlock> blocks = ReadPem(pem);
  if (blocks.size() != 1 || blocks[0].type != kPublicType) {
    return absl::InvalidArgumentError(absl::StrCat("expected one PEM block of type ", kPublicType,
                                                   ", found ", DescribeBlocks(blocks)));
  }
  const unsigned char* at = Bytes(blocks[0].data);
  const EvpKeyPtr key(d2i_PUBKEY(nullptr, &at, static_cast<long>(blocks[0].data.size())));
  if (key == nullptr) {
    return absl::InvalidArgumentError("the public key is garbled: no SubjectPublicKeyInfo");
  }
  std::string raw = RawEd25519PublicKey(key.get());
  if (raw.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected an Ed25519 public key, found ", DescribeKeyType(key.get())));
  }
  return raw;
}

std::string PublicKeyToPem(absl::string_view public_key) {
  ErrorQueueScope errors;
  const EvpKeyPtr key = Ed25519PublicKey(public_key);
  if (key == nullptr) return "";
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key.get(), &der);
  if (size <= 0) OutOfResources("writing a public key");
  std::string pem = WritePem(kPublicType, absl::string_view(reinterpret_cast<const char*>(der),
                                                            static_cast<size_t>(size)));
  OPENSSL_free(der);
  return pem;
}

std::string RandomBytes(size_t size) {
  std::string bytes(size, '\0');
  for (size_t done = 0; done < size;) {
    const ssize_t count = getrandom(bytes.data() + done, size - done, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) OutOfResources("reading random bytes");
    done += static_cast<size_t>(count);
  }
  return bytes;
}

bool ConstantTimeEqual(absl::string_view a, absl::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string Sha256(absl::string_view data) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(Bytes(data), data.size(), reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

std::string Sha256Hex(absl::string_view data) { return absl::BytesToHexString(Sha256(data)); }

}  // namespace curator::identity
