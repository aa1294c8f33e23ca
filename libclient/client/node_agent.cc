#include "curator/node_agent.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "curator/error.h"
#include "libclient/client/durable_file.h"
#include "libclient/client/enrollment.h"
#include "libclient/client/local_address.h"
#include "libclient/client/node_files.h"
#include "libclient/client/node_service.h"
#include "libclient/core/endpoint.h"
#include "libclient/identity/node_id.h"
#include "libclient/net/leader_finder.h"

namespace curator {
namespace {

// While it enrolls, a node has nothing but these pings to notice a dead leader.
// Later its heartbeats serve: ten thousand nodes must not ping a leader as well.
constexpr absl::Duration kEnrollmentKeepaliveTime = absl::Seconds(10);
constexpr absl::Duration kEnrollmentKeepaliveTimeout = absl::Seconds(5);

absl::Status InvalidOption(std::string message) {
  Error error;
  error.code = ErrorCode::kInvalidArgument;
  error.message = std::move(message);
  return MakeError(error);
}

NodeCredentials CredentialsOf(const StoredNode& node) {
  return NodeCredentials{identity::NodeIdFromPublicKey(node.node_key->public_key()), *node.ca,
                         *node.identity};
}

}  // namespace

const char* ToString(NodeAgentStep step) {
  switch (step) {
    case NodeAgentStep::kGenerateKeys:
      return "generate keys";
    case NodeAgentStep::kRegister:
      return "register";
    case NodeAgentStep::kWaitForApproval:
      return "wait for approval";
    case NodeAgentStep::kCommit:
      return "commit";
    case NodeAgentStep::kStoreCertificate:
      return "store certificate";
    case NodeAgentStep::kJoin:
      return "join";
    case NodeAgentStep::kRunning:
      return "running";
    case NodeAgentStep::kDecommission:
      return "decommission";
  }
  return "unknown step";
}

class NodeAgent::Impl {
 public:
  explicit Impl(NodeAgentOptions options) : options_(std::move(options)) {}

  absl::StatusOr<NodeCredentials> EnsureCommitted(const CallOptions& options) {
    const net::CallContext context(options);
    absl::StatusOr<DirectoryLock> lock = LockDirectory();
    if (!lock.ok()) return lock.status();
    const absl::StatusOr<StoredNode> node = Enroll(context);
    if (!node.ok()) return node.status();
    return CredentialsOf(*node);
  }

  absl::Status Run(const Cancellation& cancellation) {
    CallOptions options;
    options.timeout = absl::InfiniteDuration();
    options.cancellation = cancellation;
    const net::CallContext context(options);
    absl::StatusOr<DirectoryLock> lock = LockDirectory();
    if (!lock.ok()) return lock.status();
    const absl::StatusOr<StoredNode> node = Enroll(context);
    if (!node.ok()) return node.status();

    NodeService service(options_, context, *node);
    if (options_.join) {
      BeginStep(NodeAgentStep::kJoin);
      absl::Status status = Join(service, *node);
      if (!status.ok() || service.has_left()) return status;
    }
    BeginStep(NodeAgentStep::kRunning);
    absl::StatusOr<std::shared_ptr<net::LeaderFinder>> finder =
        Connect(*node->ca, *node->identity, absl::InfiniteDuration());
    if (!finder.ok()) return finder.status();
    return service.Serve(**finder);
  }

  void HintLeader(absl::string_view endpoint) {
    const absl::StatusOr<core::Endpoint> hint = core::ParseEndpoint(endpoint);
    if (!hint.ok()) return;
    std::shared_ptr<net::LeaderFinder> finder;
    {
      absl::MutexLock lock(&mutex_);
      hint_ = *hint;
      finder = finder_.lock();
    }
    if (finder != nullptr) finder->HintLeader(*hint);
  }

  void NameLeader(const std::string& node_id, absl::string_view endpoint) {
    const absl::StatusOr<core::Endpoint> hint = core::ParseEndpoint(endpoint);
    std::shared_ptr<net::LeaderFinder> finder;
    {
      absl::MutexLock lock(&mutex_);
      elected_ = node_id;
      hint_.reset();
      if (hint.ok()) hint_ = *hint;
      finder = finder_.lock();
    }
    if (finder == nullptr) return;
    finder->NameLeader(node_id, hint.ok() ? absl::make_optional(*hint) : absl::nullopt);
  }

 private:
  absl::StatusOr<DirectoryLock> LockDirectory() const {
    if (options_.heartbeat_interval <= absl::ZeroDuration()) {
      return InvalidOption("the heartbeat interval must be positive");
    }
    if (!options_.external_address.empty() && !IsIpAddress(options_.external_address)) {
      return InvalidOption(absl::StrCat("\"", options_.external_address, "\" is no IP address"));
    }
    if (absl::Status status = CreateDirectoryDurably(options_.data_dir); !status.ok()) {
      return status;
    }
    return DirectoryLock::Take(options_.data_dir);
  }

