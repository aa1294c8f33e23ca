#include "libclient/client/enrollment.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "curator/error.h"
#include "libclient/client/agent_calls.h"
#include "libclient/client/durable_file.h"
#include "libclient/identity/node_id.h"
#include "libclient/net/cancellation.h"
#include "libclient/net/monotonic.h"
#include "metropolis/curator.pb.h"

namespace curator {
namespace {

namespace curator_api = ::metropolis::node::core::curator::proto::api;
namespace common = ::metropolis::proto::common;

constexpr char kRegisterNode[] = "metropolis.node.core.curator.proto.api.Curator.RegisterNode";
constexpr char kCommitNode[] = "metropolis.node.core.curator.proto.api.Curator.CommitNode";
constexpr absl::Duration kFetchSpan = absl::Seconds(10);

common::NodeStorageSecurity ToProto(StorageSecurity security) {
  switch (security) {
    case StorageSecurity::kUnknown:
      return common::NODE_STORAGE_SECURITY_INVALID;
    case StorageSecurity::kInsecure:
      return common::NODE_STORAGE_SECURITY_INSECURE;
    case StorageSecurity::kEncrypted:
      return common::NODE_STORAGE_SECURITY_ENCRYPTED;
    case StorageSecurity::kAuthenticatedEncrypted:
      return common::NODE_STORAGE_SECURITY_AUTHENTICATED_ENCRYPTED;
  }
  return common::NODE_STORAGE_SECURITY_INVALID;
}

ErrorCode CodeOf(const absl::Status& status) { return DescribeError(status).code; }

absl::Status WithHints(const absl::Status& status, std::string message,
                       std::vector<std::string> hints) {
  Error error = DescribeError(status);
  // The cluster's own words; what the call made of them is about certificates.
  error.cause = error.message;
  error.message = std::move(message);
  error.hints = std::move(hints);
  return MakeError(error);
}

absl::Status OtherCa(const std::string& data_dir, const std::string& stored,
                     const std::string& wanted) {
  Error error;
  error.code = ErrorCode::kUntrusted;
  error.message = absl::StrCat("the node in ", data_dir, " belongs to another cluster");
  error.cause = absl::StrCat("its ca.pem is SHA256:", stored, ", not SHA256:", wanted);
  error.hints = {"check the CA fingerprint", "or choose another data directory"};
  return MakeError(error);
}

}  // namespace

Enrollment::Enrollment(const NodeAgentOptions& options, const net::CallContext& context,
                       Connect connect)
    : options_(options), context_(context), connect_(std::move(connect)) {}

absl::StatusOr<StoredNode> Enrollment::Run() {
  absl::StatusOr<StoredNode> stored = ReadStoredNode(options_.data_dir);
  if (!stored.ok()) return stored.status();
  node_ = *std::move(stored);
  had_keys_ = node_.unlock_key.has_value();
  if (!node_.identity.has_value() && !had_keys_) {
    BeginStep(NodeAgentStep::kGenerateKeys);
    if (absl::Status status = CompleteKeys(options_.data_dir, node_); !status.ok()) return status;
  }
  if (absl::Status status = PinCa(); !status.ok()) return status;
  if (node_.identity.has_value()) return std::move(node_);

  const absl::StatusOr<Identity> ephemeral = Identity::Ephemeral(*node_.node_key);
  if (!ephemeral.ok()) return ephemeral.status();
  absl::StatusOr<std::shared_ptr<net::LeaderFinder>> finder = connect_(*node_.ca, *ephemeral);
  if (!finder.ok()) return finder.status();
  if (absl::Status status = Register(**finder); !status.ok()) return status;
  if (absl::Status status = CommitWhenApproved(**finder); !status.ok()) return status;
  return std::move(node_);
}

// The stored CA decides once there is one. Nothing is sent before it is on disk.
absl::Status Enrollment::PinCa() {
  const std::string wanted = options_.ca.has_value() ? options_.ca->sha256() : options_.ca_sha256;
  if (node_.ca.has_value()) {
    return wanted.empty() || node_.ca->sha256() == wanted
               ? absl::OkStatus()
               : OtherCa(options_.data_dir, node_.ca->sha256(), wanted);
  }
  if (options_.ca.has_value()) return StoreCa(options_.data_dir, *options_.ca, node_);
  if (wanted.empty()) {
    Error error;
    error.code = ErrorCode::kInvalidArgument;
    error.message = "neither the cluster's CA nor its fingerprint is given";
    error.hints = {"take the fingerprint from `cluster info` or from whoever runs the cluster"};
    return MakeError(error);
  }
  FailureStreak failures([this](absl::string_view line) { Log(line); });
  for (;;) {
    CallOptions options;
    options.timeout = std::min(core::Until(context_.deadline, net::Now()), kFetchSpan);
    options.cancellation = context_.cancellation;
    const absl::StatusOr<OfferedCa> offered = FetchClusterCa(options_.endpoints, wanted, options);
    if (offered.ok()) return StoreCa(options_.data_dir, offered->ca, node_);
    if (IsFinal(offered.status(), Patience::kUntilRefused) ||
        !PauseFor(failures.Add("fetching the cluster's CA", offered.status()), context_.deadline,
                  net::TokenOf(context_.cancellation))) {
      return offered.status();
    }
  }
}

// Harmless while the node is NEW. Refusals are not yet the end when an earlier run
// may have registered: the ticket may have been rotated since, or never needed.
absl::Status Enrollment::Register(net::LeaderFinder& finder) {
  BeginStep(NodeAgentStep::kRegister);
  if (options_.register_ticket.empty()) {
    Error error;
    error.code = ErrorCode::kInvalidArgument;
    error.message = "no register ticket is given";
    error.cause = absl::StrCat("node ", node_id(), " is not registered yet");
    error.hints = {"an operator gets one with: ticket show"};
    register_refusal_ = MakeError(error);
    return had_keys_ ? absl::OkStatus() : register_refusal_;
  }
  curator_api::RegisterNodeRequest request;
  request.set_register_ticket(options_.register_ticket);
  request.set_join_key(node_.join_key->public_key());
  request.set_have_local_tpm(options_.have_local_tpm);
  for (const auto& [key, value] : options_.labels) {
    common::NodeLabels::Pair* pair = request.mutable_labels()->add_pairs();
    pair->set_key(key);
    pair->set_value(value);
  }
  curator_api::RegisterNodeResponse response;
  absl::Status status = CallPatiently(
      finder, context_, Patience::kUntilRefused, [this](absl::string_view line) { Log(line); },
      kRegisterNode, request, &response);
  if (status.ok()) {
    recommended_security_ = response.recommended_node_storage_security();
    Log(absl::StrCat("registered as ", node_id()));
    return status;
  }
  switch (CodeOf(status)) {
    case ErrorCode::kRefused:  // known already, and further than NEW
      return absl::OkStatus();
    case ErrorCode::kDenied:
      register_refusal_ =
          WithHints(status, absl::StrCat("the cluster refuses to register ", node_id()),
                    {"check the ticket: it may be of another cluster, or have been rotated",
                     "check the cluster's TPM mode: REQUIRED takes no node without a TPM"});
      return had_keys_ ? absl::OkStatus() : register_refusal_;
    default:
      return status;
  }
}

absl::Status Enrollment::CommitWhenApproved(net::LeaderFinder& finder) {
  const std::stop_token stop = net::TokenOf(context_.cancellation);
  BeginStep(NodeAgentStep::kCommit);
  bool waiting = false;
  for (;;) {
    std::string certificate_der;
    absl::Status status = Commit(finder, &certificate_der);
    if (status.ok()) {
      BeginStep(NodeAgentStep::kStoreCertificate);
      return StoreCertificate(options_.data_dir, certificate_der, node_);
    }
    switch (CodeOf(status)) {
      case ErrorCode::kDenied:  // NEW: the operator has to approve it
        break;
      case ErrorCode::kTimeout:
      case ErrorCode::kUnknownOutcome:
        // The time ran out while the next try was under way. Whatever became of it,
        // the next run goes on from there.
        if (!waiting) return status;
        break;
      case ErrorCode::kNotFound:
        if (!register_refusal_.ok()) return register_refusal_;
        return WithHints(status, absl::StrCat("node ", node_id(), " was deleted from the cluster"),
                         {"to register again, start with an empty data directory"});
      case ErrorCode::kRefused:
        return WithHints(
            status, absl::StrCat("the cluster refuses to commit ", node_id()),
            {"if it is the storage security, ask for one that the cluster's policy takes",
             "if the node is UP already, the answer to an earlier commit was lost and this cluster "
             "does not repeat it: delete the node in the cluster, then start again with an empty "
             "data directory and the ticket"});
      default:
        return status;
    }
    if (!waiting) {
      waiting = true;
      BeginStep(NodeAgentStep::kWaitForApproval);
      Log(absl::StrCat("waiting for approval of ", node_id(), ", public key ",
                       absl::BytesToHexString(node_.node_key->public_key())));
    }
    if (!PauseFor(options_.approval_poll_interval, context_.deadline, stop)) {
      Error error;
      error.code = stop.stop_requested() ? ErrorCode::kCancelled : ErrorCode::kTimeout;
      error.message = absl::StrCat("node ", node_id(), " is not approved yet");
      error.hints = {absl::StrCat("approve it: node approve ", node_id())};
      return MakeError(error);
    }
  }
}

// What was recommended at registration is not known to a run that found the node
// registered. Authenticated encryption suits every policy but one.
absl::Status Enrollment::Commit(net::LeaderFinder& finder, std::string* certificate_der) {
  const common::NodeStorageSecurity chosen = ToProto(options_.storage_security);
  if (chosen != common::NODE_STORAGE_SECURITY_INVALID) {
    return CommitAs(finder, chosen, certificate_der);
  }
  if (recommended_security_ != common::NODE_STORAGE_SECURITY_INVALID) {
    return CommitAs(finder, recommended_security_, certificate_der);
  }
  absl::Status status =
      CommitAs(finder, common::NODE_STORAGE_SECURITY_AUTHENTICATED_ENCRYPTED, certificate_der);
  if (status.ok() || CodeOf(status) != ErrorCode::kRefused) return status;
  absl::Status insecure = CommitAs(finder, common::NODE_STORAGE_SECURITY_INSECURE, certificate_der);
  return !insecure.ok() && CodeOf(insecure) == ErrorCode::kRefused ? status : insecure;
}

absl::Status Enrollment::CommitAs(net::LeaderFinder& finder, common::NodeStorageSecurity security,
                                  std::string* certificate_der) {
  curator_api::CommitNodeRequest request;
  request.set_storage_security(security);
  if (security != common::NODE_STORAGE_SECURITY_INSECURE) {
    request.set_cluster_unlock_key(*node_.unlock_key);
  }
  curator_api::CommitNodeResponse response;
  absl::Status status = CallPatiently(
      finder, context_, Patience::kUntilRefused, [this](absl::string_view line) { Log(line); },
      kCommitNode, request, &response);
  if (!status.ok()) return status;
  if (response.ca_certificate() != node_.ca->der()) {
    Log("the cluster named another CA than the pinned one when it committed this node");
  }
  *certificate_der = response.node_certificate();
  return status;
}

void Enrollment::BeginStep(NodeAgentStep step) const {
  if (options_.on_step) options_.on_step(step);
}

void Enrollment::Log(absl::string_view line) const {
  if (options_.on_log) options_.on_log(line);
}

std::string Enrollment::node_id() const {
  return identity::NodeIdFromPublicKey(node_.node_key->public_key());
}

}  // namespace curator
