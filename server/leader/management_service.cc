#include "server/leader/management_service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libclient/identity/key.h"
#include "server/filter/filter.h"
#include "server/nodes/configuration.h"
#include "server/nodes/departure.h"
#include "server/nodes/lifecycle.h"
#include "server/nodes/node_labels.h"
#include "server/nodes/node_roles.h"
#include "server/rpc/write_stream.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

namespace api = metropolis::proto::api;
namespace common = metropolis::proto::common;

constexpr size_t kDirectorySize = 15;
constexpr size_t kTicketBytes = 32;
// What one listing may cost that filters: about a second. A filter of a few comparisons
// takes some ten steps a node.
constexpr int64_t kFilterSteps = 20'000'000;

Operations DecideTicket(const DecisionView& view, api::GetRegisterTicketResponse* response) {
  if (absl::optional<std::string> ticket = view.Find(keys::kRegisterTicket); ticket.has_value()) {
    response->set_ticket(*ticket);
    return std::vector<Operation>{};
  }
  curator::storage::RegisterTicket ticket;
  ticket.set_opaque(curator::identity::RandomBytes(kTicketBytes));
  response->set_ticket(ticket.SerializeAsString());
  return std::vector<Operation>{
      Operation::Put(std::string(keys::kRegisterTicket), response->ticket())};
}

api::GetClusterInfoResponse ClusterInfoFrom(const ClusterState& state) {
  api::GetClusterInfoResponse response;
  std::vector<NodeRecordPtr> up;
  for (NodeRecordPtr& record : state.Nodes()) {
    if (record->node.fsm_state() == common::NODE_STATE_UP) up.push_back(std::move(record));
  }
  const size_t listed = std::min(up.size(), kDirectorySize);
  std::partial_sort(up.begin(), up.begin() + static_cast<ptrdiff_t>(listed), up.end(),
                    [](const NodeRecordPtr& a, const NodeRecordPtr& b) {
                      return a->node.public_key() < b->node.public_key();
                    });
  for (size_t i = 0; i < listed; ++i) {
    auto* entry = response.mutable_cluster_directory()->add_nodes();
    entry->set_id(up[i]->id);
    if (const std::string& address = up[i]->node.status().external_address(); !address.empty()) {
      entry->add_addresses()->set_host(address);
    }
  }
  response.set_ca_certificate(state.Find(keys::kCaCertificate).value_or(""));
  *response.mutable_cluster_configuration() = ClusterConfigurationIn(DecisionView(&state));
  return response;
}

// Lists the nodes as they were when leadership was confirmed, one message each.
class NodeListStream final : public WriteStream<api::Node> {
 public:
  explicit NodeListStream(const Heartbeats* heartbeats) : heartbeats_(heartbeats) {}

  // Each called at most once, before the first Wake.
  void SelectBy(filter::Filter filter) { filter_ = std::move(filter); }
  void List(std::vector<NodeRecordPtr> nodes) { nodes_ = std::move(nodes); }

 private:
  Step Next(api::Node* message, absl::Status* status) override {
    while (next_ < nodes_.size()) {
      Fill(message, *nodes_[next_++]);
      if (!filter_.has_value()) return Step::kMessage;
      const absl::StatusOr<bool> matches = filter_->Matches(*message, work_);
      if (!matches.ok()) {
        *status = absl::Status(
            matches.status().code(),
            absl::StrCat("filter: ", matches.status().message(), ", of node ", message->id()));
        return Step::kEnd;
      }
      if (*matches) return Step::kMessage;
    }
    return Step::kEnd;
  }

  void Fill(api::Node* message, const NodeRecord& record) const {
    *message = ToManagementNode(record);
    const Heartbeats::Vitals vitals =
        heartbeats_->VitalsOf(record.id, record.node.fsm_state() == common::NODE_STATE_UP);
    message->set_health(vitals.health);
    if (vitals.age.has_value()) {
      auto* age = message->mutable_time_since_heartbeat();
      age->set_seconds(absl::ToInt64Seconds(*vitals.age));
      age->set_nanos(static_cast<int32_t>(
          absl::ToInt64Nanoseconds(*vitals.age - absl::Seconds(age->seconds()))));
    }
  }

  const Heartbeats* const heartbeats_;
  absl::optional<filter::Filter> filter_;
  filter::Work work_{kFilterSteps};
  std::vector<NodeRecordPtr> nodes_;
  size_t next_ = 0;
};

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
                      SettleByWriting(leader_, std::move(call), DecideTicket);
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

grpc::ServerWriteReactor<api::Node>* ManagementService::GetNodes(
    grpc::CallbackServerContext* context, const api::GetNodesRequest* request) {
  SayTerm(context, leader_.leadership->term());
  auto stream = std::make_shared<NodeListStream>(leader_.heartbeats);
  auto* reactor = stream->Own();
  absl::StatusOr<Caller> caller =
      leader_.authorizer->Authorize(*context, "metropolis.proto.api.Management.GetNodes");
  if (!AdmitStream(leader_, caller, stream)) return reactor;
  if (!request->filter().empty()) {
    absl::StatusOr<filter::Filter> filter =
        filter::Filter::Compile(request->filter(), api::Node::descriptor());
    if (!filter.ok()) {
      stream->End(absl::Status(filter.status().code(),
                               absl::StrCat("filter: ", filter.status().message())));
      return reactor;
    }
    stream->SelectBy(*std::move(filter));
  }
  const ClusterState* state = &leader_.leadership->state();
  leader_.leadership->Confirm([stream, state](const absl::Status& confirmed) {
    if (!confirmed.ok()) {
      stream->End(confirmed);
      return;
    }
    stream->List(state->Nodes());
    stream->Wake();
  });
  return reactor;
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
  return ServeUnary(leader_, context, "metropolis.proto.api.Management.UpdateNodeLabels", response,
                    [this, request](const Caller&, auto call) {
                      SettleByWriting(leader_, std::move(call),
                                      [request = *request](const DecisionView& view,
                                                           api::UpdateNodeLabelsResponse*) {
                                        return DecideLabels(view, request);
                                      });
                    });
}

grpc::ServerUnaryReactor* ManagementService::ConfigureCluster(
    grpc::CallbackServerContext* context, const api::ConfigureClusterRequest* request,
    api::ConfigureClusterResponse* response) {
  return ServeUnary(leader_, context, "metropolis.proto.api.Management.ConfigureCluster", response,
                    [this, request](const Caller&, auto call) {
                      SettleByWriting(leader_, std::move(call),
                                      [request = *request](const DecisionView& view,
                                                           api::ConfigureClusterResponse* answer) {
                                        return DecideConfigure(view, request, answer);
                                      });
                    });
}

}  // namespace curatord
