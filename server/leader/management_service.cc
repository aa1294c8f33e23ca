#include "server/leader/management_service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "server/leader/node_list_streams.h"
#include "server/nodes/configuration.h"
#include "server/nodes/departure.h"
#include "server/nodes/lifecycle.h"
#include "server/nodes/node_labels.h"
#include "server/nodes/node_roles.h"
#include "server/nodes/register_ticket.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

namespace api = metropolis::proto::api;
namespace common = metropolis::proto::common;

constexpr size_t kDirectorySize = 15;

api::GetClusterInfoResponse ClusterInfoFrom(const ClusterState& state) {
  api::GetClusterInfoResponse response;
  // By public key, which is the order of the ids: they are made of it.
  for (const NodeRecordPtr& record : state.FindNodes(
           kDirectorySize,
           [](const NodeRecord& candidate) { return candidate.state == common::NODE_STATE_UP; })) {
    auto* entry = response.mutable_cluster_directory()->add_nodes();
    entry->set_id(record->id);
    if (const std::string address = record->Parse().status().external_address(); !address.empty()) {
      entry->add_addresses()->set_host(address);
    }
  }
  response.set_ca_certificate(state.Find(keys::kCaCertificate).value_or(""));
  *response.mutable_cluster_configuration() = ClusterConfigurationIn(DecisionView(&state));
  return response;
}

// The node of the leader, if nobody else is a candidate to lead.
std::string OnlyCurator(const LeaderContext& leader) {
  const std::string& id = leader.leadership->role().leader_id;
  for (const Candidate& candidate : leader.candidates()) {
    if (candidate.node_id != id) return "";
  }
  return id;
}

}  // namespace

grpc::ServerUnaryReactor* ManagementService::GetRegisterTicket(
    grpc::CallbackServerContext* context, const api::GetRegisterTicketRequest*,
    api::GetRegisterTicketResponse* response) {
  return ServeUnary(leader_, context, "metropolis.proto.api.Management.GetRegisterTicket", response,
                    [this](const Caller&, auto call) {
                      SettleByWriting(
                          leader_, std::move(call),
                          [](const DecisionView& view, api::GetRegisterTicketResponse* answer) {
                            return DecideTicket(view, absl::Now(), answer);
                          });
                    });
}

grpc::ServerUnaryReactor* ManagementService::GetClusterInfo(grpc::CallbackServerContext* context,
                                                            const api::GetClusterInfoRequest*,
                                                            api::GetClusterInfoResponse* response) {
  return ServeUnary(leader_, context, "metropolis.proto.api.Management.GetClusterInfo", response,
                    [this](const Caller&, auto call) {
                      const ClusterState* state = &leader_.leadership->state();
                      leader_.leadership->Confirm([call, state](absl::Status confirmed) {
                        if (!confirmed.ok()) {
                          call->Settle(std::move(confirmed));
                        } else {
                          call->Settle(ClusterInfoFrom(*state));
                        }
                      });
                    });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* ManagementService::GetNodes(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return ServeListing<GetNodesStream, api::GetNodesRequest>(
      leader_, context, "metropolis.proto.api.Management.GetNodes", *request);
}

grpc::ServerUnaryReactor* ManagementService::ApproveNode(grpc::CallbackServerContext* context,
                                                         const api::ApproveNodeRequest* request,
                                                         api::ApproveNodeResponse* response) {
  return ServeUnary(leader_, context, "metropolis.proto.api.Management.ApproveNode", response,
                    [this, request](const Caller&, auto call) {
                      SettleByWriting(leader_, std::move(call),
                                      [public_key = request->pubkey()](const DecisionView& view,
                                                                       api::ApproveNodeResponse*) {
                                        return DecideApprove(view, public_key);
                                      });
                    });
}

grpc::ServerUnaryReactor* ManagementService::UpdateNodeRoles(
    grpc::CallbackServerContext* context, const api::UpdateNodeRolesRequest* request,
    api::UpdateNodeRolesResponse* response) {
  return ServeUnary(leader_, context, "metropolis.proto.api.Management.UpdateNodeRoles", response,
                    [this, request](const Caller&, auto call) {
                      SettleByWriting(leader_, std::move(call),
                                      [request = *request](const DecisionView& view,
                                                           api::UpdateNodeRolesResponse*) {
                                        return DecideRoles(view, request);
                                      });
                    });
}

grpc::ServerUnaryReactor* ManagementService::DecommissionNode(
    grpc::CallbackServerContext* context, const api::DecommissionNodeRequest* request,
    api::DecommissionNodeResponse* response) {
  return ServeUnary(leader_, context, "metropolis.proto.api.Management.DecommissionNode", response,
                    [this, request](const Caller&, auto call) {
                      SettleByWriting(
                          leader_, std::move(call),
                          [request = *request, only_curator = OnlyCurator(leader_)](
                              const DecisionView& view, api::DecommissionNodeResponse*) {
                            return DecideDecommission(view, request, only_curator, absl::Now());
                          });
                    });
}

grpc::ServerUnaryReactor* ManagementService::DeleteNode(grpc::CallbackServerContext* context,
                                                        const api::DeleteNodeRequest* request,
                                                        api::DeleteNodeResponse* response) {
  return ServeUnary(leader_, context, "metropolis.proto.api.Management.DeleteNode", response,
                    [this, request](const Caller&, auto call) {
                      SettleByWriting(
                          leader_, std::move(call),
                          [request = *request](const DecisionView& view, api::DeleteNodeResponse*) {
                            return DecideDelete(view, request);
                          });
                    });
}

grpc::ServerUnaryReactor* ManagementService::UpdateNodeLabels(
    grpc::CallbackServerContext* context, const api::UpdateNodeLabelsRequest* request,
    api::UpdateNodeLabelsResponse* response) {
  return ServeUnary(
      leader_, context, "metropolis.proto.api.Management.UpdateNodeLabels", response,
      [this, request](const Caller&, auto call) {
        SettleByWriting(
            leader_, std::move(call),
            [request = *request](const DecisionView& view, api::UpdateNodeLabelsResponse*) {
              return DecideLabels(view, request);
            },
            request->SpaceUsedLong());
      });
}

grpc::ServerUnaryReactor* ManagementService::ConfigureCluster(
    grpc::CallbackServerContext* context, const api::ConfigureClusterRequest* request,
    api::ConfigureClusterResponse* response) {
  return ServeUnary(
      leader_, context, "metropolis.proto.api.Management.ConfigureCluster", response,
      [this, request](const Caller&, auto call) {
        SettleByWriting(
            leader_, std::move(call),
            [request = *request](const DecisionView& view, api::ConfigureClusterResponse* answer) {
              return DecideConfigure(view, request, answer);
            },
            request->SpaceUsedLong());
      });
}

}  // namespace curatord
