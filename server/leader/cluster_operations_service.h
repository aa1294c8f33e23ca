// ClusterOperations: what operators do to the cluster of curators itself.
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

 private:
  const LeaderContext leader_;
};

}  // namespace curatord

#endif  // SERVER_LEADER_CLUSTER_OPERATIONS_SERVICE_H_
