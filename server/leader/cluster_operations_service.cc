#include "server/leader/cluster_operations_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libclient/identity/node_id.h"
#include "server/log.h"
#include "server/nodes/departure.h"
#include "server/nodes/register_ticket.h"

namespace curatord {
namespace {

// Deletes the keys of all who stand before the one who shall lead, our own among
// them: who stands first leads. Those in between queue again by themselves. If the
// chosen one has just left, the next in line leads.
absl::StatusOr<std::vector<Operation>> DecideTransfer(
    const DecisionView& view, const Role& role, const std::vector<Candidate>& candidates,
    const std::string& to, curator::v1::TransferLeadershipResponse* response) {
  response->set_leader_node_id(role.leader_id);
  if (to == role.leader_id) return std::vector<Operation>{};
  if (!to.empty() && view.FindNode(to) == nullptr) {
    return absl::NotFoundError(absl::StrCat("no node ", to));
  }
  std::vector<Operation> operations;
  for (const Candidate& candidate : candidates) {
    const bool other = candidate.create_revision > role.term && !candidate.node_id.empty() &&
                       candidate.node_id != role.leader_id;
    if (other && (to.empty() || candidate.node_id == to)) {
      response->set_leader_node_id(candidate.node_id);
      return operations;
    }
    operations.push_back(Operation::Delete(candidate.key));
  }
  return absl::FailedPreconditionError(
      to.empty() ? "no other curator is a candidate to lead"
                 : absl::StrCat(to, " is no candidate to lead: does its curator run?"));
}

}  // namespace

grpc::ServerUnaryReactor* ClusterOperationsService::TransferLeadership(
    grpc::CallbackServerContext* context, const curator::v1::TransferLeadershipRequest* request,
    curator::v1::TransferLeadershipResponse* response) {
  return ServeUnary(
      leader_, context, "curator.v1.ClusterOperations.TransferLeadership", response,
      [this, request](const Caller& caller, auto call) {
        const std::string& to = request->to_node_id();
        if (!to.empty() && !curator::identity::IsNodeId(to)) {
          call->Settle(absl::InvalidArgumentError(absl::StrCat(Quoted(to), " is no node id")));
          return;
        }
        LogInfo("asked to hand over leadership", {{"to", to}, {"by", caller.name}});
        SettleByWriting(
            leader_, std::move(call),
            [to, role = leader_.leadership->role(), candidates = leader_.candidates](
                const DecisionView& view, curator::v1::TransferLeadershipResponse* answer) {
              return DecideTransfer(view, role, candidates(), to, answer);
            });
      });
}

grpc::ServerUnaryReactor* ClusterOperationsService::GetDecommission(
    grpc::CallbackServerContext* context, const curator::v1::GetDecommissionRequest* request,
    curator::v1::Decommission* response) {
  return ServeUnary(
      leader_, context, "curator.v1.ClusterOperations.GetDecommission", response,
      [this, request](const Caller&, auto call) {
        const std::string& node_id = request->node_id();
        if (!curator::identity::IsNodeId(node_id)) {
          call->Settle(absl::InvalidArgumentError(absl::StrCat(Quoted(node_id), " is no node id")));
          return;
        }
        leader_.leadership->Confirm(
            [call, node_id, state = &leader_.leadership->state()](absl::Status confirmed) {
              if (!confirmed.ok()) {
                call->Settle(std::move(confirmed));
              } else {
                call->Settle(DecommissionOf(DecisionView(state), node_id));
              }
            });
      });
}

grpc::ServerUnaryReactor* ClusterOperationsService::ReportDecommission(
    grpc::CallbackServerContext* context, const curator::v1::ReportDecommissionRequest* request,
    curator::v1::ReportDecommissionResponse* response) {
  return ServeUnary(
      leader_, context, "curator.v1.ClusterOperations.ReportDecommission", response,
      [this, request](const Caller& caller, auto call) {
        if (caller.kind != Caller::Kind::kNode) {
          call->Settle(absl::PermissionDeniedError(
              absl::StrCat("only a node reports on itself; the caller is ", caller.name)));
          return;
        }
        // Its certificate would count for nothing, and so would its leadership.
        if (request->state() == curator::v1::Decommission::STATE_DONE &&
            caller.name == leader_.leadership->role().leader_id) {
          call->Settle(absl::FailedPreconditionError(absl::StrCat(
              "node ", caller.name, " leads the cluster: another curator must lead first")));
          return;
        }
        SettleByWriting(
            leader_, std::move(call),
            [node_id = caller.name, request = *request](
                const DecisionView& view, curator::v1::ReportDecommissionResponse* answer) {
              return DecideDecommissionReport(view, node_id, request, absl::Now(), answer);
            });
      });
}

grpc::ServerUnaryReactor* ClusterOperationsService::DescribeRegisterTicket(
    grpc::CallbackServerContext* context, const curator::v1::DescribeRegisterTicketRequest*,
    curator::v1::RegisterTicketFacts* response) {
  return ServeUnary(leader_, context, "curator.v1.ClusterOperations.DescribeRegisterTicket",
                    response, [this](const Caller&, auto call) {
                      leader_.leadership->Confirm(
                          [call, state = &leader_.leadership->state()](absl::Status confirmed) {
                            if (!confirmed.ok()) {
                              call->Settle(std::move(confirmed));
                            } else {
                              call->Settle(DescribeTicket(DecisionView(state)));
                            }
                          });
                    });
}

grpc::ServerUnaryReactor* ClusterOperationsService::RotateRegisterTicket(
    grpc::CallbackServerContext* context, const curator::v1::RotateRegisterTicketRequest* request,
    curator::v1::RotateRegisterTicketResponse* response) {
  return ServeUnary(leader_, context, "curator.v1.ClusterOperations.RotateRegisterTicket", response,
                    [this, request](const Caller& caller, auto call) {
                      LogInfo("asked to replace the register ticket", {{"by", caller.name}});
                      SettleByWriting(
                          leader_, std::move(call),
                          [request = *request](const DecisionView& view,
                                               curator::v1::RotateRegisterTicketResponse* answer) {
                            return DecideTicketRotation(view, request, absl::Now(), answer);
                          });
                    });
}

}  // namespace curatord
