#include "tests/unit/client_agent/scripted_cluster.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "libclient/core/error_info.h"
#include "libclient/identity/leadership_proof.h"
#include "libclient/identity/node_id.h"
#include "libclient/identity/tls_credentials.h"
#include "libclient/identity/verification.h"
#include "metropolis/storage.pb.h"

namespace curator::testing_support {
namespace {

namespace api = ::metropolis::node::core::curator::proto::api;
namespace common = ::metropolis::proto::common;

constexpr int kPort = 7835;
constexpr int kMembers = 3;
constexpr absl::Duration kPatience = absl::Seconds(30);

std::string NewTicket() {
  storage::RegisterTicket ticket;
  ticket.set_opaque(identity::RandomBytes(32));
  return ticket.SerializeAsString();
}

// The key the caller proved; empty if it sent no certificate.
std::string CallerKey(const grpc::CallbackServerContext& context) {
  const auto leaves = context.auth_context()->FindPropertyValues("x509_pem_cert");
  if (leaves.empty()) return "";
  const auto leaf = identity::Certificate::FromPem({leaves[0].data(), leaves[0].size()});
  return leaf.ok() ? leaf->public_key() : "";
}

// As our servers refuse the certificate of a node that is deleted or decommissioned.
grpc::Status Revoked(const char* own_node) {
  google::rpc::ErrorInfo info;
  info.set_domain(core::kErrorDomain);
  info.set_reason(core::kReasonCertificateRevoked);
  (*info.mutable_metadata())[core::kOwnNodeKey] = own_node;
  google::rpc::Status status;
  status.add_details()->PackFrom(info);
  return {grpc::StatusCode::UNAUTHENTICATED, "the certificate is refused",
          status.SerializeAsString()};
}

class LeaderStream final : public grpc::ServerWriteReactor<api::GetCurrentLeaderResponse> {
 public:
  explicit LeaderStream(api::GetCurrentLeaderResponse answer) : answer_(std::move(answer)) {
    StartWrite(&answer_);
  }

 private:
  void OnCancel() override { Finish(grpc::Status::CANCELLED); }
  void OnDone() override { delete this; }
  const api::GetCurrentLeaderResponse answer_;
};

}  // namespace

class ScriptedCluster::CuratorService final : public api::Curator::CallbackService {
 public:
  explicit CuratorService(ScriptedCluster& cluster) : cluster_(cluster) {}

  grpc::ServerUnaryReactor* RegisterNode(grpc::CallbackServerContext* context,
                                         const api::RegisterNodeRequest* request,
                                         api::RegisterNodeResponse* response) override {
    return End(context, "RegisterNode", cluster_.Register(CallerKey(*context), *request, response));
  }
  grpc::ServerUnaryReactor* CommitNode(grpc::CallbackServerContext* context,
                                       const api::CommitNodeRequest* request,
                                       api::CommitNodeResponse* response) override {
    return End(context, "CommitNode", cluster_.Commit(CallerKey(*context), *request, response));
  }
  grpc::ServerUnaryReactor* JoinNode(grpc::CallbackServerContext* context,
                                     const api::JoinNodeRequest* /*request*/,
                                     api::JoinNodeResponse* response) override {
    return End(context, "JoinNode", cluster_.Join(CallerKey(*context), response));
  }
  grpc::ServerUnaryReactor* UpdateNodeStatus(grpc::CallbackServerContext* context,
                                             const api::UpdateNodeStatusRequest* request,
                                             api::UpdateNodeStatusResponse* /*response*/) override {
    return End(context, "UpdateNodeStatus", cluster_.UpdateStatus(CallerKey(*context), *request));
  }
  grpc::ServerBidiReactor<api::HeartbeatRequest, api::HeartbeatResponse>* Heartbeat(
      grpc::CallbackServerContext* context) override {
    return new HeartbeatReactor(cluster_, CallerKey(*context));
  }

