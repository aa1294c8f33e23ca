// NotLeader: answers every method that a follower does not serve.
#ifndef SERVER_FOLLOWER_NOT_LEADER_H_
#define SERVER_FOLLOWER_NOT_LEADER_H_

#include "grpcpp/generic/async_generic_service.h"
#include "server/nodes/cluster_state.h"
#include "server/role.h"

namespace curatord {

// UNIMPLEMENTED, with ErrorInfo NOT_LEADER that says who leads and where.
class NotLeader final : public grpc::CallbackGenericService {
 public:
  // `state` outlives the gRPC server. `role` is kFollower.
  NotLeader(const ClusterState* state, Role role) : state_(state), role_(std::move(role)) {}

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override;

  const ClusterState* const state_;
  const Role role_;
};

}  // namespace curatord

#endif  // SERVER_FOLLOWER_NOT_LEADER_H_
