// grpc.reflection.v1alpha: the schema of what this curator serves, in every role, for
// nodes and users of the cluster (auth/authorizer.cc). Files are told that a served
// service is made of, and no others of this program.
//
// Our own, because gRPC's plugin asks nobody who calls, and is a synchronous service:
// the threads of one would start and end with every change of role.
#ifndef SERVER_LOCAL_REFLECTION_SERVICE_H_
#define SERVER_LOCAL_REFLECTION_SERVICE_H_

#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "server/auth/authorizer.h"
#include "server/leader/leadership.h"
#include "server/leader/member_streams.h"
#include "server/nodes/cluster_state.h"

namespace curatord {

// What a curator answers; `leads`: it lists what a leader alone serves.
grpc::reflection::v1alpha::ServerReflectionResponse Reflect(
    const grpc::reflection::v1alpha::ServerReflectionRequest& request, bool leads);

class ReflectionService final
    : public grpc::reflection::v1alpha::ServerReflection::CallbackService {
 public:
  // All outlive the gRPC server. `leadership` and `streams` are null on a follower.
  ReflectionService(Leadership* leadership, const ClusterState* state, MemberStreams* streams,
                    const Authorizer* authorizer)
      : leadership_(leadership), state_(state), streams_(streams), authorizer_(authorizer) {}

  grpc::ServerBidiReactor<grpc::reflection::v1alpha::ServerReflectionRequest,
                          grpc::reflection::v1alpha::ServerReflectionResponse>*
  ServerReflectionInfo(grpc::CallbackServerContext* context) override;

 private:
  Leadership* const leadership_;
  const ClusterState* const state_;
  MemberStreams* const streams_;
  const Authorizer* const authorizer_;
};

}  // namespace curatord

#endif  // SERVER_LOCAL_REFLECTION_SERVICE_H_