 private:
  class HeartbeatReactor final
      : public grpc::ServerBidiReactor<api::HeartbeatRequest, api::HeartbeatResponse> {
   public:
    HeartbeatReactor(ScriptedCluster& cluster, std::string public_key)
        : cluster_(cluster), public_key_(std::move(public_key)) {
      StartRead(&request_);
    }

   private:
    void OnReadDone(bool ok) override {
      if (!ok) {
        cluster_.OnClosed(public_key_);
        return End(grpc::Status::OK);
      }
      {
        absl::MutexLock lock(&cluster_.mutex_);
        if (!cluster_.answers_heartbeats_) return;
      }
      if (const grpc::Status status = cluster_.OnHeartbeat(public_key_); !status.ok()) {
        return End(status);
      }
      StartWrite(&response_);
    }
    void OnWriteDone(bool ok) override {
      if (ok) StartRead(&request_);
    }
    void OnCancel() override { End(grpc::Status::CANCELLED); }
    void OnDone() override { delete this; }
    void End(const grpc::Status& status) {
      if (!ended_.exchange(true)) Finish(status);
    }

    ScriptedCluster& cluster_;
    const std::string public_key_;
    api::HeartbeatRequest request_;
    const api::HeartbeatResponse response_;
    std::atomic<bool> ended_{false};
  };

  grpc::ServerUnaryReactor* End(grpc::CallbackServerContext* context, const char* method,
                                grpc::Status status) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(cluster_.Answer(method, std::move(status)));
    return reactor;
  }

  ScriptedCluster& cluster_;
};

class ScriptedCluster::OperationsService final : public v1::ClusterOperations::CallbackService {
 public:
  explicit OperationsService(ScriptedCluster& cluster) : cluster_(cluster) {}

  grpc::ServerUnaryReactor* GetDecommission(grpc::CallbackServerContext* context,
                                            const v1::GetDecommissionRequest* /*request*/,
                                            v1::Decommission* response) override {
    return End(context, "GetDecommission", cluster_.GetDecommission(CallerKey(*context), response));
  }
  grpc::ServerUnaryReactor* ReportDecommission(grpc::CallbackServerContext* context,
                                               const v1::ReportDecommissionRequest* request,
                                               v1::ReportDecommissionResponse* response) override {
    response->mutable_decommission()->set_state(request->state());
    return End(context, v1::Decommission::State_Name(request->state()),
               cluster_.ReportDecommission(CallerKey(*context), request->state()));
  }

 private:
  grpc::ServerUnaryReactor* End(grpc::CallbackServerContext* context, const std::string& method,
                                grpc::Status status) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(cluster_.Answer(method, std::move(status)));
    return reactor;
  }

  ScriptedCluster& cluster_;
};

struct ScriptedCluster::Member {
  Member(const Identity& node, std::string host_address)
      : identity(node), host(std::move(host_address)) {}
  const Identity identity;
  const std::string host;
};

class ScriptedCluster::LocalService final : public api::CuratorLocal::CallbackService {
 public:
  LocalService(const ScriptedCluster& cluster, const Member& member)
      : cluster_(cluster), member_(member) {}

