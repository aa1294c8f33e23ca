#include "server/local/local_service.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "libclient/core/error_info.h"
#include "libclient/identity/leadership_proof.h"
#include "server/log.h"
#include "server/pki/cluster_pki.h"
#include "server/rpc/unary_call.h"
#include "server/rpc/write_stream.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

namespace curator_api = ::metropolis::node::core::curator::proto::api;

class LeaderStream final : public WriteStream<curator_api::GetCurrentLeaderResponse> {
 public:
  LeaderStream(ClusterState* state, Role role, std::string node_id)
      : state_(state), role_(std::move(role)), node_id_(std::move(node_id)) {}

  void Start() {
    // A leader's own address does not change while it leads.
    if (role_.kind == Role::Kind::kFollower) {
      state_->Subscribe(shared_from_this(), [this] { Wake(); });
    }
    Wake();
  }

 private:
  Step Next(curator_api::GetCurrentLeaderResponse* message, absl::Status* status) override {
    NodeRecordPtr leader = state_->FindNode(role_.leader_id);
    // Woken by a change of some other node.
    if (leader != nullptr && leader->mod_revision == seen_revision_) return Step::kNothingYet;
    seen_revision_ = leader != nullptr ? leader->mod_revision : 0;
    std::string host;
    int port = 0;
    if (leader != nullptr) {
      const curator::storage::Node node = leader->Parse();
      host = node.status().external_address();
      port = node.status().running_curator().port();
    }
    if (host.empty() || port == 0) {
      *status = absl::UnavailableError(
          absl::StrCat("the leader ", role_.leader_id, " has not told its address"));
      return Step::kEnd;
    }
    if (host == sent_host_ && port == sent_port_) return Step::kNothingYet;
    sent_host_ = host;
    sent_port_ = port;
    message->set_leader_node_id(role_.leader_id);
    message->set_leader_host(host);
    message->set_leader_port(port);
    message->set_this_node_id(node_id_);
    return Step::kMessage;
  }

  ClusterState* const state_;
  const Role role_;
  const std::string node_id_;
  // Of Next alone.
  int64_t seen_revision_ = 0;
  std::string sent_host_;
  int sent_port_ = 0;
};

}  // namespace

LocalService::LocalService(ClusterState* state, const Authorizer* authorizer, Role role,
                           std::string node_id)
    : state_(state), authorizer_(authorizer), role_(std::move(role)), node_id_(std::move(node_id)) {
  if (role_.kind != Role::Kind::kLeader) return;
  const absl::StatusOr<ClusterPki> pki =
      LoadClusterPki([state](absl::string_view key) { return state->Find(key); });
  if (pki.ok()) {
    ca_key_ = pki->ca_key;
  } else {
    LogError("cannot prove to clients that this curator leads",
             {{"error", pki.status().message()}});
  }
}

grpc::ServerWriteReactor<curator_api::GetCurrentLeaderResponse>* LocalService::GetCurrentLeader(
    grpc::CallbackServerContext* context, const curator_api::GetCurrentLeaderRequest*) {
  context->AddInitialMetadata(curator::core::kTermMetadata, absl::StrCat(role_.term));
  TellCurators(context);
  ProveLeadership(context);
  auto stream = std::make_shared<LeaderStream>(state_, role_, node_id_);
  auto* reactor = stream->Own();
  absl::StatusOr<Caller> caller = authorizer_->Authorize(
      *context, "metropolis.node.core.curator.proto.api.CuratorLocal.GetCurrentLeader");
  if (caller.ok()) {
    stream->Start();
  } else {
    stream->End(caller.status());
  }
  return reactor;
}

void LocalService::TellCurators(grpc::CallbackServerContext* context) const {
  std::vector<std::string> with_ids;
  std::vector<std::string> addresses;
  for (const ClusterState::Curator& curator :
       state_->Curators(role_.leader_id, curator::core::kMaxCuratorsTold)) {
    with_ids.push_back(absl::StrCat(curator.node_id, "@", curator.address));
    addresses.push_back(curator.address);
  }
  context->AddInitialMetadata(curator::core::kCandidatesMetadata, absl::StrJoin(with_ids, ","));
  context->AddInitialMetadata(curator::core::kCuratorsMetadata, absl::StrJoin(addresses, ","));
}

void LocalService::ProveLeadership(grpc::CallbackServerContext* context) const {
  if (!ca_key_.has_value()) return;
  const auto nonce = context->client_metadata().find(curator::core::kNonceMetadata);
  if (nonce == context->client_metadata().end()) return;
  const std::string proof =
      curator::identity::ProveLeadership({std::string(nonce->second.data(), nonce->second.size()),
                                          node_id_, role_.term, role_.lock_key},
                                         *ca_key_);
  if (!proof.empty()) context->AddInitialMetadata(curator::core::kProofMetadata, proof);
}

grpc::ServerUnaryReactor* LocalService::GetCACertificate(
    grpc::CallbackServerContext* context, const curator_api::GetCACertificateRequest*,
    curator_api::GetCACertificateResponse* response) {
  auto call = UnaryCall<curator_api::GetCACertificateResponse>::Create(response);
  absl::StatusOr<Caller> caller = authorizer_->Authorize(
      *context, "metropolis.node.core.curator.proto.api.CuratorLocal.GetCACertificate");
  if (!caller.ok()) {
    call->Settle(caller.status());
    return call.get();
  }
  absl::optional<std::string> ca = state_->Find(keys::kCaCertificate);
  if (!ca.has_value()) {
    // A follower serves before it has read the store: an empty answer would be pinned.
    call->Settle(absl::UnavailableError("this curator has not read the cluster's state yet"));
    return call.get();
  }
  curator_api::GetCACertificateResponse answer;
  answer.set_identity_ca_certificate(*std::move(ca));
  call->Settle(std::move(answer));
  return call.get();
}

}  // namespace curatord
