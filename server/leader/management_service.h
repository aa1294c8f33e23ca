// Management: what operators ask of the leader (protocol section 4).
#ifndef SERVER_LEADER_MANAGEMENT_SERVICE_H_
#define SERVER_LEADER_MANAGEMENT_SERVICE_H_

#include "metropolis/management.grpc.pb.h"
#include "server/leader/leader_services.h"

namespace curatord {

class ManagementService final
    : public metropolis::proto::api::Management::WithRawCallbackMethod_GetNodes<
          metropolis::proto::api::Management::CallbackService> {
 public:
  explicit ManagementService(const LeaderContext& context) : leader_(context) {}

  grpc::ServerUnaryReactor* GetRegisterTicket(
      grpc::CallbackServerContext* context,
      const metropolis::proto::api::GetRegisterTicketRequest* request,
      metropolis::proto::api::GetRegisterTicketResponse* response) override;
  grpc::ServerUnaryReactor* GetClusterInfo(
      grpc::CallbackServerContext* context,
      const metropolis::proto::api::GetClusterInfoRequest* request,
      metropolis::proto::api::GetClusterInfoResponse* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* GetNodes(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* ApproveNode(
      grpc::CallbackServerContext* context,
      const metropolis::proto::api::ApproveNodeRequest* request,
      metropolis::proto::api::ApproveNodeResponse* response) override;
  grpc::ServerUnaryReactor* UpdateNodeRoles(
      grpc::CallbackServerContext* context,
      const metropolis::proto::api::UpdateNodeRolesRequest* request,
      metropolis::proto::api::UpdateNodeRolesResponse* response) override;
  grpc::ServerUnaryReactor* DecommissionNode(
      grpc::CallbackServerContext* context,
      const metropolis::proto::api::DecommissionNodeRequest* request,
      metropolis::proto::api::DecommissionNodeResponse* response) override;
  grpc::ServerUnaryReactor* DeleteNode(
      grpc::CallbackServerContext* context,
      const metropolis::proto::api::DeleteNodeRequest* request,
      metropolis::proto::api::DeleteNodeResponse* response) override;
  grpc::ServerUnaryReactor* UpdateNodeLabels(
      grpc::CallbackServerContext* context,
      const metropolis::proto::api::UpdateNodeLabelsRequest* request,
      metropolis::proto::api::UpdateNodeLabelsResponse* response) override;
  grpc::ServerUnaryReactor* ConfigureCluster(
      grpc::CallbackServerContext* context,
      const metropolis::proto::api::ConfigureClusterRequest* request,
      metropolis::proto::api::ConfigureClusterResponse* response) override;

 private:
  const LeaderContext leader_;
};

}  // namespace curatord

#endif  // SERVER_LEADER_MANAGEMENT_SERVICE_H_