  grpc::ServerWriteReactor<api::GetCurrentLeaderResponse>* GetCurrentLeader(
      grpc::CallbackServerContext* context,
      const api::GetCurrentLeaderRequest* /*request*/) override {
    const auto nonce = context->client_metadata().find(core::kNonceMetadata);
    if (cluster_.proves_ && nonce != context->client_metadata().end()) {
      context->AddInitialMetadata(core::kTermMetadata, "1");
      context->AddInitialMetadata(
          core::kProofMetadata,
          identity::ProveLeadership({std::string(nonce->second.data(), nonce->second.size()),
                                     member_.identity.subject(), 1, "/leader/1"},
                                    cluster_.ca_key_));
    }
    api::GetCurrentLeaderResponse answer;
    answer.set_leader_node_id(member_.identity.subject());
    answer.set_this_node_id(member_.identity.subject());
    answer.set_leader_host(member_.host);
    answer.set_leader_port(kPort);
    return new LeaderStream(std::move(answer));
  }
  grpc::ServerUnaryReactor* GetCACertificate(grpc::CallbackServerContext* context,
                                             const api::GetCACertificateRequest* /*request*/,
                                             api::GetCACertificateResponse* response) override {
    response->set_identity_ca_certificate(cluster_.ca_.der());
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const ScriptedCluster& cluster_;
  const Member& member_;
};

ScriptedCluster::ScriptedCluster()
    : ca_key_(identity::PrivateKey::Generate()),
      ca_certificate_(identity::IssueCaCertificate(ca_key_, "scripted cluster")),
      ca_(*ClusterCa::FromDer(ca_certificate_.der())),
      ticket_(NewTicket()) {
  // Addresses of this process alone: a listener may come back to one.
  static std::atomic<int> clusters{0};
  const int number = clusters++;
  for (int i = 0; i < kMembers; ++i) {
    const identity::PrivateKey key = identity::PrivateKey::Generate();
    const identity::Certificate certificate =
        identity::IssueNodeCertificate(ca_certificate_, ca_key_, key.public_key());
    members_.push_back(std::make_unique<Member>(
        *Identity::FromPem(certificate.pem(), key.ToPem()),
        absl::StrCat("127.", 200 + getpid() / 250 % 50, ".", getpid() % 250, ".",
                     1 + number % 80 * kMembers + i)));
  }
}

ScriptedCluster::~ScriptedCluster() { StopLeading(); }

void ScriptedCluster::Lead(int curator) {
  StopLeading();
  const Member& member = *members_[static_cast<size_t>(curator)];
  curator_service_ = std::make_unique<CuratorService>(*this);
  local_service_ = std::make_unique<LocalService>(*this, member);
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.RegisterService(curator_service_.get());
  builder.RegisterService(local_service_.get());
  if (knows_decommissioning_) {
    operations_service_ = std::make_unique<OperationsService>(*this);
    builder.RegisterService(operations_service_.get());
  }
  builder.AddListeningPort(address(curator), identity::MakeServerCredentials(member.identity));
  server_ = builder.BuildAndStart();
  ASSERT_NE(server_, nullptr);
}

void ScriptedCluster::StopLeading() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now());
  server_.reset();
}

std::string ScriptedCluster::address(int curator) const {
  return absl::StrCat(members_[static_cast<size_t>(curator)]->host, ":", kPort);
}

std::string ScriptedCluster::curator_id(int curator) const {
  return members_[static_cast<size_t>(curator)]->identity.subject();
}

std::string ScriptedCluster::ticket() const {
  absl::MutexLock lock(&mutex_);
  return ticket_;
}

bool ScriptedCluster::Eventually(
    absl::FunctionRef<bool(const std::map<std::string, NodeRecord>&)> holds) {
  const auto condition = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return holds(nodes_); };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&condition), kPatience);
}

std::map<std::string, NodeRecord> ScriptedCluster::nodes() const {
  absl::MutexLock lock(&mutex_);
  return nodes_;
}

int ScriptedCluster::CountCalls(const std::string& method) const {
  absl::MutexLock lock(&mutex_);
  const auto found = calls_.find(method);
  return found == calls_.end() ? 0 : found->second;
}

void ScriptedCluster::ApproveAll() {
  absl::MutexLock lock(&mutex_);
  for (auto& [id, node] : nodes_) {
    if (node.state == common::NODE_STATE_NEW) node.state = common::NODE_STATE_STANDBY;
  }
}

void ScriptedCluster::ApproveAtOnce() {
  absl::MutexLock lock(&mutex_);
  approve_at_once_ = true;
}

void ScriptedCluster::DeleteAll() {
  absl::MutexLock lock(&mutex_);
  nodes_.clear();
}

void ScriptedCluster::RequestDecommission() {
  absl::MutexLock lock(&mutex_);
  for (auto& [id, node] : nodes_) node.decommission = v1::Decommission::STATE_REQUESTED;
}

void ScriptedCluster::RefuseDone(bool refuse) {
  absl::MutexLock lock(&mutex_);
  refuses_done_ = refuse;
}

