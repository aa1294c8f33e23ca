#include "server/pki/cluster_pki.h"

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/store/keys.h"

namespace curatord {

using curator::identity::Certificate;
using curator::identity::PrivateKey;

absl::StatusOr<ClusterPki> LoadClusterPki(const FindValue& find) {
  absl::optional<std::string> certificate_der = find(keys::kCaCertificate);
  absl::optional<std::string> raw_key = find(keys::kCaPrivateKey);
  if (!certificate_der.has_value() || !raw_key.has_value()) {
    return absl::DataLossError("the store holds no cluster CA");
  }
  absl::StatusOr<Certificate> ca = Certificate::FromDer(*certificate_der);
  if (!ca.ok()) {
    return absl::DataLossError(absl::StrCat("the cluster CA is damaged: ", ca.status().message()));
  }
  absl::StatusOr<PrivateKey> key = PrivateKey::FromRaw(*raw_key);
  if (!key.ok() || key->public_key() != ca->public_key()) {
    return absl::DataLossError("the private key of the cluster CA is damaged or another's");
  }
  return ClusterPki{*std::move(ca), *std::move(key)};
}

std::string IssueEmptyRevocationList(const ClusterPki& pki) {
  std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> crl(X509_CRL_new(), X509_CRL_free);
  std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> updated(
      ASN1_TIME_set(nullptr, ::time(nullptr)), ASN1_TIME_free);
  std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> next(ASN1_TIME_new(), ASN1_TIME_free);
  ASN1_TIME_set_string(next.get(), "99991231235959Z");
  X509_CRL_set_version(crl.get(), 1);  // v2
  X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(pki.ca.get()));
  X509_CRL_set1_lastUpdate(crl.get(), updated.get());
  X509_CRL_set1_nextUpdate(crl.get(), next.get());
  X509_CRL_sign(crl.get(), pki.ca_key.get(), nullptr);
  unsigned char* der = nullptr;
  const int size = i2d_X509_CRL(crl.get(), &der);
  if (size <= 0) return "";
  std::string result(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return result;
}

}  // namespace curatord
