#include "server/leader/curator_service.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/leader/node_watch_stream.h"
#include "server/nodes/cluster_networking.h"
#include "server/nodes/lifecycle.h"
#include "server/rpc/exchange_stream.h"
#include "server/rpc/raw_message.h"

namespace curatord {
namespace {

// The key that an ephemeral certificate proves; "" for anybody else.
std::string EphemeralKey(const Caller& caller) {
  return caller.kind == Caller::Kind::kEphemeral ? caller.public_key : "";
}

class HeartbeatStream final
    : public ExchangeStream<curator_api::HeartbeatRequest, curator_api::HeartbeatResponse> {
 public:
  HeartbeatStream(Heartbeats* heartbeats, std::string node_id)
      : heartbeats_(heartbeats), node_id_(std::move(node_id)) {}

 private:
  void OnRequest(const curator_api::HeartbeatRequest&) override {
    heartbeats_->Arrived(node_id_);
    Reply({});
  }

  Heartbeats* const heartbeats_;
  const std::string node_id_;
};

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* CuratorService::Watch(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* raw_request) {
  SayTerm(context, leader_.leadership->term());
  auto stream = std::make_shared<NodeWatchStream>(leader_);
  auto* reactor = stream->Own();
  absl::StatusOr<Caller> caller = leader_.authorizer->Authorize(
      *context, "metropolis.node.core.curator.proto.api.Curator.Watch");
  if (!AdmitStream(leader_, caller, stream)) return reactor;
  curator_api::WatchRequest request;
  const absl::Status parsed = ParseRaw(*raw_request, &request);
  const std::string& node_id = request.node_in_cluster().node_id();
  if (!parsed.ok()) {
    stream->End(parsed);
  } else if (request.kind_case() == curator_api::WatchRequest::KIND_NOT_SET) {
    stream->End(absl::UnimplementedError("a watch needs a kind that this curator knows"));
  } else if (request.has_node_in_cluster() &&
             (node_id.empty() || absl::StrContains(node_id, '/'))) {
    stream->End(absl::InvalidArgumentError("node_id is empty or has a slash"));
  } else {
    stream->Start(node_id);
  }
  return reactor;
}

grpc::ServerUnaryReactor* CuratorService::UpdateNodeStatus(
    grpc::CallbackServerContext* context, const curator_api::UpdateNodeStatusRequest* request,
    curator_api::UpdateNodeStatusResponse* response) {
  return ServeUnary(leader_, context,
                    "metropolis.node.core.curator.proto.api.Curator.UpdateNodeStatus", response,
                    [this, request](const Caller& caller, auto call) {
                      if (caller.kind != Caller::Kind::kNode || caller.name != request->node_id()) {
                        call->Settle(absl::PermissionDeniedError(absl::StrCat(
                            "a node updates its own status only; the caller is ", caller.name)));
                        return;
                      }
                      if (!request->has_status()) {
                        call->Settle(absl::InvalidArgumentError("status is not set"));
                        return;
                      }
                      if (absl::Status valid = CheckStatus(request->status()); !valid.ok()) {
                        call->Settle(std::move(valid));
                        return;
                      }
                      SettleByPacedWrite(
                          leader_, caller.name, PacedWrites::Kind::kNewest, std::move(call),
                          [node_id = caller.name, status = request->status()](
                              const DecisionView& view, curator_api::UpdateNodeStatusResponse*) {
                            return DecideStatus(view, node_id, status, absl::Now());
                          },
                          request->SpaceUsedLong());
                    });
}

grpc::ServerBidiReactor<curator_api::HeartbeatRequest, curator_api::HeartbeatResponse>*
CuratorService::Heartbeat(grpc::CallbackServerContext* context) {
  SayTerm(context, leader_.leadership->term());
  absl::StatusOr<Caller> caller = leader_.authorizer->Authorize(
      *context, "metropolis.node.core.curator.proto.api.Curator.Heartbeat");
  auto stream = std::make_shared<HeartbeatStream>(leader_.heartbeats,
                                                  caller.ok() ? caller->name : std::string());
  auto* reactor = stream->Own();
  if (!AdmitStream(leader_, caller, stream)) return reactor;
  if (caller->kind == Caller::Kind::kNode) {
    stream->Read();
  } else {
    stream->End(absl::PermissionDeniedError("only nodes send heartbeats"));
  }
  return reactor;
}

grpc::ServerUnaryReactor* CuratorService::RegisterNode(
    grpc::CallbackServerContext* context, const curator_api::RegisterNodeRequest* request,
    curator_api::RegisterNodeResponse* response) {
  return ServeUnary(
      leader_, context, "metropolis.node.core.curator.proto.api.Curator.RegisterNode", response,
      [this, request](const Caller& caller, auto call) {
        const auto look = [key = EphemeralKey(caller), request = *request](
                              const DecisionView& view, curator_api::RegisterNodeResponse* answer) {
          // What a registration takes of the allowance is taken as it is written.
          return DecideRegister(
              view, key, request, [](const DecisionView&) { return absl::OkStatus(); }, answer);
        };
        const auto decide = [key = EphemeralKey(caller), request = *request,
                             registration = leader_.registrations->Begin()](
                                const DecisionView& view,
                                curator_api::RegisterNodeResponse* answer) {
          return DecideRegister(
              view, key, request, [&](const DecisionView& v) { return registration->Admit(v); },
              answer);
        };
        SettleForStranger(leader_, std::move(call), look, decide, request->SpaceUsedLong());
      });
}

grpc::ServerUnaryReactor* CuratorService::CommitNode(grpc::CallbackServerContext* context,
                                                     const curator_api::CommitNodeRequest* request,
                                                     curator_api::CommitNodeResponse* response) {
  return ServeUnary(
      leader_, context, "metropolis.node.core.curator.proto.api.Curator.CommitNode", response,
      [this, request](const Caller& caller, auto call) {
        const auto decide = [key = EphemeralKey(caller), request = *request](
                                const DecisionView& view, curator_api::CommitNodeResponse* answer) {
          return DecideCommit(view, key, request, answer);
        };
        SettleForStranger(leader_, std::move(call), decide, decide, request->SpaceUsedLong());
      });
}

grpc::ServerUnaryReactor* CuratorService::JoinNode(grpc::CallbackServerContext* context,
                                                   const curator_api::JoinNodeRequest* request,
                                                   curator_api::JoinNodeResponse* response) {
  return ServeUnary(
      leader_, context, "metropolis.node.core.curator.proto.api.Curator.JoinNode", response,
      [this, request](const Caller& caller, auto call) {
        const auto decide = [key = EphemeralKey(caller), request = *request](
                                const DecisionView& view, curator_api::JoinNodeResponse* answer) {
          return DecideJoin(view, key, request, answer);
        };
        SettleForStranger(leader_, std::move(call), decide, decide, request->SpaceUsedLong());
      });
}

grpc::ServerUnaryReactor* CuratorService::IssueCertificate(
    grpc::CallbackServerContext* context, const curator_api::IssueCertificateRequest*,
    curator_api::IssueCertificateResponse* response) {
  return ServeUnary(
      leader_, context, "metropolis.node.core.curator.proto.api.Curator.IssueCertificate", response,
      [](const Caller&, auto call) {
        call->Settle(UnsupportedError("this curator issues no Kubernetes certificates"));
      });
}

grpc::ServerUnaryReactor* CuratorService::UpdateNodeClusterNetworking(
    grpc::CallbackServerContext* context,
    const curator_api::UpdateNodeClusterNetworkingRequest* request,
    curator_api::UpdateNodeClusterNetworkingResponse* response) {
  return ServeUnary(
      leader_, context,
      "metropolis.node.core.curator.proto.api.Curator.UpdateNodeClusterNetworking", response,
      [this, request](const Caller& caller, auto call) {
        if (caller.kind != Caller::Kind::kNode) {
          call->Settle(absl::PermissionDeniedError(absl::StrCat(
              "a node updates its own cluster network only; the caller is ", caller.name)));
          return;
        }
        SettleByPacedWrite(
            leader_, caller.name, PacedWrites::Kind::kEach, std::move(call),
            [node_id = caller.name, request = *request](
                const DecisionView& view, curator_api::UpdateNodeClusterNetworkingResponse*) {
              return DecideClusterNetworking(view, node_id, request);
            },
            request->SpaceUsedLong());
      });
}

grpc::ServerUnaryReactor* CuratorService::GetConsensusStatus(
    grpc::CallbackServerContext* context, const curator_api::GetConsensusStatusRequest*,
    curator_api::GetConsensusStatusResponse* response) {
  return ServeUnary(
      leader_, context, "metropolis.node.core.curator.proto.api.Curator.GetConsensusStatus",
      response, [this](const Caller&, auto call) {
        leader_.leadership->Confirm([call,
                                     consensus = leader_.consensus](const absl::Status& confirmed) {
          if (!confirmed.ok()) {
            call->Settle(confirmed);
            return;
          }
          consensus->Ask([call](absl::StatusOr<curator_api::GetConsensusStatusResponse> answer) {
            call->Settle(std::move(answer));
          });
        });
      });
}

}  // namespace curatord
