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

// The cluster does not know the node any more, or not as its own.
absl::Status Dismissed(const std::string& node_id, ErrorCode code, absl::string_view cause) {
  Error error;
  error.code = code;
  error.message = code == ErrorCode::kNotFound
                      ? absl::StrCat("node ", node_id, " was deleted from the cluster")
                      : absl::StrCat("the cluster refuses node ", node_id);
  error.cause = std::string(cause);
  error.hints = {"to register again, start with an empty data directory and the ticket"};
  return MakeError(error);
}

absl::Status DismissedBy(const std::string& node_id, const absl::Status& status) {
  const Error error = DescribeError(status);
  if (error.code == ErrorCode::kCancelled) return status;
  return Dismissed(node_id, error.code, error.message);
}

}  // namespace

NodeService::NodeService(const NodeAgentOptions& options, const net::CallContext& context,
                         const StoredNode& node)
    : options_(options),
      context_(context),
      node_(node),
      node_id_(identity::NodeIdFromPublicKey(node.node_key->public_key())) {}

absl::Status NodeService::Join(net::LeaderFinder& finder) {
  const auto log = [this](absl::string_view line) { Log(line); };
  // A TPM may have gone unused when the node registered: only the cluster knows.
  bool sealed = options_.have_local_tpm;
  for (;;) {
    curator_api::JoinNodeRequest request;
    request.set_using_sealed_configuration(sealed);
    curator_api::JoinNodeResponse response;
    absl::Status status = CallPatiently(finder, context_, Patience::kUntilForgotten, log, kJoinNode,
                                        request, &response);
    if (status.ok()) {
      if (node_.unlock_key.has_value() && !response.cluster_unlock_key().empty() &&
          !identity::ConstantTimeEqual(response.cluster_unlock_key(), *node_.unlock_key)) {
        Log("the cluster keeps another unlock key for this node than unlock.key");
      }
      Log(absl::StrCat("joined as ", node_id_));
      return status;
    }
    if (!sealed || DescribeError(status).code != ErrorCode::kDenied) {
      return DismissedBy(node_id_, status);
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
      if (absl::Status status = ServeOn(finder, *leader); !status.ok()) return status;
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
  if (absl::Status status = ReportStatus(finder, leader); !status.ok()) return status;
  const std::stop_token stop = net::TokenOf(context_.cancellation);
  const std::vector<std::stop_token> stops = {stop, leader.superseded};
  HeartbeatStream stream(leader.channel);
  for (;;) {
    const core::Instant next_at = core::After(net::Now(), options_.heartbeat_interval);
    stream.Send();
    HeartbeatStream::Event event = stream.AwaitAnswer(next_at, stops);
    if (event == HeartbeatStream::Event::kAnswered) {
      OnAnswered(finder, leader);
      event = stream.AwaitEnd(next_at, stops);
      if (event == HeartbeatStream::Event::kElapsed) continue;
    }
    switch (event) {
      case HeartbeatStream::Event::kStopped:
        if (stop.stop_requested()) return Cancelled();
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
  const absl::Status result = CallPatiently(
      finder, context_, Patience::kUntilForgotten, [this](absl::string_view line) { Log(line); },
      kUpdateNodeStatus, request, &response);
  if (!result.ok()) return DismissedBy(node_id_, result);
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
      return Dismissed(node_id_, core::ToErrorCode(outcome.cause), outcome.detail);
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
