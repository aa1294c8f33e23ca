// curator.v1.ServerStatus: what this one process believes, in every role.
#ifndef SERVER_LOCAL_SERVER_STATUS_SERVICE_H_
#define SERVER_LOCAL_SERVER_STATUS_SERVICE_H_

#include <string>

#include "curator/v1/server_status.grpc.pb.h"
#include "server/auth/authorizer.h"
#include "server/leader/leadership.h"
#include "server/nodes/cluster_state.h"
#include "server/role.h"
#include "server/supervisor.h"

namespace curatord {

class ServerStatusService final : public curator::v1::ServerStatus::CallbackService {
 public:
  // All outlive the gRPC server. `role` is kLeader or kFollower; `leadership` is null on a
  // follower.
  ServerStatusService(Leadership* leadership, const ClusterState* state,
                      const Authorizer* authorizer, const Supervisor* supervisor, Role role,
                      std::string node_id)
      : leadership_(leadership),
        state_(state),
        authorizer_(authorizer),
        supervisor_(supervisor),
        role_(std::move(role)),
        node_id_(std::move(node_id)) {}

  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context,
                                const curator::v1::GetServerStatusRequest* request,
                                curator::v1::GetServerStatusResponse* response) override;

 private:
  Leadership* const leadership_;
  const ClusterState* const state_;
  const Authorizer* const authorizer_;
  const Supervisor* const supervisor_;
  const Role role_;
  const std::string node_id_;
};

}  // namespace curatord

#endif  // SERVER_LOCAL_SERVER_STATUS_SERVICE_H_
