// From the protocol's messages to the public types.
#ifndef LIBCLIENT_CLIENT_WIRE_TYPES_H_
#define LIBCLIENT_CLIENT_WIRE_TYPES_H_

#include "curator/types.h"
#include "metropolis/common.pb.h"
#include "metropolis/curator.pb.h"
#include "metropolis/management.pb.h"

namespace curator {

NodeState FromWire(metropolis::proto::common::NodeState state);
Node FromWire(const metropolis::proto::api::Node& node);
// As Curator.Watch tells it: without public key, health, heartbeat and TPM.
Node FromWire(const metropolis::node::core::curator::proto::api::Node& node);
ClusterConfiguration FromWire(const metropolis::proto::common::ClusterConfiguration& configuration);
metropolis::proto::common::ClusterConfiguration ToWire(const ClusterConfiguration& configuration);
// All but `leader`, which no message carries.
ClusterInfo FromWire(const metropolis::proto::api::GetClusterInfoResponse& response);

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_WIRE_TYPES_H_
