#include "libclient/client/node_service.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "curator/error.h"
#include "libclient/client/agent_calls.h"
#include "libclient/client/durable_file.h"
#include "libclient/client/local_address.h"
#include "libclient/identity/node_id.h"
#include "libclient/net/cancellation.h"
#include "libclient/net/monotonic.h"
#include "metropolis/curator.pb.h"

namespace curator {
namespace {

namespace curator_api = ::metropolis::node::core::curator::proto::api;

constexpr char kJoinNode[] = "metropolis.node.core.curator.proto.api.Curator.JoinNode";
constexpr char kUpdateNodeStatus[] =
    "metropolis.node.core.curator.proto.api.Curator.UpdateNodeStatus";

// A failover cuts every node's connection at the same moment.
constexpr absl::Duration kReconnectJitter = absl::Milliseconds(500);

// For the leader to end the stream of heartbeats that is closed. It ends anyhow.
constexpr absl::Duration kCloseTimeout = absl::Seconds(1);

// Tells one boot of the machine from the next; empty where Linux does not say.
std::string BootId() {
  const absl::StatusOr<absl::optional<std::string>> text =
      ReadFileIfPresent("/proc/sys/kernel/random/boot_id");
  if (!text.ok() || !text->has_value()) return "";
  const std::string hex = absl::StrReplaceAll(absl::StripAsciiWhitespace(**text), {{"-", ""}});
  constexpr size_t kHexDigits = 32;
  if (hex.size() != kHexDigits || hex.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return "";
  }
  return absl::HexStringToBytes(hex);
}

void SetVersion(version::spec::Version* version) {
  const std::vector<std::string> parts = absl::StrSplit(CURATOR_VERSION, '.');
  int64_t numbers[3] = {};
  for (size_t i = 0; i < parts.size() && i < 3; ++i) {
    if (!absl::SimpleAtoi(parts[i], &numbers[i])) return;
  }
  version->mutable_release()->set_major(numbers[0]);
  version->mutable_release()->set_minor(numbers[1]);
  version->mutable_release()->set_patch(numbers[2]);
}

absl::Status Cancelled() {
  Error error;
  error.code = ErrorCode::kCancelled;
  error.message = "cancelled";
  return MakeError(error);
}

}  // namespace

NodeService::NodeService(const NodeAgentOptions& options, const net::CallContext& context,
                         const StoredNode& node)
    : options_(options),
      context_(context),
      node_(node),
      node_id_(identity::NodeIdFromPublicKey(node.node_key->public_key())),
      departure_(options, context, node_id_) {}

absl::Status NodeService::Join(net::LeaderFinder& finder) {
  const auto log = [this](absl::string_view line) { Log(line); };
  // A TPM may have gone unused when the node registered: only the cluster knows.
  bool sealed = options_.have_local_tpm;
  for (;;) {
    curator_api::JoinNodeRequest request;
    request.set_using_sealed_configuration(sealed);
    curator_api::JoinNodeResponse response;
    net::CallTrace trace;
    absl::Status status = CallPatiently(finder, context_, Patience::kUntilForgotten, log, kJoinNode,
                                        request, &response, &trace);
    if (status.ok()) {
      if (node_.unlock_key.has_value() && !response.cluster_unlock_key().empty() &&
          !identity::ConstantTimeEqual(response.cluster_unlock_key(), *node_.unlock_key)) {
        Log("the cluster keeps another unlock key for this node than unlock.key");
      }
      Log(absl::StrCat("joined as ", node_id_));
      return status;
    }
    if (!sealed || DescribeError(status).code != ErrorCode::kDenied) {
      return OnFailed(status, trace);
    }
    sealed = false;
  }
}

absl::Status NodeService::Serve(net::LeaderFinder& finder) {
  const std::stop_token stop = net::TokenOf(context_.cancellation);
  FailureStreak failures([this](absl::string_view line) { Log(line); });
  for (;;) {
    absl::StatusOr<net::LeaderConnection> leader =
        finder.WaitForLeader(context_.deadline, context_.cancellation);
    if (stop.stop_requested()) return Cancelled();
    absl::Duration delay;
    if (leader.ok()) {
      failures.Reset();
      absl::Status status = ServeOn(finder, *leader);
      if (!status.ok() || has_left_) return status;
      delay = absl::Uniform(random_, 0.0, 1.0) * kReconnectJitter;
    } else {
      if (DescribeError(leader.status()).code == ErrorCode::kCancelled) return leader.status();
      delay = failures.Add("the search for the leader", leader.status());
    }
    if (!PauseFor(delay, context_.deadline, stop)) return Cancelled();
  }
}

absl::Status NodeService::ServeOn(net::LeaderFinder& finder, const net::LeaderConnection& leader) {
  ++outage_tries_;
  absl::Status reported = ReportStatus(finder, leader);
  if (!reported.ok() || has_left_) return reported;
  const std::stop_token stop = net::TokenOf(context_.cancellation);
  const std::stop_token work_ended = departure_.work_ended();
  const std::vector<std::stop_token> stops = {stop, leader.superseded, work_ended};
  HeartbeatStream stream(leader.channel);
  for (;;) {
    const core::Instant next_at = core::After(net::Now(), options_.heartbeat_interval);
    stream.Send();
    HeartbeatStream::Event event = stream.AwaitAnswer(next_at, stops);
    if (event == HeartbeatStream::Event::kAnswered) {
      OnAnswered(finder, leader);
      departure_.AskOn(leader, next_at);
      event = stream.AwaitEnd(next_at, stops);
      if (event == HeartbeatStream::Event::kElapsed) continue;
    }
    switch (event) {
      case HeartbeatStream::Event::kStopped:
        if (stop.stop_requested()) return Cancelled();
        if (work_ended.stop_requested()) return Leave(finder, stream);
        OnOutage("another curator leads");
        return absl::OkStatus();
      case HeartbeatStream::Event::kEnded:
        return OnStreamEnd(finder, leader, stream.outcome());
      case HeartbeatStream::Event::kElapsed:
      case HeartbeatStream::Event::kAnswered: {
        const std::string cause = absl::StrCat("no answer to a heartbeat in ",
                                               absl::FormatDuration(options_.heartbeat_interval));
        OnOutage(cause);
        finder.ReportBroken(leader, cause);
        return absl::OkStatus();
      }
    }
  }
}

// Stored by the cluster: sent again only when it says something else.
absl::Status NodeService::ReportStatus(net::LeaderFinder& finder,
                                       const net::LeaderConnection& leader) {
  std::string address = options_.external_address;
  if (address.empty()) {
    absl::StatusOr<std::string> local = LocalAddressTowards(leader.endpoint);
    if (!local.ok() && reported_address_.empty()) {
      OnOutage(local.status().message());
      finder.ReportBroken(leader, local.status().message());
      return absl::OkStatus();
    }
    address = local.ok() ? *std::move(local) : reported_address_;
  }
  if (address == reported_address_) return absl::OkStatus();
  curator_api::UpdateNodeStatusRequest request;
  request.set_node_id(node_id_);
  metropolis::proto::common::NodeStatus* status = request.mutable_status();
  status->set_external_address(address);
  if (options_.curator_port != 0) {
    status->mutable_running_curator()->set_port(options_.curator_port);
  }
  SetVersion(status->mutable_version());
  status->set_boot_id(BootId());
  curator_api::UpdateNodeStatusResponse response;
  net::CallTrace trace;
  const absl::Status result = CallPatiently(
      finder, context_, Patience::kUntilForgotten, [this](absl::string_view line) { Log(line); },
      kUpdateNodeStatus, request, &response, &trace);
  if (!result.ok()) return OnFailed(result, trace);
  reported_address_ = address;
  Log(absl::StrCat("status reported, address ", address));
  return absl::OkStatus();
}

absl::Status NodeService::OnStreamEnd(net::LeaderFinder& finder,
                                      const net::LeaderConnection& leader,
                                      const core::CallOutcome& outcome) {
  switch (outcome.cause) {
    case core::Cause::kNotFound:
    case core::Cause::kRejectedCredentials:
    case core::Cause::kDenied:
      return OnRefused(outcome.own_node, core::ToErrorCode(outcome.cause), outcome.detail);
    case core::Cause::kNotLeader:
    case core::Cause::kLostLeadership:
    case core::Cause::kUnimplemented:
      OnOutage(core::ToString(outcome.cause));
      finder.ReportRefuted(leader, outcome.leader_id, outcome.leader_address);
      return absl::OkStatus();
    default:
      break;
  }
  const std::string cause = absl::StrCat(core::ToString(outcome.cause),
                                         outcome.detail.empty() ? "" : ": ", outcome.detail);
  OnOutage(cause);
  finder.ReportBroken(leader, cause);
  return absl::OkStatus();
}

absl::Status NodeService::Leave(net::LeaderFinder& finder, HeartbeatStream& stream) {
  stream.Close(core::After(net::Now(), kCloseTimeout));
  bool has_left = false;
  net::CallTrace trace;
  absl::Status status = departure_.Finish(finder, &has_left, &trace);
  if (has_left) OnLeft();
  if (status.ok() || trace.attempts == 0) return status;
  return OnFailed(status, trace);
}

absl::Status NodeService::OnFailed(const absl::Status& status, const net::CallTrace& trace) {
  const Error error = DescribeError(status);
  if (error.code == ErrorCode::kCancelled) return status;
  return OnRefused(trace.own_node, error.code,
                   absl::StrCat(error.message, error.cause.empty() ? "" : ": ", error.cause));
}

void NodeService::OnLeft() {
  has_left_ = true;
  Log(absl::StrCat("node ", node_id_, " is decommissioned"));
}

absl::Status NodeService::OnRefused(core::OwnNode own_node, ErrorCode code,
                                    absl::string_view cause) {
  if (own_node == core::OwnNode::kDecommissioned) {
    OnLeft();
    return absl::OkStatus();
  }
  Error error;
  error.code = own_node == core::OwnNode::kDeleted ? ErrorCode::kNotFound : code;
  error.message = error.code == ErrorCode::kNotFound
                      ? absl::StrCat("node ", node_id_, " was deleted from the cluster")
                      : absl::StrCat("the cluster refuses node ", node_id_);
  error.cause = std::string(cause);
  error.hints = {"to register again, start with an empty data directory and the ticket"};
  return MakeError(error);
}

void NodeService::OnAnswered(net::LeaderFinder& finder, const net::LeaderConnection& leader) {
  if (outage_tries_ == 0) return;
  finder.ReportConfirmed(leader);
  if (last_leader_.empty()) {
    Log(absl::StrCat("heartbeats answered by ", leader.node_id, " at ",
                     leader.endpoint.ToString()));
  } else {
    Log(absl::StrCat("leader ", last_leader_, " -> ", leader.node_id, ", outage ",
                     absl::FormatDuration(absl::Trunc(core::Elapsed(outage_began_at_, net::Now()),
                                                      absl::Milliseconds(1))),
                     ", ", outage_tries_, outage_tries_ == 1 ? " try" : " tries"));
  }
  last_leader_ = leader.node_id;
  outage_began_at_ = core::kNever;
  outage_tries_ = 0;
}

void NodeService::OnOutage(absl::string_view cause) {
  if (outage_began_at_ != core::kNever) return;
  outage_began_at_ = net::Now();
  if (!last_leader_.empty()) Log(absl::StrCat("leader ", last_leader_, " lost: ", cause));
}

void NodeService::Log(absl::string_view line) const {
  if (options_.on_log) options_.on_log(line);
}

}  // namespace curator
