#include "tests/unit/net/scripted_curator.h"

#include <unistd.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "curator/v1/cluster_operations.grpc.pb.h"
#include "grpcpp/server_builder.h"
#include "libclient/identity/node_id.h"
#include "libclient/identity/tls_credentials.h"

namespace curator::testing_support {
namespace {

namespace api = metropolis::node::core::curator::proto::api;
namespace common = metropolis::proto::common;
namespace management = metropolis::proto::api;

constexpr int kPort = 7835;

Identity MakeIdentity(const identity::Certificate& certificate, const identity::PrivateKey& key) {
  return *Identity::FromPem(certificate.pem(), key.ToPem());
}

// Answers once, or never; ends when the call is cancelled in either case.
class UnaryReactor final : public grpc::ServerUnaryReactor {
 public:
  explicit UnaryReactor(const Verdictless& verdict) {
    if (verdict.has_value()) FinishOnce(*verdict);
  }

 private:
  void FinishOnce(const grpc::Status& status) {
    if (!finished_.exchange(true)) Finish(status);
  }
  void OnCancel() override { FinishOnce(grpc::Status::CANCELLED); }
  void OnDone() override { delete this; }
  std::atomic<bool> finished_{false};
};

class NodesReactor final : public grpc::ServerWriteReactor<management::Node> {
 public:
  NodesReactor(std::vector<management::Node> nodes, const Verdictless& verdict)
      : nodes_(std::move(nodes)), verdict_(verdict) {
    Next();
  }

 private:
  void Next() {
    if (next_ < nodes_.size()) {
      StartWrite(&nodes_[next_++]);
    } else if (verdict_.has_value()) {
      FinishOnce(*verdict_);
    }
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      Next();
    } else {
      FinishOnce(grpc::Status::CANCELLED);
    }
  }
  void FinishOnce(const grpc::Status& status) {
    if (!finished_.exchange(true)) Finish(status);
  }
  void OnCancel() override { FinishOnce(grpc::Status::CANCELLED); }
  void OnDone() override { delete this; }

  const std::vector<management::Node> nodes_;
  const Verdictless verdict_;
  size_t next_ = 0;
  std::atomic<bool> finished_{false};
};

class LeaderReactor final : public grpc::ServerWriteReactor<api::GetCurrentLeaderResponse> {
 public:
  explicit LeaderReactor(absl::optional<api::GetCurrentLeaderResponse> answer)
      : answer_(std::move(answer)) {
    if (answer_.has_value()) StartWrite(&*answer_);
  }

 private:
  void OnCancel() override {
    if (!finished_.exchange(true)) Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override { delete this; }

  const absl::optional<api::GetCurrentLeaderResponse> answer_;
  std::atomic<bool> finished_{false};
};

}  // namespace

TestCa::TestCa()
    : key_(identity::PrivateKey::Generate()),
      certificate_(identity::IssueCaCertificate(key_, "test cluster")) {}

ClusterCa TestCa::ca() const { return *ClusterCa::FromDer(certificate_.der()); }

Identity TestCa::IssueNode() const {
  const identity::PrivateKey key = identity::PrivateKey::Generate();
  return MakeIdentity(identity::IssueNodeCertificate(certificate_, key_, key.public_key()), key);
}

Identity TestCa::IssueUser() const {
  const identity::PrivateKey key = identity::PrivateKey::Generate();
  return MakeIdentity(identity::IssueUserCertificate(certificate_, key_, key.public_key(), "owner"),
                      key);
}

std::string NewLoopbackHost() {
  static std::atomic<int> counter{1};
  const int pid = getpid();
  return absl::StrCat("127.", 64 + (pid / 250) % 128, ".", pid % 250, ".", counter++);
}

class ScriptedCurator::Local final : public api::CuratorLocal::CallbackService {
 public:
  explicit Local(ScriptedCurator& curator) : curator_(curator) {}

  grpc::ServerWriteReactor<api::GetCurrentLeaderResponse>* GetCurrentLeader(
      grpc::CallbackServerContext* context, const api::GetCurrentLeaderRequest*) override {
    absl::MutexLock lock(&curator_.mutex_);
    if (curator_.silent_) return new LeaderReactor(absl::nullopt);
    if (curator_.term_ != 0) {
      context->AddInitialMetadata("curator-term", absl::StrCat(curator_.term_));
      curator_.Prove(context);
    }
    if (!curator_.curators_.empty()) {
      context->AddInitialMetadata("curator-candidates", curator_.curators_);
    }
    return new LeaderReactor(curator_.leader_);
  }

