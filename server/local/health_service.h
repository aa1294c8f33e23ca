// grpc.health.v1.Health, in every role and for everybody: load balancers and
// supervisors have no certificate, and learn no more than CuratorLocal tells anyone.
//
// "" serves as long as anything listens. What a leader alone serves is NOT_SERVING on
// a follower, so that a balancer that checks metropolis.proto.api.Management finds
// the leader.
#ifndef SERVER_LOCAL_HEALTH_SERVICE_H_
#define SERVER_LOCAL_HEALTH_SERVICE_H_

#include <string>

#include "grpc/health/v1/health.grpc.pb.h"
#include "server/auth/authorizer.h"
#include "server/role.h"

namespace curatord {

class HealthService final : public grpc::health::v1::Health::CallbackService {
 public:
  // `authorizer` outlives the gRPC server. `role` is kLeader or kFollower.
  HealthService(const Authorizer* authorizer, const Role& role)
      : authorizer_(authorizer), leads_(role.kind == Role::Kind::kLeader) {}

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const grpc::health::v1::HealthCheckRequest* request,
                                  grpc::health::v1::HealthCheckResponse* response) override;
  // Another role is another server: a watch sees its end, never another status.
  grpc::ServerWriteReactor<grpc::health::v1::HealthCheckResponse>* Watch(
      grpc::CallbackServerContext* context,
      const grpc::health::v1::HealthCheckRequest* request) override;

 private:
  grpc::health::v1::HealthCheckResponse::ServingStatus StatusOf(const std::string& service) const;

  const Authorizer* const authorizer_;
  const bool leads_;
};

}  // namespace curatord

#endif  // SERVER_LOCAL_HEALTH_SERVICE_H_
