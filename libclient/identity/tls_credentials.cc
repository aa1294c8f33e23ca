#include "libclient/identity/tls_credentials.h"

#include <atomic>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_certificate_verifier.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "libclient/identity/certificate.h"

namespace curator::identity {
namespace {

std::string Copy(const grpc::string_ref& text) { return std::string(text.data(), text.size()); }

// Judges the server's certificate during the handshake, and writes down what it
// saw: gRPC tells its caller no more than that the connection failed.
class ServerVerifier final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  ServerVerifier(ChannelTrust trust, std::shared_ptr<PeerRecord> record)
      : trust_(std::move(trust)), record_(std::move(record)) {}

  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)> /*callback*/, grpc::Status* sync_status) override {
    if (trust_.one_connection && accepted_) {
      *sync_status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                                  "the connection is lost, and no other takes its place");
      return true;
    }
    std::string leaf_pem = Copy(request->peer_cert());
    Verification verification = Judge(leaf_pem);
    *sync_status = verification.ok()
                       ? grpc::Status::OK
                       : grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                                      absl::StrCat("the server's certificate is not accepted: ",
                                                   verification.detail));
    absl::optional<std::string> ca_sha256;
    if (trust_.ca.has_value() && verification.fault != CertificateFault::kWrongCa &&
        verification.fault != CertificateFault::kMalformed) {
      ca_sha256 = trust_.ca->sha256();
    }
    accepted_ = verification.ok();
    record_->Set(std::move(verification), std::move(leaf_pem), std::move(ca_sha256));
    return true;
  }

  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest* /*request*/) override {}

 private:
  Verification Judge(const std::string& leaf_pem) const {
    Verification verification;
    const absl::StatusOr<Certificate> leaf = Certificate::FromPem(leaf_pem);
    if (!leaf.ok()) {
      verification.fault = CertificateFault::kMalformed;
      verification.detail = std::string(leaf.status().message());
      return verification;
    }
    if (!trust_.ca.has_value()) {
      verification.name = leaf->common_name();
      return verification;
    }
    return VerifyNodeCertificate(*leaf, trust_.ca->certificate(), absl::Now(),
                                 trust_.expected_node_id);
  }

  // Constant after construction.
  const ChannelTrust trust_;
  const std::shared_ptr<PeerRecord> record_;

  std::atomic<bool> accepted_{false};
};

}  // namespace

PeerRecord::Seen PeerRecord::Get() const {
  absl::MutexLock lock(&mutex_);
  return seen_;
}

void PeerRecord::Set(Verification verification, std::string leaf_pem,
                     absl::optional<std::string> ca_sha256) {
  absl::MutexLock lock(&mutex_);
  ++seen_.handshakes;
  seen_.verification = std::move(verification);
  seen_.leaf_pem = std::move(leaf_pem);
  seen_.ca_sha256 = std::move(ca_sha256);
}

std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(
    const ChannelTrust& trust, const absl::optional<Identity>& identity,
    std::shared_ptr<PeerRecord> record) {
  grpc::experimental::TlsChannelCredentialsOptions options;
  if (identity.has_value()) {
    options.set_certificate_provider(
        std::make_shared<grpc::experimental::StaticDataCertificateProvider>(
            std::vector<grpc::experimental::IdentityKeyCertPair>{
                {identity->private_key_pem(), identity->certificate_pem()}}));
    options.watch_identity_key_cert_pairs();
  }
  options.set_verify_server_certs(false);
  options.set_check_call_host(false);
  options.set_certificate_verifier(
      grpc::experimental::ExternalCertificateVerifier::Create<ServerVerifier>(trust,
                                                                              std::move(record)));
  return grpc::experimental::TlsCredentials(options);
}

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const Identity& node) {
  grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  options.pem_key_cert_pairs.push_back({node.private_key_pem(), node.certificate_pem()});
  return grpc::SslServerCredentials(options);
}

}  // namespace curator::identity
