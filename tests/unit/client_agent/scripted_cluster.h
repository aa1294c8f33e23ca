// A cluster that keeps nodes as the protocol says, in memory, behind curators
// that lead or are gone as a test tells them; and that loses answers on demand.
#ifndef TESTS_UNIT_CLIENT_AGENT_SCRIPTED_CLUSTER_H_
#define TESTS_UNIT_CLIENT_AGENT_SCRIPTED_CLUSTER_H_

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "curator/credentials.h"
#include "curator/v1/cluster_operations.grpc.pb.h"
#include "grpcpp/server.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/key.h"
#include "metropolis/curator.grpc.pb.h"

namespace curator::testing_support {

struct NodeRecord {
  metropolis::proto::common::NodeState state = metropolis::proto::common::NODE_STATE_NEW;
  std::string join_key;
  std::string unlock_key;
  std::string certificate_der;
  metropolis::proto::common::NodeStatus status;
  metropolis::proto::common::NodeLabels labels;
  metropolis::proto::common::NodeStorageSecurity security =
      metropolis::proto::common::NODE_STORAGE_SECURITY_INVALID;
  int heartbeats = 0;
  int closed_heartbeats = 0;  // streams that the node itself ended
  v1::Decommission::State decommission = v1::Decommission::STATE_UNSPECIFIED;
};

class ScriptedCluster {
 public:
  ScriptedCluster();
  ~ScriptedCluster();

  const ClusterCa& ca() const { return ca_; }
  std::string ticket() const;

  // One curator leads at a time, each on an address of its own.
  void Lead(int curator);
  void StopLeading();
  std::string address(int curator) const;
  std::string curator_id(int curator) const;

  // Waits until it is so; false if that takes too long.
  bool Eventually(absl::FunctionRef<bool(const std::map<std::string, NodeRecord>&)> holds);
  std::map<std::string, NodeRecord> nodes() const;
  int CountCalls(const std::string& method) const;

  void ApproveAll();
  void ApproveAtOnce();          // every node, as soon as it registers
  void DeleteAll();              // and refuses their certificates
  void RequestDecommission();    // of every node
  void RefuseDone(bool refuse);  // as if they had roles
  // As the existing system; from the next Lead on.
  void KnowNoDecommissioning();
  void RotateTicket();
  void NeedInsecureStorage();
  // As the existing system: a node that is UP is not committed again.
  void RefuseRepeatedCommits();
  // The next such call is carried out, and its answer lost.
  void LoseAnswerOf(const std::string& method);
  // Heartbeats are accepted and never answered, as of a stopped process.
  void AnswerHeartbeats(bool answer);
  // As our curators: tells a term and proves that it leads. From the next Lead on.
  void ProveLeadership(bool proves = true);

 private:
  class CuratorService;
  class OperationsService;
  class LocalService;
  struct Member;

  grpc::Status Register(const std::string& public_key,
                        const metropolis::node::core::curator::proto::api::RegisterNodeRequest& in,
                        metropolis::node::core::curator::proto::api::RegisterNodeResponse* out);
  grpc::Status Commit(const std::string& public_key,
                      const metropolis::node::core::curator::proto::api::CommitNodeRequest& in,
                      metropolis::node::core::curator::proto::api::CommitNodeResponse* out);
  grpc::Status Join(const std::string& public_key,
                    metropolis::node::core::curator::proto::api::JoinNodeResponse* out);
  grpc::Status UpdateStatus(
      const std::string& public_key,
      const metropolis::node::core::curator::proto::api::UpdateNodeStatusRequest& in);
  grpc::Status GetDecommission(const std::string& public_key, v1::Decommission* out);
  grpc::Status ReportDecommission(const std::string& public_key, v1::Decommission::State state);
  // Why the certificate of this key does not count; OK if it does.
  grpc::Status CheckNotRevoked(const std::string& public_key) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What the caller is told after `method` was carried out with `status`.
  grpc::Status Answer(const std::string& method, grpc::Status status);
  grpc::Status OnHeartbeat(const std::string& public_key);
  void OnClosed(const std::string& public_key);

  const identity::PrivateKey ca_key_;
  const identity::Certificate ca_certificate_;
  const ClusterCa ca_;

  mutable absl::Mutex mutex_;
  std::string ticket_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, NodeRecord> nodes_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> calls_ ABSL_GUARDED_BY(mutex_);
  std::string lose_answer_of_ ABSL_GUARDED_BY(mutex_);
  bool approve_at_once_ ABSL_GUARDED_BY(mutex_) = false;
  bool insecure_ ABSL_GUARDED_BY(mutex_) = false;
  bool repeats_commits_ ABSL_GUARDED_BY(mutex_) = true;
  bool answers_heartbeats_ ABSL_GUARDED_BY(mutex_) = true;
  bool refuses_done_ ABSL_GUARDED_BY(mutex_) = false;
  bool knows_decommissioning_ = true;
  std::atomic<bool> proves_{false};

  std::vector<std::unique_ptr<Member>> members_;
  std::unique_ptr<CuratorService> curator_service_;
  std::unique_ptr<LocalService> local_service_;
  std::unique_ptr<OperationsService> operations_service_;
  std::unique_ptr<grpc::Server> server_;
};

// A directory of its own, removed with all in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace curator::testing_support

#endif  // TESTS_UNIT_CLIENT_AGENT_SCRIPTED_CLUSTER_H_
