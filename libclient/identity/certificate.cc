#include "libclient/identity/certificate.h"

#include <openssl/pem.h>

#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "libclient/identity/openssl.h"
#include "libclient/identity/pem.h"

namespace curator::identity {
namespace {

constexpr char kCertificateType[] = "CERTIFICATE";

std::string Encode(X509* x509) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(x509, &der);
  if (size <= 0) OutOfResources("encoding a certificate");
  std::string encoded(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return encoded;
}

// Garbled times count as the infinite past: never valid.
absl::Time FromAsn1(const ASN1_TIME* time) {
  ErrorQueueScope errors;
  std::tm parts = {};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return absl::InfinitePast();
  return absl::FromCivil(absl::CivilSecond(parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                                           parts.tm_hour, parts.tm_min, parts.tm_sec),
                         absl::UTCTimeZone());
}

// Only a certificate that lists its purposes has any.
bool HasPurpose(X509* x509, uint32_t purpose) {
  ErrorQueueScope errors;
  return (X509_get_extension_flags(x509) & EXFLAG_XKUSAGE) != 0 &&
         (X509_get_extended_key_usage(x509) & purpose) != 0;
}

}  // namespace

absl::StatusOr<Certificate> Certificate::FromDer(absl::string_view der) {
  ErrorQueueScope errors;
  const unsigned char* at = Bytes(der);
  X509Ptr x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (x509 == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("these ", der.size(), " bytes are no X.509 certificate"));
  }
  // Fingerprints are over what was given: an encoding that would come out
  // differently, or a tail, has two.
  if (Encode(x509.get()) != der) {
    return absl::InvalidArgumentError("the certificate is not DER, or bytes follow it");
  }
  return Certificate(std::move(x509));
}

absl::StatusOr<Certificate> Certificate::FromPem(absl::string_view pem) {
  const std::vector<PemBlock> blocks = ReadPem(pem);
  const PemBlock* found = nullptr;
  for (const PemBlock& block : blocks) {
    if (block.type != kCertificateType) continue;
    if (found != nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected one certificate, found ", DescribeBlocks(blocks)));
    }
    found = &block;
  }
  if (found == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a certificate, found ", DescribeBlocks(blocks)));
  }
  return FromDer(found->data);
}

std::string Certificate::der() const { return Encode(x509_.get()); }

std::string Certificate::pem() const { return WritePem(kCertificateType, der()); }

std::string Certificate::sha256() const { return Sha256Hex(der()); }

std::string Certificate::public_key() const {
  ErrorQueueScope errors;
  return RawEd25519PublicKey(X509_get0_pubkey(x509_.get()));
}

std::string Certificate::common_name() const {
  ErrorQueueScope errors;
  const X509_NAME* subject = X509_get_subject_name(x509_.get());
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, index) >= 0) return "";
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size < 0) return "";
  std::string name(reinterpret_cast<const char*>(text), static_cast<size_t>(size));
  OPENSSL_free(text);
  return name;
}

std::vector<std::string> Certificate::dns_names() const {
  ErrorQueueScope errors;
  std::vector<std::string> names;
  auto* general = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(x509_.get(), NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(general); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(general, i);
    if (name->type != GEN_DNS) continue;
    names.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                       static_cast<size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  GENERAL_NAMES_free(general);
  return names;
}

absl::Time Certificate::not_before() const { return FromAsn1(X509_get0_notBefore(x509_.get())); }

absl::Time Certificate::not_after() const { return FromAsn1(X509_get0_notAfter(x509_.get())); }

bool Certificate::is_ca() const {
  ErrorQueueScope errors;
  return (X509_get_extension_flags(x509_.get()) & EXFLAG_CA) != 0;
}

bool Certificate::has_server_auth() const { return HasPurpose(x509_.get(), XKU_SSL_SERVER); }

bool Certificate::has_client_auth() const { return HasPurpose(x509_.get(), XKU_SSL_CLIENT); }

bool Certificate::SignedBy(absl::string_view issuer_public_key) const {
  ErrorQueueScope errors;
  const EvpKeyPtr issuer = Ed25519PublicKey(issuer_public_key);
  return issuer != nullptr && X509_verify(x509_.get(), issuer.get()) == 1;
}

}  // namespace curator::identity