  grpc::ServerUnaryReactor* GetCACertificate(grpc::CallbackServerContext*,
                                             const api::GetCACertificateRequest*,
                                             api::GetCACertificateResponse* response) override {
    response->set_identity_ca_certificate(curator_.ca_der);
    return new UnaryReactor(grpc::Status::OK);
  }

 private:
  ScriptedCurator& curator_;
};

class ScriptedCurator::Manager final : public management::Management::CallbackService {
 public:
  explicit Manager(ScriptedCurator& curator) : curator_(curator) {}

  grpc::ServerUnaryReactor* GetClusterInfo(grpc::CallbackServerContext* context,
                                           const management::GetClusterInfoRequest* request,
                                           management::GetClusterInfoResponse* response) override {
    const Verdictless verdict = curator_.Handle(context, "GetClusterInfo", *request);
    *response->mutable_cluster_configuration() = configuration();
    return new UnaryReactor(verdict);
  }
  grpc::ServerUnaryReactor* GetRegisterTicket(
      grpc::CallbackServerContext* context, const management::GetRegisterTicketRequest* request,
      management::GetRegisterTicketResponse* response) override {
    response->set_ticket(std::string(34, 't'));
    return Answer(context, "GetRegisterTicket", *request);
  }
  grpc::ServerUnaryReactor* ApproveNode(grpc::CallbackServerContext* context,
                                        const management::ApproveNodeRequest* request,
                                        management::ApproveNodeResponse*) override {
    return Answer(context, "ApproveNode", *request);
  }
  grpc::ServerUnaryReactor* UpdateNodeLabels(grpc::CallbackServerContext* context,
                                             const management::UpdateNodeLabelsRequest* request,
                                             management::UpdateNodeLabelsResponse*) override {
    return Answer(context, "UpdateNodeLabels", *request);
  }
  grpc::ServerUnaryReactor* UpdateNodeRoles(grpc::CallbackServerContext* context,
                                            const management::UpdateNodeRolesRequest* request,
                                            management::UpdateNodeRolesResponse*) override {
    return Answer(context, "UpdateNodeRoles", *request);
  }
  grpc::ServerUnaryReactor* DecommissionNode(grpc::CallbackServerContext* context,
                                             const management::DecommissionNodeRequest* request,
                                             management::DecommissionNodeResponse*) override {
    return Answer(context, "DecommissionNode", *request);
  }
  grpc::ServerUnaryReactor* DeleteNode(grpc::CallbackServerContext* context,
                                       const management::DeleteNodeRequest* request,
                                       management::DeleteNodeResponse*) override {
    return Answer(context, "DeleteNode", *request);
  }
  grpc::ServerUnaryReactor* ConfigureCluster(
      grpc::CallbackServerContext* context, const management::ConfigureClusterRequest* request,
      management::ConfigureClusterResponse* response) override {
    const Verdictless verdict = curator_.Handle(context, "ConfigureCluster", *request);
    *response->mutable_resulting_config() = configuration();
    return new UnaryReactor(verdict);
  }
  grpc::ServerWriteReactor<management::Node>* GetNodes(
      grpc::CallbackServerContext* context, const management::GetNodesRequest* request) override {
    const Verdictless verdict = curator_.Handle(context, "GetNodes", *request);
    absl::MutexLock lock(&curator_.mutex_);
    return new NodesReactor(curator_.nodes_, verdict);
  }

 private:
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, const std::string& method,
                                   const google::protobuf::Message& request) {
    return new UnaryReactor(curator_.Handle(context, method, request));
  }
  common::ClusterConfiguration configuration() const {
    absl::MutexLock lock(&curator_.mutex_);
    return curator_.configuration_;
  }

  ScriptedCurator& curator_;
};

class ScriptedCurator::Operations final : public v1::ClusterOperations::CallbackService {
 public:
  explicit Operations(ScriptedCurator& curator) : curator_(curator) {}

  grpc::ServerUnaryReactor* TransferLeadership(grpc::CallbackServerContext* context,
                                               const v1::TransferLeadershipRequest* request,
                                               v1::TransferLeadershipResponse* response) override {
    const Verdictless verdict = curator_.Handle(context, "TransferLeadership", *request);
    absl::MutexLock lock(&curator_.mutex_);
    response->set_leader_node_id(curator_.successor_);
    return new UnaryReactor(verdict);
  }
  grpc::ServerUnaryReactor* GetDecommission(grpc::CallbackServerContext* context,
                                            const v1::GetDecommissionRequest* request,
                                            v1::Decommission* response) override {
    const Verdictless verdict = curator_.Handle(context, "GetDecommission", *request);
    absl::MutexLock lock(&curator_.mutex_);
    response->set_state(curator_.decommission_);
    return new UnaryReactor(verdict);
  }

 private:
  ScriptedCurator& curator_;
};

