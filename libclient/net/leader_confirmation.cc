#include "libclient/net/leader_confirmation.h"

#include "metropolis/management.pb.h"

namespace curator::net {

core::CallOutcome AskWhetherItLeads(const std::shared_ptr<grpc::Channel>& channel,
                                    const AttemptOptions& options) {
  const metropolis::proto::api::GetClusterInfoRequest request;
  metropolis::proto::api::GetClusterInfoResponse response;
  const grpc::Status status = AttemptUnary(
      channel, "/metropolis.proto.api.Management/GetClusterInfo", options, request, &response);
  const std::string message = status.error_message();
  const std::string details = status.error_details();
  return core::Classify({status.error_code(), message, details},
                        "metropolis.proto.api.Management.GetClusterInfo", false);
}

bool ConfirmLeads(const std::shared_ptr<grpc::Channel>& channel, const AttemptOptions& options) {
  const core::Cause cause = AskWhetherItLeads(channel, options).cause;
  return cause == core::Cause::kOk || cause == core::Cause::kDenied;
}

}  // namespace curator::net
