#include "server/nodes/configuration.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

using metropolis::proto::api::ConfigureClusterRequest;
using metropolis::proto::common::ClusterConfiguration;

// The one field that can change.
constexpr char kNodeLabelsToSynchronize[] = "kubernetes.node_labels_to_synchronize";

absl::Status CheckMask(const ConfigureClusterRequest& request) {
  if (!request.has_new_config()) return absl::InvalidArgumentError("new_config is not set");
  if (!request.has_update_mask()) return absl::InvalidArgumentError("update_mask is not set");
  for (const std::string& path : request.update_mask().paths()) {
    if (path != kNodeLabelsToSynchronize) {
      return absl::InvalidArgumentError(absl::StrCat("update_mask has the path ", Quoted(path),
                                                     ", only ", kNodeLabelsToSynchronize,
                                                     " can be changed"));
    }
  }
  return absl::OkStatus();
}

bool SameRules(const ClusterConfiguration::Kubernetes& a,
               const ClusterConfiguration::Kubernetes& b) {
  return std::equal(a.node_labels_to_synchronize().begin(), a.node_labels_to_synchronize().end(),
                    b.node_labels_to_synchronize().begin(), b.node_labels_to_synchronize().end(),
                    [](const auto& x, const auto& y) { return x.regexp() == y.regexp(); });
}

}  // namespace

ClusterConfiguration DefaultClusterConfiguration() {
  ClusterConfiguration configuration;
  configuration.set_cluster_domain("cluster.internal");
  configuration.set_tpm_mode(ClusterConfiguration::TPM_MODE_REQUIRED);
  configuration.set_storage_security_policy(
      ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION_AND_AUTHENTICATION);
  return configuration;
}

ClusterConfiguration ClusterConfigurationIn(const DecisionView& view) {
  absl::optional<std::string> stored = view.Find(keys::kClusterConfiguration);
  ClusterConfiguration configuration;
  if (!stored.has_value() || !configuration.ParseFromString(*stored)) {
    return DefaultClusterConfiguration();
  }
  return configuration;
}

Operations DecideConfigure(const DecisionView& view, const ConfigureClusterRequest& request,
                           metropolis::proto::api::ConfigureClusterResponse* response) {
  if (absl::Status mask = CheckMask(request); !mask.ok()) return mask;
  ClusterConfiguration configuration = ClusterConfigurationIn(view);
  if (request.update_mask().paths().empty()) {
    *response->mutable_resulting_config() = std::move(configuration);
    return std::vector<Operation>{};
  }
  // All paths are the one, however often it is repeated.
  if (!request.new_config().has_kubernetes()) {
    return absl::InvalidArgumentError("new_config.kubernetes is not set");
  }
  if (request.has_base_config()) {
    if (!request.base_config().has_kubernetes()) {
      return absl::InvalidArgumentError("base_config.kubernetes is not set");
    }
    if (!SameRules(request.base_config().kubernetes(), configuration.kubernetes())) {
      return absl::FailedPreconditionError(
          absl::StrCat(kNodeLabelsToSynchronize,
                       " is not what base_config says: it was changed meanwhile, read it again"));
    }
  }
  const ClusterConfiguration::Kubernetes& wanted = request.new_config().kubernetes();
  const bool changed = !SameRules(wanted, configuration.kubernetes());
  *configuration.mutable_kubernetes()->mutable_node_labels_to_synchronize() =
      wanted.node_labels_to_synchronize();
  const std::string stored = configuration.SerializeAsString();
  if (changed && stored.size() > kMaxConfigurationBytes) {
    return absl::InvalidArgumentError(absl::StrCat("the configuration would have ", stored.size(),
                                                   " bytes, at most ", kMaxConfigurationBytes,
                                                   " are allowed"));
  }
  *response->mutable_resulting_config() = std::move(configuration);
  if (!changed) return std::vector<Operation>{};
  return std::vector<Operation>{Operation::Put(std::string(keys::kClusterConfiguration), stored)};
}

}  // namespace curatord