class ScriptedCurator::WatchReactor final : public grpc::ServerWriteReactor<api::WatchEvent> {
 public:
  WatchReactor(ScriptedCurator& curator, const std::vector<api::WatchEvent>& backlog)
      : curator_(curator) {
    for (const api::WatchEvent& event : backlog) Push(event);
  }

  void Push(const api::WatchEvent& event) {
    absl::MutexLock lock(&mutex_);
    queue_.push_back(event);
    if (queue_.size() == 1 && !finished_) StartWrite(&queue_.front());
  }

  void End(const grpc::Status& status) {
    absl::MutexLock lock(&mutex_);
    if (!std::exchange(finished_, true)) Finish(status);
  }

  int unsent() const {
    absl::MutexLock lock(&mutex_);
    return static_cast<int>(queue_.size());
  }

 private:
  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    queue_.pop_front();
    if (ok && !finished_ && !queue_.empty()) StartWrite(&queue_.front());
  }
  void OnCancel() override { End(grpc::Status::CANCELLED); }
  void OnDone() override {
    {
      absl::MutexLock lock(&curator_.mutex_);
      curator_.watches_.erase(this);
    }
    delete this;
  }

  ScriptedCurator& curator_;
  mutable absl::Mutex mutex_;
  std::deque<api::WatchEvent> queue_ ABSL_GUARDED_BY(mutex_);  // the first is being written
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

class ScriptedCurator::Watches final : public api::Curator::CallbackService {
 public:
  explicit Watches(ScriptedCurator& curator) : curator_(curator) {}

  grpc::ServerWriteReactor<api::WatchEvent>* Watch(grpc::CallbackServerContext* context,
                                                   const api::WatchRequest* request) override {
    const Verdictless verdict = curator_.Handle(context, "Watch", *request);
    absl::MutexLock lock(&curator_.mutex_);
    const bool speaks = verdict.has_value() && verdict->ok();
    auto* reactor =
        new WatchReactor(curator_, speaks ? curator_.backlog_ : std::vector<api::WatchEvent>());
    curator_.watches_.insert(reactor);
    if (verdict.has_value() && !verdict->ok()) reactor->End(*verdict);
    return reactor;
  }

 private:
  ScriptedCurator& curator_;
};

Verdictless ScriptedCurator::Handle(grpc::CallbackServerContext* context, const std::string& method,
                                    const google::protobuf::Message& request) {
  Call call;
  call.method = method;
  call.request = request.SerializeAsString();
  const auto& metadata = context->client_metadata();
  if (const auto it = metadata.find("curator-request-id"); it != metadata.end()) {
    call.request_id = std::string(it->second.data(), it->second.size());
  }
  std::function<Verdictless(const Call&)> handler;
  {
    absl::MutexLock lock(&mutex_);
    calls_.push_back(call);
    handler = handler_;
  }
  return handler ? handler(call) : grpc::Status::OK;
}

ScriptedCurator::ScriptedCurator(const TestCa& ca)
    : ca_der(ca.ca().der()),
      ca_(ca),
      identity_(ca.IssueNode()),
      node_id_(identity_.subject()),
      host_(NewLoopbackHost()),
      local_(std::make_unique<Local>(*this)),
      manager_(std::make_unique<Manager>(*this)),
      operations_(std::make_unique<Operations>(*this)),
      watch_service_(std::make_unique<Watches>(*this)) {}

ScriptedCurator::~ScriptedCurator() { Stop(); }

std::string ScriptedCurator::address() const { return absl::StrCat(host_, ":", kPort); }

void ScriptedCurator::Lead(int64_t term) {
  Stop();
  {
    absl::MutexLock lock(&mutex_);
    leader_.set_leader_node_id(node_id_);
    leader_.set_this_node_id(node_id_);
    leader_.set_leader_host(host_);
    leader_.set_leader_port(kPort);
    term_ = term;
    claim_falsely_ = false;
  }
  role_ = Role::kLeader;
  Start();
}

void ScriptedCurator::ClaimFalsely(int64_t term) {
  Stop();
  {
    absl::MutexLock lock(&mutex_);
    leader_.set_leader_node_id(node_id_);
    leader_.set_this_node_id(node_id_);
    leader_.set_leader_host(host_);
    leader_.set_leader_port(kPort);
    term_ = term;
    claim_falsely_ = true;
  }
  role_ = Role::kLeader;
  Start();
}

void ScriptedCurator::Follow(const ScriptedCurator& leader) {
  FollowAddress(leader.node_id(), leader.host(), kPort);
}

