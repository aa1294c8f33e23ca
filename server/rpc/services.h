// The services that a curator serves, by name. What stands here and is not served, or
// the reverse, fails a test.
#ifndef SERVER_RPC_SERVICES_H_
#define SERVER_RPC_SERVICES_H_

#include "absl/strings/string_view.h"

namespace curatord {

struct ServedService {
  absl::string_view name;
  bool leader_only;
};

inline constexpr ServedService kServedServices[] = {
    {"curator.v1.ClusterOperations", true},
    {"curator.v1.Nodes", true},
    {"curator.v1.ServerStatus", false},
    {"grpc.health.v1.Health", false},
    {"grpc.reflection.v1alpha.ServerReflection", false},
    {"metropolis.node.core.curator.proto.api.Curator", true},
    {"metropolis.node.core.curator.proto.api.CuratorLocal", false},
    {"metropolis.proto.api.AAA", true},
    {"metropolis.proto.api.Management", true},
};

}  // namespace curatord

#endif  // SERVER_RPC_SERVICES_H_