  absl::StatusOr<StoredNode> Enroll(const net::CallContext& context) {
    Enrollment enrollment(options_, context, [this](const ClusterCa& ca, const Identity& identity) {
      return Connect(ca, identity, kEnrollmentKeepaliveTime);
    });
    return enrollment.Run();
  }

  absl::Status Join(NodeService& service, const StoredNode& node) {
    const absl::StatusOr<Identity> identity = Identity::Ephemeral(*node.join_key);
    if (!identity.ok()) return identity.status();
    absl::StatusOr<std::shared_ptr<net::LeaderFinder>> finder =
        Connect(*node.ca, *identity, kEnrollmentKeepaliveTime);
    if (!finder.ok()) return finder.status();
    return service.Join(**finder);
  }

  // The newest finder is the one that hears of hints.
  absl::StatusOr<std::shared_ptr<net::LeaderFinder>> Connect(const ClusterCa& ca,
                                                             const Identity& identity,
                                                             absl::Duration keepalive_time) {
    net::FinderOptions options(ca);
    options.identity = identity;
    for (const std::string& text : options_.endpoints) {
      absl::StatusOr<core::Endpoint> endpoint = core::ParseEndpoint(text);
      if (!endpoint.ok()) return InvalidOption(std::string(endpoint.status().message()));
      options.seeds.push_back(*std::move(endpoint));
    }
    if (options.seeds.empty()) return InvalidOption("no endpoint is given");
    options.accept_unproven = options_.accept_unproven;
    options.on_unproven = [this](const EndpointReport& claimant, int claims) {
      LogUnproven(claimant, claims);
    };
    options.hold = net::Hold::kConnectionOnly;
    options.keepalive_time = keepalive_time;
    options.keepalive_timeout = kEnrollmentKeepaliveTimeout;
    auto finder = std::make_shared<net::LeaderFinder>(std::move(options));
    absl::optional<core::Endpoint> hint;
    std::string elected;
    {
      absl::MutexLock lock(&mutex_);
      finder_ = finder;
      hint = hint_;
      elected = elected_;
    }
    if (!elected.empty()) {
      finder->NameLeader(elected, hint);
    } else if (hint.has_value()) {
      finder->HintLeader(*hint);
    }
    return finder;
  }

  void LogUnproven(const EndpointReport& claimant, int claims) const {
    if (!options_.on_log || (claims & (claims - 1)) != 0) return;
    options_.on_log(absl::StrCat(
        ToString(claimant.verdict), ": ", claimant.address, " (", claimant.node_id, ") ",
        claimant.detail, claims == 1 ? "" : absl::StrCat(" (", claims, " times)"),
        "; the search goes on",
        claimant.verdict == Verdict::kUnproven ? "; accept-unproven would believe it" : ""));
  }

  void BeginStep(NodeAgentStep step) const {
    if (options_.on_step) options_.on_step(step);
  }

  // Constant after construction.
  const NodeAgentOptions options_;

  absl::Mutex mutex_;
  std::weak_ptr<net::LeaderFinder> finder_ ABSL_GUARDED_BY(mutex_);
  absl::optional<core::Endpoint> hint_ ABSL_GUARDED_BY(mutex_);
  std::string elected_ ABSL_GUARDED_BY(mutex_);  // empty: nobody has told
};

NodeAgent::NodeAgent(NodeAgentOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

NodeAgent::~NodeAgent() = default;

absl::StatusOr<NodeCredentials> NodeAgent::EnsureCommitted(const CallOptions& options) {
  return impl_->EnsureCommitted(options);
}

absl::Status NodeAgent::Run(const Cancellation& cancellation) { return impl_->Run(cancellation); }

void NodeAgent::HintLeader(absl::string_view endpoint) { impl_->HintLeader(endpoint); }

void NodeAgent::NameLeader(const std::string& node_id, absl::string_view endpoint) {
  impl_->NameLeader(node_id, endpoint);
}

absl::StatusOr<NodeCredentials> LoadNodeCredentials(const std::string& data_dir) {
  const absl::StatusOr<StoredNode> node = ReadStoredNode(data_dir);
  if (!node.ok()) return node.status();
  if (!node->identity.has_value()) {
    Error error;
    error.code = ErrorCode::kNotFound;
    error.message = absl::StrCat(data_dir, " holds no committed node");
    return MakeError(error);
  }
  return CredentialsOf(*node);
}

}  // namespace curator
