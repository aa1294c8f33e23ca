#include "server/leader/aaa_service.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/key.h"
#include "server/nodes/decision.h"
#include "server/pki/cluster_owner.h"
#include "server/pki/cluster_pki.h"
#include "server/rpc/exchange_stream.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

using metropolis::proto::api::EscrowRequest;
using metropolis::proto::api::EscrowResponse;

// The owner's certificate: issued once, then the stored one again. Whose key is not the
// owner's is refused. Who that is others than the leader may change (`curatord owner
// replace`): what is decided here holds only while it is so in the store.
Operations DecideOwnerCertificate(const DecisionView& view, const std::string& public_key,
                                  std::string* certificate) {
  const absl::optional<std::string> owner_key = OwnerKeyIn(view.FindGuarded(keys::kInitialOwner));
  if (!owner_key.has_value()) {
    return absl::FailedPreconditionError("this cluster has no owner to be taken by");
  }
  if (!curator::identity::ConstantTimeEqual(*owner_key, public_key)) {
    return absl::PermissionDeniedError("this key is not the key of the cluster's owner");
  }
  absl::optional<std::string> issued = view.Find(keys::kOwnerCertificate);
  if (IsCertificateOf(issued, public_key)) {
    *certificate = *std::move(issued);
    return std::vector<Operation>{};
  }
  absl::StatusOr<ClusterPki> pki =
      LoadClusterPki([&view](absl::string_view key) { return view.Find(key); });
  if (!pki.ok()) return pki.status();
  *certificate = IssueUserCertificate(pki->ca, pki->ca_key, public_key, kOwnerName).der();
  return std::vector<Operation>{Operation::Put(std::string(keys::kOwnerCertificate), *certificate)};
}

class EscrowStream final : public ExchangeStream<EscrowRequest, EscrowResponse> {
 public:
  EscrowStream(Leadership* leadership, Caller caller)
      : leadership_(leadership), caller_(std::move(caller)) {}

 private:
  void OnRequest(const EscrowRequest& request) override {
    if (!request.has_parameters()) {
      End(absl::InvalidArgumentError("the first message must carry parameters"));
      return;
    }
    const EscrowRequest::Parameters& parameters = request.parameters();
    if (parameters.requested_identity_name() != kOwnerName) {
      End(absl::UnimplementedError(absl::StrCat("only the identity \"", kOwnerName,
                                                "\" is issued, not ",
                                                Quoted(parameters.requested_identity_name()))));
      return;
    }
    if (parameters.public_key().size() != 32) {
      End(absl::InvalidArgumentError(absl::StrCat("public_key has ", parameters.public_key().size(),
                                                  " bytes, 32 are needed")));
      return;
    }
    if (caller_.kind != Caller::Kind::kEphemeral) {
      EscrowResponse response;
      response.add_needed()->set_kind(EscrowResponse::ProofRequest::KIND_REFRESH_CERTIFICATE);
      ReplyAndEnd(
          std::move(response),
          absl::UnauthenticatedError("connect with a self-signed certificate of the owner's key"));
      return;
    }
    if (caller_.public_key != parameters.public_key()) {
      End(absl::UnimplementedError(
          "the key of the connection is another than the one that is asked for"));
      return;
    }
    auto self = std::static_pointer_cast<EscrowStream>(shared_from_this());
    auto certificate = std::make_shared<std::string>();
    leadership_->Write(
        [public_key = caller_.public_key, certificate](const DecisionView& view) {
          return DecideOwnerCertificate(view, public_key, certificate.get());
        },
        [self, certificate](const absl::Status& status) {
          if (!status.ok()) {
            self->End(status);
            return;
          }
          EscrowResponse response;
          response.add_fulfilled()->set_kind(
              EscrowResponse::ProofRequest::KIND_REFRESH_CERTIFICATE);
          response.set_emitted_certificate(*certificate);
          self->ReplyAndEnd(std::move(response), absl::OkStatus());
        });
  }

  Leadership* const leadership_;
  const Caller caller_;
};

}  // namespace

grpc::ServerBidiReactor<EscrowRequest, EscrowResponse>* AaaService::Escrow(
    grpc::CallbackServerContext* context) {
  SayTerm(context, leader_.leadership->term());
  absl::StatusOr<Caller> caller =
      leader_.authorizer->Authorize(*context, "metropolis.proto.api.AAA.Escrow");
  auto stream =
      std::make_shared<EscrowStream>(leader_.leadership, caller.ok() ? *caller : Caller{});
  auto* reactor = stream->Own();
  if (caller.ok()) {
    stream->Read();
  } else {
    stream->End(caller.status());
  }
  return reactor;
}

}  // namespace curatord
