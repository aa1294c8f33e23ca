// Client::ConfigureCluster: compare and set, and what became of it when the answer
// is lost. As NodeChange, with one more case: a field that is neither what it was
// nor what was asked for was written by somebody else, before our request or after.
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "curator/client.h"
#include "libclient/client/arguments.h"
#include "libclient/client/lost_answer.h"
#include "libclient/client/wire_types.h"
#include "libclient/net/leader_call.h"
#include "libclient/net/leader_finder.h"
#include "libclient/net/monotonic.h"
#include "metropolis/management.pb.h"

namespace curator {
namespace {

namespace messages = metropolis::proto::api;

const char* MaskPath(ConfigurationField field) {
  switch (field) {
    case ConfigurationField::kClusterDomain:
      return "cluster_domain";
    case ConfigurationField::kTpmMode:
      return "tpm_mode";
    case ConfigurationField::kStorageSecurityPolicy:
      return "storage_security_policy";
    case ConfigurationField::kNodeLabelsToSynchronize:
      return "kubernetes.node_labels_to_synchronize";
  }
  return "";
}

bool SameField(ConfigurationField field, const ClusterConfiguration& a,
               const ClusterConfiguration& b) {
  switch (field) {
    case ConfigurationField::kClusterDomain:
      return a.cluster_domain == b.cluster_domain;
    case ConfigurationField::kTpmMode:
      return a.tpm_mode == b.tpm_mode;
    case ConfigurationField::kStorageSecurityPolicy:
      return a.storage_security_policy == b.storage_security_policy;
    case ConfigurationField::kNodeLabelsToSynchronize:
      return a.node_labels_to_synchronize == b.node_labels_to_synchronize;
  }
  return false;
}

bool Same(const std::vector<ConfigurationField>& fields, const ClusterConfiguration& a,
          const ClusterConfiguration& b) {
  return std::all_of(fields.begin(), fields.end(),
                     [&](ConfigurationField field) { return SameField(field, a, b); });
}

absl::StatusOr<ClusterConfiguration> ReadConfiguration(net::LeaderFinder& finder,
                                                       const net::CallContext& context,
                                                       net::CallTrace* trace) {
  messages::GetClusterInfoResponse response;
  const absl::Status status =
      net::CallLeader(finder, context, "metropolis.proto.api.Management.GetClusterInfo",
                      messages::GetClusterInfoRequest(), &response, trace);
  if (!status.ok()) return status;
  return FromWire(response.cluster_configuration());
}

messages::ConfigureClusterRequest RequestFor(const ConfigurationChange& change) {
  messages::ConfigureClusterRequest request;
  *request.mutable_new_config() = ToWire(change.wanted);
  if (change.base.has_value()) *request.mutable_base_config() = ToWire(*change.base);
  // Present even where it is empty: existing servers crash without one.
  request.mutable_update_mask();
  for (const ConfigurationField field : change.fields) {
    request.mutable_update_mask()->add_paths(MaskPath(field));
  }
  return request;
}

}  // namespace

absl::StatusOr<ConfigureResult> Client::ConfigureCluster(const ConfigurationChange& change,
                                                         const CallOptions& options) {
  if (change.fields.empty()) return InvalidArgument("no field to change is named");
  const net::LeaderFinder::Operation operation(*finder_);
  const net::CallContext context(options);
  const net::CallContext call_context = context.LeavingTime(kMaxReadBackReserve);
  const absl::StatusOr<ClusterConfiguration> before = ReadConfiguration(*finder_, context, nullptr);
  if (!before.ok()) return before.status();
  if (Same(change.fields, *before, change.wanted) &&
      (!change.base.has_value() || Same(change.fields, *before, *change.base))) {
    return ConfigureResult{ChangeOutcome::kUnchanged, *before, *before};
  }
  const messages::ConfigureClusterRequest request = RequestFor(change);
  for (;;) {
    messages::ConfigureClusterResponse response;
    net::CallTrace sent;
    const absl::Status status =
        net::CallLeader(*finder_, call_context, "metropolis.proto.api.Management.ConfigureCluster",
                        request, &response, &sent);
    if (status.ok()) {
      return ConfigureResult{ChangeOutcome::kApplied, *before,
                             FromWire(response.resulting_config())};
    }
    if (DescribeError(status).code != ErrorCode::kUnknownOutcome) return status;
    net::CallTrace read;
    const absl::StatusOr<ClusterConfiguration> now = ReadConfiguration(*finder_, context, &read);
    if (!now.ok()) return ReadBackFailed(status, now.status());
    if (Same(change.fields, *now, change.wanted)) {
      return ConfigureResult{ChangeOutcome::kApplied, *before, *now};
    }
    if (!Same(change.fields, *now, *before)) {
      Error error = DescribeError(status);
      absl::StrAppend(&error.cause, "; somebody else has changed it since");
      return MakeError(error);
    }
    constexpr char kAsItIs[] = "the configuration is as it was";
    if (!IsSettled(sent, read)) return MayYetArrive(status, kAsItIs);
    if (net::Now() >= call_context.deadline) return NotInTime(status, kAsItIs);
  }
}

}  // namespace curator
