#include "curator/probe.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "curator/v1/server_status.pb.h"
#include "libclient/core/call_outcome.h"
#include "libclient/core/endpoint.h"
#include "libclient/net/endpoint_channel.h"
#include "libclient/net/leader_confirmation.h"
#include "libclient/net/monotonic.h"
#include "libclient/net/role_question.h"
#include "libclient/net/tcp_probe.h"

namespace curator {
namespace {

Verdict VerdictOf(identity::CertificateFault fault) {
  switch (fault) {
    case identity::CertificateFault::kExpired:
      return Verdict::kExpired;
    case identity::CertificateFault::kWrongNode:
      return Verdict::kWrongNode;
    default:
      return Verdict::kWrongCa;
  }
}

const char* HealthName(v1::Part::Health health) {
  switch (health) {
    case v1::Part::HEALTH_RUNNING:
      return "running";
    case v1::Part::HEALTH_BACKING_OFF:
      return "backing-off";
    case v1::Part::HEALTH_STOPPED:
      return "stopped";
    default:
      return "unknown";
  }
}

// One endpoint, phase by phase; each returns false when its verdict is the end.
class EndpointProbe {
 public:
  EndpointProbe(const ProbeOptions& options, const std::string& text, core::Instant deadline)
      : options_(options), text_(text), deadline_(deadline) {}

  ProbeResult Run() {
    const core::Instant began_at = net::Now();
    result_.endpoint.address = text_;
    result_.endpoint.tries = 1;
    if (Connect() && AskRole()) AskLeadership();
    result_.endpoint.elapsed = core::Elapsed(began_at, net::Now());
    return std::move(result_);
  }

 private:
  void Judge(Phase phase, Verdict verdict, std::string detail) {
    result_.endpoint.phase = phase;
    result_.endpoint.verdict = verdict;
    result_.endpoint.detail = std::move(detail);
  }

  bool Connect() {
    const absl::StatusOr<core::Endpoint> endpoint = core::ParseEndpoint(text_);
    if (!endpoint.ok()) {
      Judge(Phase::kResolve, Verdict::kUnresolvable, std::string(endpoint.status().message()));
      return false;
    }
    endpoint_ = *endpoint;
    result_.endpoint.address = endpoint_.ToString();
    core::DialOutcome outcome = net::ProbeTcp(endpoint_, deadline_);
    if (outcome.verdict == Verdict::kUnknown) return true;
    Judge(outcome.phase, outcome.verdict, std::move(outcome.detail));
    return false;
  }

  bool AskRole() {
    net::ChannelOptions channel_options;
    channel_options.ca = options_.ca;
    channel_options.identity = options_.identity;
    channel_options.connect_timeout = core::Until(deadline_, net::Now());
    if (const auto it = options_.expected_node_ids.find(text_);
        it != options_.expected_node_ids.end()) {
      channel_options.expected_node_id = it->second;
    }
    channel_options.one_connection = true;
    channel_ = net::OpenChannel(endpoint_, channel_options);
    const net::RoleAnswer answer =
        net::RoleQuestion(channel_, options_.ca).Await(deadline_, /*stops=*/{});
    const identity::PeerRecord::Seen seen = channel_.peer->Get();
    result_.endpoint.node_id = seen.verification.name;
    if (seen.handshakes > 0 && options_.ca.has_value() && !seen.verification.ok()) {
      Judge(Phase::kIdentity, VerdictOf(seen.verification.fault), seen.verification.detail);
      return false;
    }
    if (!answer.statement.has_value()) {
      JudgeUnanswered(answer.status, seen.handshakes > 0);
      return false;
    }
    if (!answer.contradiction.empty()) {
      Judge(Phase::kIdentity, Verdict::kUnknown, answer.contradiction);
      return false;
    }
    statement_ = *answer.statement;
    result_.endpoint.leader_id = statement_.leader_id;
    result_.term = statement_.term;
    if (!statement_.claims()) {
      result_.leader_address = statement_.leader_address;
      Judge(Phase::kRole, Verdict::kFollower, DescribeFollowed());
      return true;
    }
    return !options_.ca.has_value() || IsCredible();
  }

  bool IsCredible() {
    using Proof = core::LeaderView::Proof;
    if (statement_.proof == Proof::kWrong) {
      Judge(Phase::kRole, Verdict::kFalseLeader,
            absl::StrCat("says that it leads, but ", statement_.proof_fault));
      return false;
    }
    if (statement_.proof == Proof::kMissing && !options_.accept_unproven) {
      Judge(Phase::kRole, Verdict::kUnproven, "says that it leads, without proof");
      return false;
    }
    return true;
  }

