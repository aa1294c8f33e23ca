// Curators that do as they are told: real gRPC servers with real certificates on
// loopback addresses of their own, whose roles and answers a test scripts.
#ifndef TESTS_UNIT_NET_SCRIPTED_CURATOR_H_
#define TESTS_UNIT_NET_SCRIPTED_CURATOR_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "curator/client.h"
#include "curator/v1/cluster_operations.pb.h"
#include "grpcpp/server.h"
#include "grpcpp/support/server_callback.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/key.h"
#include "libclient/identity/leadership_proof.h"
#include "metropolis/curator.grpc.pb.h"
#include "metropolis/management.grpc.pb.h"
#include "tests/unit/net/lacking_methods.h"

namespace curator::testing_support {

// A CA and what it issues.
class TestCa {
 public:
  TestCa();
  ClusterCa ca() const;
  Identity IssueNode() const;
  Identity IssueUser() const;
  std::string Prove(const identity::LeadershipClaim& claim) const {
    return identity::ProveLeadership(claim, key_);
  }

 private:
  identity::PrivateKey key_;
  identity::Certificate certificate_;
};

// A loopback address nobody else uses, so that nothing else listens on it while
// a curator is between two roles, and no dial can connect to itself.
std::string NewLoopbackHost();

// What a handler does; none: it never answers.
using Verdictless = absl::optional<grpc::Status>;
struct Call {
  std::string method;      // "ApproveNode"
  std::string request_id;  // curator-request-id
  std::string request;     // serialized
};

class ScriptedCurator {
 public:
  enum class Role { kNone, kFollower, kLeader };

  explicit ScriptedCurator(const TestCa& ca);
  ~ScriptedCurator();

  // What it answers to a nonce when it claims to lead under a term.
  enum class Proof {
    kValid,
    kNone,  // as servers of the existing system
    kOfOtherCa,
    kOfOtherNode,
    kOfEarlierTerm,
    kOfOtherNonce,
    kGarbled,
  };
  void SetProof(Proof proof);

  const std::string& node_id() const { return node_id_; }
  const std::string& host() const { return host_; }
  std::string address() const;
  std::string entry() const { return node_id_ + "@" + address(); }  // in SetCurators

  // Claims without a term come without a proof too, as of the existing system. Each stops the
  // server at once and starts one for the new role.
  void Lead(int64_t term = 0);
  void Follow(const ScriptedCurator& leader);
  void FollowAddress(const std::string& leader_id, const std::string& host, int port);
  void Stop();
  // Same role, new listener.
  void Restart();

  // Decides every call on the leader; default: OK.
  void SetHandler(std::function<Verdictless(const Call&)> handler);
  // Nodes that GetNodes lists.
  void SetNodes(std::vector<metropolis::proto::api::Node> nodes);
  // What GetClusterInfo and ConfigureCluster answer.
  void SetConfiguration(const metropolis::proto::common::ClusterConfiguration& configuration);
  // What each new Curator.Watch is told, and what those that stand are told now.
  void SetBacklog(std::vector<metropolis::node::core::curator::proto::api::WatchEvent> backlog);
  void Push(const metropolis::node::core::curator::proto::api::WatchEvent& event);
  int watches() const;              // that stand
  int unsent_watch_events() const;  // that flow control has not let go
  // Whom TransferLeadership names.
  void SetSuccessor(const std::string& node_id);
  // What GetDecommission answers of every node.
  void SetDecommission(v1::Decommission::State state);
  // What GetCurrentLeader tells of who stands in the election: id@host:port.
  void SetCurators(const std::vector<std::string>& entries);
  // GetCurrentLeader is accepted and never answered.
  void SetSilent(bool silent);
  // GetCurrentLeader claims leadership, all other methods are missing.
  void ClaimFalsely(int64_t term);
  std::string ca_der;  // for GetCACertificate

  std::vector<Call> calls() const;
  int CountCalls(const std::string& method) const;
  // Calls of what it does not offer.
  const MethodCounts& lacking() const { return lacking_; }
  // The last request of `method`, which must have been called.
  template <typename Request>
  Request LastRequest(const std::string& method) const {
    Request request;
    for (const Call& call : calls()) {
      if (call.method == method) request.ParseFromString(call.request);
    }
    return request;
  }

 private:
  class Local;
  class Manager;
  class Operations;
  class Watches;
  class WatchReactor;
  Verdictless Handle(grpc::CallbackServerContext* context, const std::string& method,
                     const google::protobuf::Message& request);
  void Start();
  void Prove(grpc::CallbackServerContext* context) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const TestCa ca_;
  const Identity identity_;
  const std::string node_id_;
  const std::string host_;

  mutable absl::Mutex mutex_;
  std::function<Verdictless(const Call&)> handler_ ABSL_GUARDED_BY(mutex_);
  std::vector<Call> calls_ ABSL_GUARDED_BY(mutex_);
  std::vector<metropolis::proto::api::Node> nodes_ ABSL_GUARDED_BY(mutex_);
  metropolis::proto::common::ClusterConfiguration configuration_ ABSL_GUARDED_BY(mutex_);
  std::vector<metropolis::node::core::curator::proto::api::WatchEvent> backlog_
      ABSL_GUARDED_BY(mutex_);
  std::set<WatchReactor*> watches_ ABSL_GUARDED_BY(mutex_);
  std::string successor_ ABSL_GUARDED_BY(mutex_);
  v1::Decommission::State decommission_ ABSL_GUARDED_BY(mutex_) =
      v1::Decommission::STATE_UNSPECIFIED;
  metropolis::node::core::curator::proto::api::GetCurrentLeaderResponse leader_
      ABSL_GUARDED_BY(mutex_);
  int64_t term_ ABSL_GUARDED_BY(mutex_) = 0;
  Proof proof_ ABSL_GUARDED_BY(mutex_) = Proof::kValid;
  std::string curators_ ABSL_GUARDED_BY(mutex_);
  bool silent_ ABSL_GUARDED_BY(mutex_) = false;
  bool claim_falsely_ ABSL_GUARDED_BY(mutex_) = false;

  Role role_ = Role::kNone;
  std::unique_ptr<Local> local_;
  std::unique_ptr<Manager> manager_;
  std::unique_ptr<Operations> operations_;
  std::unique_ptr<Watches> watch_service_;
  MethodCounts lacking_;
  std::unique_ptr<LackingMethods> lacking_methods_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace curator::testing_support

#endif  // TESTS_UNIT_NET_SCRIPTED_CURATOR_H_