void ScriptedCluster::KnowNoDecommissioning() { knows_decommissioning_ = false; }

void ScriptedCluster::RotateTicket() {
  absl::MutexLock lock(&mutex_);
  ticket_ = NewTicket();
}

void ScriptedCluster::NeedInsecureStorage() {
  absl::MutexLock lock(&mutex_);
  insecure_ = true;
}

void ScriptedCluster::RefuseRepeatedCommits() {
  absl::MutexLock lock(&mutex_);
  repeats_commits_ = false;
}

void ScriptedCluster::LoseAnswerOf(const std::string& method) {
  absl::MutexLock lock(&mutex_);
  lose_answer_of_ = method;
}

void ScriptedCluster::ProveLeadership(bool proves) { proves_ = proves; }

void ScriptedCluster::AnswerHeartbeats(bool answer) {
  absl::MutexLock lock(&mutex_);
  answers_heartbeats_ = answer;
}

grpc::Status ScriptedCluster::Answer(const std::string& method, grpc::Status status) {
  absl::MutexLock lock(&mutex_);
  ++calls_[method];
  if (lose_answer_of_ != method) return status;
  lose_answer_of_.clear();
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, "Socket closed");
}

grpc::Status ScriptedCluster::Register(const std::string& public_key,
                                       const api::RegisterNodeRequest& in,
                                       api::RegisterNodeResponse* out) {
  absl::MutexLock lock(&mutex_);
  if (public_key.empty()) return {grpc::StatusCode::UNAUTHENTICATED, "no certificate"};
  if (in.join_key().size() != 32) return {grpc::StatusCode::INVALID_ARGUMENT, "join key"};
  if (in.register_ticket() != ticket_) return {grpc::StatusCode::PERMISSION_DENIED, "wrong ticket"};
  const auto [found, created] = nodes_.try_emplace(identity::NodeIdFromPublicKey(public_key));
  NodeRecord& node = found->second;
  if (!created && node.state != common::NODE_STATE_NEW) {
    return {grpc::StatusCode::FAILED_PRECONDITION,
            absl::StrCat("node is ", common::NodeState_Name(node.state))};
  }
  if (created) {
    node.join_key = in.join_key();
    node.labels = in.labels();
    if (approve_at_once_) node.state = common::NODE_STATE_STANDBY;
  }
  out->set_tpm_usage(common::NODE_TPM_USAGE_NOT_PRESENT);
  out->set_recommended_node_storage_security(
      insecure_ ? common::NODE_STORAGE_SECURITY_INSECURE
                : common::NODE_STORAGE_SECURITY_AUTHENTICATED_ENCRYPTED);
  return grpc::Status::OK;
}

grpc::Status ScriptedCluster::Commit(const std::string& public_key,
                                     const api::CommitNodeRequest& in,
                                     api::CommitNodeResponse* out) {
  absl::MutexLock lock(&mutex_);
  if (insecure_ != (in.storage_security() == common::NODE_STORAGE_SECURITY_INSECURE)) {
    return {grpc::StatusCode::FAILED_PRECONDITION, "storage security against the policy"};
  }
  const auto found = nodes_.find(identity::NodeIdFromPublicKey(public_key));
  if (found == nodes_.end()) return {grpc::StatusCode::NOT_FOUND, "no such node"};
  NodeRecord& node = found->second;
  if (node.state == common::NODE_STATE_NEW) {
    return {grpc::StatusCode::PERMISSION_DENIED, "wait for approval"};
  }
  if (!insecure_ && in.cluster_unlock_key().size() != 32) {
    return {grpc::StatusCode::INVALID_ARGUMENT, "unlock key"};
  }
  if (node.state == common::NODE_STATE_UP &&
      (!repeats_commits_ || node.unlock_key != in.cluster_unlock_key() ||
       !node.status.external_address().empty())) {
    return {grpc::StatusCode::FAILED_PRECONDITION, "node is UP"};
  }
  if (node.state == common::NODE_STATE_STANDBY) {
    node.state = common::NODE_STATE_UP;
    node.unlock_key = in.cluster_unlock_key();
    node.security = in.storage_security();
    node.certificate_der =
        identity::IssueNodeCertificate(ca_certificate_, ca_key_, public_key).der();
  }
  out->set_ca_certificate(ca_.der());
  out->set_node_certificate(node.certificate_der);
  return grpc::Status::OK;
}