void ScriptedCurator::FollowAddress(const std::string& leader_id, const std::string& host,
                                    int port) {
  Stop();
  {
    absl::MutexLock lock(&mutex_);
    leader_.set_leader_node_id(leader_id);
    leader_.set_this_node_id(node_id_);
    leader_.set_leader_host(host);
    leader_.set_leader_port(port);
    term_ = 0;
  }
  role_ = Role::kFollower;
  Start();
}

void ScriptedCurator::Stop() {
  role_ = Role::kNone;
  if (server_ == nullptr) return;
  server_->Shutdown(gpr_inf_past(GPR_CLOCK_REALTIME));
  server_.reset();
}

void ScriptedCurator::Restart() {
  const Role role = role_;
  Stop();
  role_ = role;
  Start();
}

void ScriptedCurator::Start() {
  bool claim_falsely;
  {
    absl::MutexLock lock(&mutex_);
    claim_falsely = claim_falsely_;
  }
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address(), identity::MakeServerCredentials(identity_));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 100);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.RegisterService(local_.get());
  if (role_ == Role::kLeader && !claim_falsely) {
    builder.RegisterService(manager_.get());
    builder.RegisterService(operations_.get());
    builder.RegisterService(watch_service_.get());
  }
  lacking_methods_ = std::make_unique<LackingMethods>(&lacking_);
  builder.RegisterCallbackGenericService(lacking_methods_.get());
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) abort();
}

void ScriptedCurator::SetHandler(std::function<Verdictless(const Call&)> handler) {
  absl::MutexLock lock(&mutex_);
  handler_ = std::move(handler);
}

void ScriptedCurator::SetNodes(std::vector<management::Node> nodes) {
  absl::MutexLock lock(&mutex_);
  nodes_ = std::move(nodes);
}

void ScriptedCurator::SetConfiguration(const common::ClusterConfiguration& configuration) {
  absl::MutexLock lock(&mutex_);
  configuration_ = configuration;
}

void ScriptedCurator::SetBacklog(std::vector<api::WatchEvent> backlog) {
  absl::MutexLock lock(&mutex_);
  backlog_ = std::move(backlog);
}

void ScriptedCurator::Push(const api::WatchEvent& event) {
  absl::MutexLock lock(&mutex_);
  for (WatchReactor* watch : watches_) watch->Push(event);
}

int ScriptedCurator::watches() const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int>(watches_.size());
}

int ScriptedCurator::unsent_watch_events() const {
  absl::MutexLock lock(&mutex_);
  int unsent = 0;
  for (const WatchReactor* watch : watches_) unsent += watch->unsent();
  return unsent;
}

void ScriptedCurator::SetSuccessor(const std::string& node_id) {
  absl::MutexLock lock(&mutex_);
  successor_ = node_id;
}

void ScriptedCurator::SetDecommission(v1::Decommission::State state) {
  absl::MutexLock lock(&mutex_);
  decommission_ = state;
}

void ScriptedCurator::SetCurators(const std::vector<std::string>& entries) {
  absl::MutexLock lock(&mutex_);
  curators_ = absl::StrJoin(entries, ",");
}

void ScriptedCurator::SetProof(Proof proof) {
  absl::MutexLock lock(&mutex_);
  proof_ = proof;
}

void ScriptedCurator::Prove(grpc::CallbackServerContext* context) {
  const auto nonce = context->client_metadata().find("curator-nonce-bin");
  if (nonce == context->client_metadata().end() || leader_.leader_node_id() != node_id_) return;
  identity::LeadershipClaim claim{std::string(nonce->second.data(), nonce->second.size()), node_id_,
                                  term_, "/leader/1"};
  std::string proof;
  switch (proof_) {
    case Proof::kNone:
      return;
    case Proof::kGarbled:
      proof = "no proof";
      break;
    case Proof::kOfOtherCa:
      proof = TestCa().Prove(claim);
      break;
    case Proof::kOfOtherNode:
      claim.node_id = ca_.IssueNode().subject();
      break;
    case Proof::kOfEarlierTerm:
      --claim.term;
      break;
    case Proof::kOfOtherNonce:
      claim.nonce = identity::RandomBytes(identity::kNonceSize);
      break;
    case Proof::kValid:
      break;
  }
  context->AddInitialMetadata("curator-proof-bin", proof.empty() ? ca_.Prove(claim) : proof);
}

void ScriptedCurator::SetSilent(bool silent) {
  absl::MutexLock lock(&mutex_);
  silent_ = silent;
}

std::vector<Call> ScriptedCurator::calls() const {
  absl::MutexLock lock(&mutex_);
  return calls_;
}

int ScriptedCurator::CountCalls(const std::string& method) const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int>(std::count_if(calls_.begin(), calls_.end(),
                                        [&](const Call& call) { return call.method == method; }));
}

}  // namespace curator::testing_support
