// Issuing: the exact contents of the four kinds of certificates.
#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/node_id.h"
#include "libclient/identity/openssl.h"

namespace curator::identity {

// A certificate in the making. Only running out of memory makes its steps fail.
class CertificateBuilder {
 public:
  explicit CertificateBuilder(absl::string_view public_key) : x509_(X509_new()) {
    const EvpKeyPtr key = Ed25519PublicKey(public_key);
    Require(x509_ != nullptr && key != nullptr);
    Require(X509_set_version(x509_.get(), X509_VERSION_3) == 1);
    Require(X509_set_pubkey(x509_.get(), key.get()) == 1);
    // Clocks differ: a certificate issued now must be good on a machine that is
    // behind, and it never ends.
    constexpr long kBackdatedSeconds = 3600;
    Require(X509_gmtime_adj(X509_getm_notBefore(x509_.get()), -kBackdatedSeconds) != nullptr);
    Require(ASN1_TIME_set_string(X509_getm_notAfter(x509_.get()), "99991231235959Z") == 1);
  }

  CertificateBuilder& Serial(long number) {
    Require(ASN1_INTEGER_set(X509_get_serialNumber(x509_.get()), number) == 1);
    return *this;
  }

  // Positive, of 127 random bits.
  CertificateBuilder& RandomSerial() {
    std::string bytes = RandomBytes(16);
    bytes[0] = static_cast<char>(bytes[0] & 0x7f);
    BIGNUM* number = BN_bin2bn(Bytes(bytes), static_cast<int>(bytes.size()), nullptr);
    const bool set = number != nullptr &&
                     BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509_.get())) != nullptr;
    BN_free(number);
    Require(set);
    return *this;
  }

  CertificateBuilder& Subject(absl::string_view common_name) {
    // UTF8String by name: the other encoders refuse more than 64 characters.
    Require(X509_NAME_add_entry_by_NID(X509_get_subject_name(x509_.get()), NID_commonName,
                                       V_ASN1_UTF8STRING, Bytes(common_name),
                                       static_cast<int>(common_name.size()), -1, 0) == 1);
    return *this;
  }

  CertificateBuilder& IssuedBy(X509* issuer) {
    issuer_ = issuer;
    Require(X509_set_issuer_name(x509_.get(), X509_get_subject_name(issuer)) == 1);
    return *this;
  }

  CertificateBuilder& SelfIssued() { return IssuedBy(x509_.get()); }

  CertificateBuilder& Extension(int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer_, x509_.get(), nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    const bool added = extension != nullptr && X509_add_ext(x509_.get(), extension, -1) == 1;
    X509_EXTENSION_free(extension);
    Require(added);
    return *this;
  }

  Certificate Sign(const PrivateKey& key) {
    Require(X509_sign(x509_.get(), key.get(), nullptr) > 0);
    return Certificate(std::move(x509_));
  }

 private:
  static void Require(bool done) {
    if (!done) OutOfResources("issuing a certificate");
  }

  ErrorQueueScope errors_;
  X509Ptr x509_;
  X509* issuer_ = nullptr;
};

Certificate IssueCaCertificate(const PrivateKey& key, absl::string_view common_name) {
  return CertificateBuilder(key.public_key())
      .RandomSerial()
      .Subject(common_name)
      .SelfIssued()
      .Extension(NID_basic_constraints, "critical,CA:TRUE")
      .Extension(NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature")
      .Extension(NID_ext_key_usage, "clientAuth,serverAuth,OCSPSigning")
      .Extension(NID_subject_key_identifier, "hash")
      .Sign(key);
}

Certificate IssueNodeCertificate(const Certificate& ca, const PrivateKey& ca_key,
                                 absl::string_view node_public_key) {
  const std::string id = NodeIdFromPublicKey(node_public_key);
  return CertificateBuilder(node_public_key)
      .RandomSerial()
      .Subject(id)
      .IssuedBy(ca.get())
      .Extension(NID_basic_constraints, "critical,CA:FALSE")
      .Extension(NID_key_usage, "critical,digitalSignature,keyEncipherment")
      .Extension(NID_ext_key_usage, "serverAuth")
      .Extension(NID_subject_alt_name, absl::StrCat("DNS:", id))
      .Extension(NID_authority_key_identifier, "keyid")
      .Sign(ca_key);
}

Certificate IssueUserCertificate(const Certificate& ca, const PrivateKey& ca_key,
                                 absl::string_view user_public_key, absl::string_view user_name) {
  return CertificateBuilder(user_public_key)
      .RandomSerial()
      .Subject(user_name)
      .IssuedBy(ca.get())
      .Extension(NID_basic_constraints, "critical,CA:FALSE")
      .Extension(NID_key_usage, "critical,digitalSignature,keyEncipherment")
      .Extension(NID_ext_key_usage, "clientAuth")
      .Extension(NID_authority_key_identifier, "keyid")
      .Sign(ca_key);
}

Certificate IssueEphemeralCertificate(const PrivateKey& key) {
  return CertificateBuilder(key.public_key())
      .Serial(1)
      .SelfIssued()
      .Extension(NID_basic_constraints, "critical,CA:FALSE")
      .Extension(NID_key_usage, "critical,keyEncipherment,digitalSignature,keyCertSign")
      .Extension(NID_ext_key_usage, "clientAuth")
      .Sign(key);
}

}  // namespace curator::identity