grpc::Status ScriptedCluster::Join(const std::string& public_key, api::JoinNodeResponse* out) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [id, node] : nodes_) {
    if (node.join_key != public_key) continue;
    if (node.state == common::NODE_STATE_DECOMMISSIONED) {
      // What is said of the node is the same; the code is JoinNode's own.
      return {grpc::StatusCode::FAILED_PRECONDITION, "not UP",
              Revoked(core::kOwnNodeDecommissioned).error_details()};
    }
    out->set_cluster_unlock_key(node.unlock_key);
    return grpc::Status::OK;
  }
  return {grpc::StatusCode::NOT_FOUND, "no such node"};
}

grpc::Status ScriptedCluster::UpdateStatus(const std::string& public_key,
                                           const api::UpdateNodeStatusRequest& in) {
  absl::MutexLock lock(&mutex_);
  const std::string id = identity::NodeIdFromPublicKey(public_key);
  if (in.node_id() != id) return {grpc::StatusCode::PERMISSION_DENIED, "another node"};
  const auto found = nodes_.find(id);
  if (found == nodes_.end()) return {grpc::StatusCode::NOT_FOUND, "no such node"};
  found->second.status = in.status();
  return grpc::Status::OK;
}

grpc::Status ScriptedCluster::CheckNotRevoked(const std::string& public_key) const {
  const auto found = nodes_.find(identity::NodeIdFromPublicKey(public_key));
  if (found == nodes_.end()) return Revoked(core::kOwnNodeDeleted);
  return found->second.state == common::NODE_STATE_DECOMMISSIONED
             ? Revoked(core::kOwnNodeDecommissioned)
             : grpc::Status::OK;
}

grpc::Status ScriptedCluster::GetDecommission(const std::string& public_key,
                                              v1::Decommission* out) {
  absl::MutexLock lock(&mutex_);
  grpc::Status revoked = CheckNotRevoked(public_key);
  if (revoked.ok()) {
    out->set_state(nodes_.at(identity::NodeIdFromPublicKey(public_key)).decommission);
  }
  return revoked;
}

grpc::Status ScriptedCluster::ReportDecommission(const std::string& public_key,
                                                 v1::Decommission::State state) {
  absl::MutexLock lock(&mutex_);
  if (grpc::Status revoked = CheckNotRevoked(public_key); !revoked.ok()) return revoked;
  const bool done = state == v1::Decommission::STATE_DONE;
  NodeRecord& node = nodes_.at(identity::NodeIdFromPublicKey(public_key));
  const v1::Decommission::State needed =
      done ? v1::Decommission::STATE_IN_PROGRESS : v1::Decommission::STATE_REQUESTED;
  if ((node.decommission != needed && node.decommission != state) || (done && refuses_done_)) {
    return {grpc::StatusCode::FAILED_PRECONDITION, "not now"};
  }
  node.decommission = state;
  if (done) node.state = common::NODE_STATE_DECOMMISSIONED;
  return grpc::Status::OK;
}

grpc::Status ScriptedCluster::OnHeartbeat(const std::string& public_key) {
  absl::MutexLock lock(&mutex_);
  grpc::Status revoked = CheckNotRevoked(public_key);
  if (revoked.ok()) ++nodes_.at(identity::NodeIdFromPublicKey(public_key)).heartbeats;
  return revoked;
}

void ScriptedCluster::OnClosed(const std::string& public_key) {
  absl::MutexLock lock(&mutex_);
  const auto found = nodes_.find(identity::NodeIdFromPublicKey(public_key));
  if (found != nodes_.end()) ++found->second.closed_heartbeats;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string path = ::testing::TempDir() + "agent.XXXXXX";
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  path_ = path;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

}  // namespace curator::testing_support
