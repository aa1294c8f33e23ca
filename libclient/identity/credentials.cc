#include "curator/credentials.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/key.h"
#include "libclient/identity/openssl.h"
#include "libclient/identity/verification.h"

namespace curator {
namespace {

absl::StatusOr<identity::Certificate> CheckedCa(absl::StatusOr<identity::Certificate> parsed) {
  if (!parsed.ok()) return parsed;
  if (const identity::Verification verification = identity::VerifyCaCertificate(*parsed);
      !verification.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the certificate cannot be a cluster's CA: ", verification.detail));
  }
  return parsed;
}

}  // namespace

ClusterCa::ClusterCa(std::shared_ptr<const identity::Certificate> certificate)
    : certificate_(std::move(certificate)) {}

absl::StatusOr<ClusterCa> ClusterCa::FromPem(absl::string_view pem) {
  absl::StatusOr<identity::Certificate> ca = CheckedCa(identity::Certificate::FromPem(pem));
  if (!ca.ok()) return ca.status();
  return ClusterCa(std::make_shared<const identity::Certificate>(*std::move(ca)));
}

absl::StatusOr<ClusterCa> ClusterCa::FromDer(absl::string_view der) {
  absl::StatusOr<identity::Certificate> ca = CheckedCa(identity::Certificate::FromDer(der));
  if (!ca.ok()) return ca.status();
  return ClusterCa(std::make_shared<const identity::Certificate>(*std::move(ca)));
}

std::string ClusterCa::pem() const { return certificate_->pem(); }
std::string ClusterCa::der() const { return certificate_->der(); }
std::string ClusterCa::sha256() const { return certificate_->sha256(); }
std::string ClusterCa::subject() const { return certificate_->common_name(); }
absl::Time ClusterCa::not_after() const { return certificate_->not_after(); }

absl::StatusOr<std::string> ParseFingerprint(absl::string_view text) {
  absl::string_view rest = absl::StripAsciiWhitespace(text);
  constexpr char kPrefix[] = "SHA256:";
  if (absl::StartsWithIgnoreCase(rest, kPrefix)) rest.remove_prefix(sizeof(kPrefix) - 1);
  std::string digits = absl::AsciiStrToLower(absl::StrReplaceAll(rest, {{":", ""}}));
  constexpr size_t kDigits = 64;
  if (digits.size() != kDigits ||
      !std::all_of(digits.begin(), digits.end(), absl::ascii_isxdigit)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text,
                                                   "\" is no SHA-256 fingerprint: expected ",
                                                   kDigits, " hex digits, with or without colons"));
  }
  return digits;
}

Identity::Identity(std::shared_ptr<const identity::Certificate> certificate,
                   std::shared_ptr<const identity::PrivateKey> key)
    : certificate_(std::move(certificate)), key_(std::move(key)) {}

absl::StatusOr<Identity> Identity::FromPem(absl::string_view certificate_pem,
                                           absl::string_view private_key_pem) {
  absl::StatusOr<identity::Certificate> certificate =
      identity::Certificate::FromPem(certificate_pem);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<identity::PrivateKey> key = identity::PrivateKey::FromPem(private_key_pem);
  if (!key.ok()) {
    return absl::Status(key.status().code(),
                        absl::StrCat("the private key: ", key.status().message()));
  }
  const std::string certified = certificate->public_key();
  if (certified.empty()) {
    identity::ErrorQueueScope errors;
    return absl::InvalidArgumentError(
        absl::StrCat("expected the certificate of an Ed25519 key, found ",
                     identity::DescribeKeyType(X509_get0_pubkey(certificate->get()))));
  }
  if (certified != key->public_key()) {
    return absl::InvalidArgumentError("the certificate and the private key do not belong together");
  }
  return Identity(std::make_shared<const identity::Certificate>(*std::move(certificate)),
                  std::make_shared<const identity::PrivateKey>(*std::move(key)));
}

absl::StatusOr<Identity> Identity::Ephemeral(const identity::PrivateKey& key) {
  return Identity(
      std::make_shared<const identity::Certificate>(identity::IssueEphemeralCertificate(key)),
      std::make_shared<const identity::PrivateKey>(key));
}

std::string Identity::subject() const { return certificate_->common_name(); }
absl::Time Identity::not_after() const { return certificate_->not_after(); }

bool Identity::is_ephemeral() const {
  return identity::VerifyEphemeralCertificate(*certificate_).ok();
}

std::string Identity::certificate_pem() const { return certificate_->pem(); }
std::string Identity::certificate_der() const { return certificate_->der(); }
std::string Identity::private_key_pem() const { return key_->ToPem(); }

}  // namespace curator
