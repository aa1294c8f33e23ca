#include "libclient/client/node_departure.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "curator/error.h"
#include "curator/v1/cluster_operations.pb.h"
#include "libclient/client/agent_calls.h"
#include "libclient/net/attempt.h"
#include "libclient/net/cancellation.h"
#include "libclient/net/monotonic.h"

namespace curator {
namespace {

constexpr char kGetDecommission[] = "curator.v1.ClusterOperations.GetDecommission";
constexpr char kReportDecommission[] = "curator.v1.ClusterOperations.ReportDecommission";

}  // namespace

NodeDeparture::NodeDeparture(const NodeAgentOptions& options, const net::CallContext& context,
                             std::string node_id)
    : options_(options), context_(context), node_id_(std::move(node_id)), ask_at_(net::Now()) {}

NodeDeparture::~NodeDeparture() {
  cancel_work_.Cancel();
  if (worker_.joinable()) worker_.join();
}

void NodeDeparture::AskOn(const net::LeaderConnection& leader, core::Instant deadline) {
  if (is_working_) return;
  const bool is_new = std::exchange(asked_dial_, leader.dial_id) != leader.dial_id;
  if (is_new) lacks_it_ = false;
  if (lacks_it_ || (!is_new && net::Now() < ask_at_)) return;
  ask_at_ = core::After(net::Now(), options_.decommission_poll_interval);
  v1::GetDecommissionRequest ask;
  ask.set_node_id(node_id_);
  v1::Decommission decommission;
  core::CallOutcome outcome = CallOn(leader, deadline, kGetDecommission, ask, &decommission);
  if (outcome.cause == core::Cause::kOk &&
      decommission.state() == v1::Decommission::STATE_REQUESTED) {
    v1::ReportDecommissionRequest report;
    report.set_state(v1::Decommission::STATE_IN_PROGRESS);
    v1::ReportDecommissionResponse response;
    outcome = CallOn(leader, deadline, kReportDecommission, report, &response);
    decommission = std::move(*response.mutable_decommission());
  }
  switch (outcome.cause) {
    case core::Cause::kOk:
      if (decommission.state() == v1::Decommission::STATE_IN_PROGRESS) BeginWork();
      return;
    case core::Cause::kUnimplemented:
    case core::Cause::kUnsupported:
      lacks_it_ = true;
      return;
    case core::Cause::kRefused:
      OnRefused(outcome.detail);
      return;
    default:
      return;  // whatever it is, the heartbeats will tell
  }
}

core::CallOutcome NodeDeparture::CallOn(const net::LeaderConnection& leader, core::Instant deadline,
                                        const char* method,
                                        const google::protobuf::Message& request,
                                        google::protobuf::Message* response) const {
  net::AttemptOptions attempt;
  attempt.deadline = std::min(deadline, context_.deadline);
  attempt.stops = {net::TokenOf(context_.cancellation), leader.superseded};
  std::string path = absl::StrCat("/", method);
  path[path.rfind('.')] = '/';
  const grpc::Status status = net::AttemptUnary(leader.channel, path, attempt, request, response);
  const std::string message = status.error_message();
  const std::string details = status.error_details();
  return core::Classify({status.error_code(), message, details}, method,
                        attempt.stops.front().stop_requested());
}

void NodeDeparture::BeginWork() {
  is_working_ = true;
  Log(absl::StrCat("decommissioning of node ", node_id_, " is in progress"));
  if (options_.on_step) options_.on_step(NodeAgentStep::kDecommission);
  if (!options_.on_decommission) {
    work_ended_.request_stop();
    return;
  }
  worker_ = std::thread([this] {
    work_result_ = options_.on_decommission(cancel_work_);
    work_ended_.request_stop();
  });
}

absl::Status NodeDeparture::Finish(net::LeaderFinder& finder, bool* has_left,
                                   net::CallTrace* trace) {
  if (worker_.joinable()) worker_.join();
  if (!work_result_.ok()) {
    Error error = DescribeError(work_result_);
    error.cause =
        error.cause.empty() ? error.message : absl::StrCat(error.message, "; ", error.cause);
    error.message =
        absl::StrCat("node ", node_id_, " is not decommissioned: the work before failed");
    return MakeError(error);
  }
  is_working_ = false;
  work_ended_ = std::stop_source();
  v1::ReportDecommissionRequest report;
  report.set_state(v1::Decommission::STATE_DONE);
  v1::ReportDecommissionResponse response;
  absl::Status status = CallPatiently(
      finder, context_, Patience::kUntilForgotten, [this](absl::string_view line) { Log(line); },
      kReportDecommission, report, &response, trace);
  // Done is what revokes the certificate, and then no repetition is answered otherwise.
  *has_left = status.ok() || trace->own_node == core::OwnNode::kDecommissioned;
  if (*has_left) return absl::OkStatus();
  switch (DescribeError(status).code) {
    case ErrorCode::kRefused:      // it was given roles meanwhile, say
    case ErrorCode::kUnsupported:  // this leader knows of no decommissioning
      OnRefused(status.message());
      return absl::OkStatus();
    default:
      return status;
  }
}

// Asked again and again: each cause is worth one line.
void NodeDeparture::OnRefused(absl::string_view cause) {
  ask_at_ = core::After(net::Now(), options_.decommission_poll_interval);
  if (std::exchange(logged_refusal_, std::string(cause)) == cause) return;
  Log(absl::StrCat("decommissioning of node ", node_id_,
                   " does not go on, to be tried again: ", cause));
}

void NodeDeparture::Log(absl::string_view line) const {
  if (options_.on_log) options_.on_log(line);
}

}  // namespace curator
