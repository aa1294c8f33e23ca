#include "tests/unit/identity/forge.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace curator::identity::testing {
namespace {

void AddExtension(X509* x509, X509* issuer, int nid, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, x509, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  EXPECT_NE(extension, nullptr) << value;
  EXPECT_EQ(X509_add_ext(x509, extension, -1), 1);
  X509_EXTENSION_free(extension);
}

void AddUnknownCriticalExtension(X509* x509, const std::string& oid) {
  if (oid.empty()) return;
  ASN1_OBJECT* object = OBJ_txt2obj(oid.c_str(), 1);
  ASN1_OCTET_STRING* data = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(data, reinterpret_cast<const unsigned char*>("\x05\x00"), 2);
  X509_EXTENSION* extension = X509_EXTENSION_create_by_OBJ(nullptr, object, 1, data);
  EXPECT_EQ(X509_add_ext(x509, extension, -1), 1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(data);
  ASN1_OBJECT_free(object);
}

}  // namespace

EvpKeyPtr ForgeKey(KeyKind kind) {
  switch (kind) {
    case KeyKind::kRsa:
      return EvpKeyPtr(EVP_RSA_gen(2048));
    case KeyKind::kEcdsa:
      return EvpKeyPtr(EVP_EC_gen("P-256"));
    case KeyKind::kEd25519:
      break;
  }
  return EvpKeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

std::string PrivateKeyPem(EVP_PKEY* key) {
  const BioPtr bio = WritingBio();
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return Written(bio.get());
}

std::string PublicKeyPem(EVP_PKEY* key) {
  const BioPtr bio = WritingBio();
  PEM_write_bio_PUBKEY(bio.get(), key);
  return Written(bio.get());
}

Certificate Forge(const Forgery& forgery) {
  const X509Ptr x509(X509_new());
  X509_set_version(x509.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 7);
  X509_set_pubkey(x509.get(), forgery.key);
  ASN1_TIME_set(X509_getm_notBefore(x509.get()), absl::ToTimeT(forgery.not_before));
  ASN1_TIME_set(X509_getm_notAfter(x509.get()), absl::ToTimeT(forgery.not_after));
  if (!forgery.common_name.empty()) {
    X509_NAME_add_entry_by_NID(X509_get_subject_name(x509.get()), NID_commonName, V_ASN1_UTF8STRING,
                               Bytes(forgery.common_name),
                               static_cast<int>(forgery.common_name.size()), -1, 0);
  }
  X509* issuer = forgery.issuer == nullptr ? x509.get() : forgery.issuer->get();
  X509_set_issuer_name(x509.get(), X509_get_subject_name(issuer));
  AddExtension(x509.get(), issuer, NID_basic_constraints, forgery.basic_constraints);
  AddExtension(x509.get(), issuer, NID_key_usage, forgery.key_usage);
  AddExtension(x509.get(), issuer, NID_ext_key_usage, forgery.extended_key_usage);
  if (!forgery.dns_name.empty()) {
    AddExtension(x509.get(), issuer, NID_subject_alt_name, absl::StrCat("DNS:", forgery.dns_name));
  }
  AddUnknownCriticalExtension(x509.get(), forgery.unknown_critical_extension);
  const bool ed25519 = EVP_PKEY_get_base_id(forgery.signer) == EVP_PKEY_ED25519;
  EXPECT_GT(X509_sign(x509.get(), forgery.signer, ed25519 ? nullptr : EVP_sha256()), 0);
  unsigned char* der = nullptr;
  const int size = i2d_X509(x509.get(), &der);
  absl::StatusOr<Certificate> parsed = Certificate::FromDer(
      absl::string_view(reinterpret_cast<const char*>(der), static_cast<size_t>(size)));
  OPENSSL_free(der);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return *parsed;
}

}  // namespace curator::identity::testing