  void JudgeUnanswered(const grpc::Status& status, bool tls_done) {
    const bool time_is_up = net::Now() >= deadline_;
    if (time_is_up && tls_done) {
      Judge(Phase::kRole, Verdict::kSilent, "no answer to GetCurrentLeader in time");
    } else if (time_is_up) {
      Judge(Phase::kTls, Verdict::kUnreachable,
            "takes connections, but does not answer the TLS handshake");
    } else {
      const std::string message = status.error_message();
      core::DialOutcome outcome = core::ClassifyDial({status.error_code(), message, ""}, tls_done);
      Judge(outcome.phase, outcome.verdict, std::move(outcome.detail));
    }
  }

  // Whether the leader that a follower names can be reached.
  std::string DescribeFollowed() const {
    std::string text = absl::StrCat("follower of ", statement_.leader_id);
    const absl::StatusOr<core::Endpoint> leader = core::ParseEndpoint(statement_.leader_address);
    if (!leader.ok()) return text;
    const core::DialOutcome outcome = net::ProbeTcp(*leader, deadline_);
    return absl::StrCat(text, " at ", leader->ToString(),
                        outcome.verdict == Verdict::kUnknown
                            ? ", which takes connections"
                            : absl::StrCat(", where: ", outcome.detail));
  }

  net::AttemptOptions CallOptions() const {
    net::AttemptOptions call_options;
    call_options.deadline = deadline_;
    return call_options;
  }

  void AskLeadership() {
    if (!options_.identity.has_value() || options_.identity->is_ephemeral()) {
      if (statement_.claims()) {
        Judge(Phase::kRole, Verdict::kUnknown,
              absl::StrCat(statement_.proof == core::LeaderView::Proof::kValid ? "proves" : "says",
                           " that it leads; only a client certificate can confirm it"));
      }
      return;
    }
    if (statement_.claims()) ConfirmLeadership();
    ReadStatus();
  }

  void ConfirmLeadership() {
    const core::CallOutcome outcome = net::AskWhetherItLeads(channel_.channel, CallOptions());
    switch (outcome.cause) {
      case core::Cause::kOk:
      case core::Cause::kDenied:
        Judge(Phase::kRpc, Verdict::kLeader, "leads");
        break;
      case core::Cause::kRejectedCredentials:
        Judge(Phase::kRpc, Verdict::kRejectedOurCertificate, outcome.detail);
        break;
      case core::Cause::kTimedOut:
        Judge(Phase::kRpc, Verdict::kSilent, "no answer to Management.GetClusterInfo in time");
        break;
      case core::Cause::kNotLeader:
      case core::Cause::kLostLeadership:
      case core::Cause::kUnimplemented:
      case core::Cause::kStoreUnavailable:
      case core::Cause::kOutcomeUnknown:
        Judge(Phase::kRpc, Verdict::kStaleLeader,
              absl::StrCat("calls itself leader, but: ", outcome.detail));
        break;
      default:
        Judge(Phase::kRpc, Verdict::kUnknown, outcome.detail);
        break;
    }
  }

  // Servers of the existing system lack it; then nothing is known of parts.
  void ReadStatus() {
    v1::GetServerStatusResponse response;
    const grpc::Status status =
        net::AttemptUnary(channel_.channel, "/curator.v1.ServerStatus/Get", CallOptions(),
                          v1::GetServerStatusRequest(), &response);
    if (!status.ok()) {
      const std::string message = status.error_message();
      const core::Cause cause =
          core::Classify({status.error_code(), message, ""}, "curator.v1.ServerStatus.Get", false)
              .cause;
      if (cause == core::Cause::kRejectedCredentials) {
        Judge(Phase::kRpc, Verdict::kRejectedOurCertificate, message);
      } else if (cause == core::Cause::kTimedOut &&
                 result_.endpoint.verdict == Verdict::kFollower) {
        Judge(Phase::kRpc, Verdict::kSilent, "no answer to ServerStatus.Get in time");
      }
      return;
    }
    if (response.term() != 0) result_.term = response.term();
    result_.server_version = response.software_version();
    for (const v1::Part& from : response.parts()) {
      ServerPart part;
      part.name = from.name();
      part.health = HealthName(from.health());
      part.last_error = from.last_error();
      part.since = absl::Seconds(from.since().seconds()) + absl::Nanoseconds(from.since().nanos());
      result_.parts.push_back(std::move(part));
    }
  }

  const ProbeOptions& options_;
  const std::string& text_;
  const core::Instant deadline_;
  ProbeResult result_;
  core::Endpoint endpoint_;
  net::EndpointChannel channel_;
  core::LeaderView::Statement statement_;
};

}  // namespace

std::vector<ProbeResult> Probe(const ProbeOptions& options) {
  const core::Instant deadline = core::After(net::Now(), options.timeout);
  std::vector<ProbeResult> results(options.endpoints.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < options.endpoints.size(); ++i) {
    threads.emplace_back(
        [&, i] { results[i] = EndpointProbe(options, options.endpoints[i], deadline).Run(); });
  }
  for (std::thread& thread : threads) thread.join();
  return results;
}

}  // namespace curator
