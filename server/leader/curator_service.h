// Curator: what nodes ask of the leader (protocol section 4).
#ifndef SERVER_LEADER_CURATOR_SERVICE_H_
#define SERVER_LEADER_CURATOR_SERVICE_H_

#include "metropolis/curator.grpc.pb.h"
#include "server/leader/leader_services.h"

namespace curatord {

namespace curator_api = metropolis::node::core::curator::proto::api;

class CuratorService final : public curator_api::Curator::WithRawCallbackMethod_Watch<
                                 curator_api::Curator::CallbackService> {
 public:
  explicit CuratorService(const LeaderContext& context) : leader_(context) {}

  grpc::ServerWriteReactor<grpc::ByteBuffer>* Watch(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* UpdateNodeStatus(
      grpc::CallbackServerContext* context, const curator_api::UpdateNodeStatusRequest* request,
      curator_api::UpdateNodeStatusResponse* response) override;
  grpc::ServerBidiReactor<curator_api::HeartbeatRequest, curator_api::HeartbeatResponse>* Heartbeat(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* RegisterNode(grpc::CallbackServerContext* context,
                                         const curator_api::RegisterNodeRequest* request,
                                         curator_api::RegisterNodeResponse* response) override;
  grpc::ServerUnaryReactor* CommitNode(grpc::CallbackServerContext* context,
                                       const curator_api::CommitNodeRequest* request,
                                       curator_api::CommitNodeResponse* response) override;
  grpc::ServerUnaryReactor* JoinNode(grpc::CallbackServerContext* context,
                                     const curator_api::JoinNodeRequest* request,
                                     curator_api::JoinNodeResponse* response) override;
  grpc::ServerUnaryReactor* IssueCertificate(
      grpc::CallbackServerContext* context, const curator_api::IssueCertificateRequest* request,
      curator_api::IssueCertificateResponse* response) override;
  grpc::ServerUnaryReactor* UpdateNodeClusterNetworking(
      grpc::CallbackServerContext* context,
      const curator_api::UpdateNodeClusterNetworkingRequest* request,
      curator_api::UpdateNodeClusterNetworkingResponse* response) override;
  grpc::ServerUnaryReactor* GetConsensusStatus(
      grpc::CallbackServerContext* context, const curator_api::GetConsensusStatusRequest* request,
      curator_api::GetConsensusStatusResponse* response) override;

 private:
  const LeaderContext leader_;
};

}  // namespace curatord

#endif  // SERVER_LEADER_CURATOR_SERVICE_H_
