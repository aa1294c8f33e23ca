// The cluster's configuration: as it is, and how it may change (protocol section 4,
// ConfigureCluster).
#ifndef SERVER_NODES_CONFIGURATION_H_
#define SERVER_NODES_CONFIGURATION_H_

#include "metropolis/common.pb.h"
#include "metropolis/management.pb.h"
#include "server/nodes/decision.h"

namespace curatord {

// The configuration as stored, or the protocol's defaults.
metropolis::proto::common::ClusterConfiguration ClusterConfigurationIn(const DecisionView& view);
metropolis::proto::common::ClusterConfiguration DefaultClusterConfiguration();

// Most bytes that the configuration may have when stored: every registering node
// and every GetClusterInfo gets it whole.
inline constexpr size_t kMaxConfigurationBytes = 256 << 10;

// Compare-and-set of the masked fields: with a base_config that does not equal
// what is stored nothing changes (kFailedPrecondition).
Operations DecideConfigure(const DecisionView& view,
                           const metropolis::proto::api::ConfigureClusterRequest& request,
                           metropolis::proto::api::ConfigureClusterResponse* response);

}  // namespace curatord

#endif  // SERVER_NODES_CONFIGURATION_H_
