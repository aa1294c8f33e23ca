// ClusterOperations: what the protocol of the existing system has no room for.
#ifndef SERVER_LEADER_CLUSTER_OPERATIONS_SERVICE_H_
#define SERVER_LEADER_CLUSTER_OPERATIONS_SERVICE_H_

#include "curator/v1/cluster_operations.grpc.pb.h"
#include "server/leader/leader_services.h"

namespace curatord {

class ClusterOperationsService final : public curator::v1::ClusterOperations::CallbackService {
 public:
  explicit ClusterOperationsService(const LeaderContext& context) : leader_(context) {}

  grpc::ServerUnaryReactor* TransferLeadership(
      grpc::CallbackServerContext* context, const curator::v1::TransferLeadershipRequest* request,
      curator::v1::TransferLeadershipResponse* response) override;
  grpc::ServerUnaryReactor* GetDecommission(grpc::CallbackServerContext* context,
                                            const curator::v1::GetDecommissionRequest* request,
                                            curator::v1::Decommission* response) override;
  grpc::ServerUnaryReactor* ReportDecommission(
      grpc::CallbackServerContext* context, const curator::v1::ReportDecommissionRequest* request,
      curator::v1::ReportDecommissionResponse* response) override;
  grpc::ServerUnaryReactor* DescribeRegisterTicket(
      grpc::CallbackServerContext* context,
      const curator::v1::DescribeRegisterTicketRequest* request,
      curator::v1::RegisterTicketFacts* response) override;
  grpc::ServerUnaryReactor* RotateRegisterTicket(
      grpc::CallbackServerContext* context, const curator::v1::RotateRegisterTicketRequest* request,
      curator::v1::RotateRegisterTicketResponse* response) override;

 private:
  const LeaderContext leader_;
};

}  // namespace curatord

#endif  // SERVER_LEADER_CLUSTER_OPERATIONS_SERVICE_H_
