// NodeAgent: the node's side of a curator cluster. Registers with a ticket,
// waits for approval, commits, and from then on reports status and heartbeats;
// after a restart it joins again. When an operator has the node decommissioned, it
// says that this is in progress, has the program do its part, says that it is done,
// and ends.
//
// What must survive lies in `data_dir`, each file fsynced before the request
// that uses it, so that a process killed at any point goes on where it was (how far
// a decommissioning is, the cluster remembers):
//   node.key        PKCS#8 PEM, the node's identity        0600
//   join.key        PKCS#8 PEM, for JoinNode               0600
//   unlock.key      32 raw bytes, node's part of the cluster unlock key  0600
//   ca.pem          the pinned CA
//   node.pem        the certificate CommitNode returned
//
// Threads: Run and EnsureCommitted use the calling thread, one at a time; the
//   search for the leader has one of its own, and so has on_decommission. HintLeader and
//   NameLeader may be called from any.
// Shutdown: cancel, and destroy the agent when Run has returned kCancelled. Two
//   agents never use one directory: the second is kRefused.
#ifndef CURATOR_NODE_AGENT_H_
#define CURATOR_NODE_AGENT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "curator/client.h"
#include "curator/credentials.h"
#include "curator/types.h"

namespace curator {

// Steps in their order; on_step is called as each begins.
enum class NodeAgentStep {
  kGenerateKeys,
  kRegister,
  kWaitForApproval,
  kCommit,
  kStoreCertificate,
  kJoin,
  kRunning,
  kDecommission,  // in progress, and the cluster has been told so
};
const char* ToString(NodeAgentStep step);

struct NodeAgentOptions {
  std::string data_dir;  // created if missing, 0700
  std::vector<std::string> endpoints;
  absl::optional<ClusterCa> ca;  // none: fetched and checked against ca_sha256
  std::string ca_sha256;         // ParseFingerprint form; required without `ca`
  // As ClientOptions: believe leaders that give no proof of it. Without, a claim to lead
  // that is not proved is logged, and the search goes on for as long as it takes.
  bool accept_unproven = false;
  std::string register_ticket;  // serialized ticket; needed until registered
  Labels labels;
  bool have_local_tpm = false;
  StorageSecurity storage_security = StorageSecurity::kUnknown;  // kUnknown: as recommended

  std::string external_address;  // IP address reported as status; empty: the local
                                 // address of the connection to the leader
  int curator_port = 0;          // reported as running_curator; 0: none

  // JoinNode after a restart, which returns the cluster unlock key. Not for a
  // curator's own agent: its data lies in no encrypted storage of the node's.
  bool join = true;

  absl::Duration heartbeat_interval = absl::Seconds(5);
  absl::Duration approval_poll_interval = absl::Seconds(1);

  // How often the leader is asked, between two heartbeats, whether the node's
  // decommissioning was requested; also on each new connection.
  absl::Duration decommission_poll_interval = absl::Seconds(15);
  // What the program has to do before the node is gone; empty: nothing. Called when the
  // cluster has been told that decommissioning is in progress, on a thread of its own;
  // heartbeats go on meanwhile. OK: the cluster is told that it is done. An error ends
  // Run; the next Run calls it again, as does a cluster that does not take it for done
  // (the node was given roles, say): it must bear to be repeated. It must return soon
  // once cancelled.
  std::function<absl::Status(const Cancellation&)> on_decommission;

  // Called from the agent's threads; may be empty.
  std::function<void(NodeAgentStep)> on_step;
  std::function<void(absl::string_view line)> on_log;
};

// The outcome of becoming a node.
struct NodeCredentials {
  std::string node_id;
  ClusterCa ca;
  Identity identity;
};

class NodeAgent {
 public:
  explicit NodeAgent(NodeAgentOptions options);
  ~NodeAgent();
  NodeAgent(const NodeAgent&) = delete;
  NodeAgent& operator=(const NodeAgent&) = delete;

  // Register, wait for approval, commit; returns at once if `data_dir` holds a
  // certificate already. Waits for approval as long as it takes unless
  // cancelled or CallOptions::timeout passes. Final refusals (wrong ticket,
  // deleted node) are returned, the rest is retried.
  absl::StatusOr<NodeCredentials> EnsureCommitted(const CallOptions& options);

  // EnsureCommitted, then JoinNode, then status and heartbeats until cancelled
  // or finally refused: kNotFound if the node was deleted, kNoCredentials or
  // kDenied if the cluster does not take it for its node any more. OK: the node was
  // decommissioned, now or earlier; what `data_dir` holds is of no use any more.
  absl::Status Run(const Cancellation& cancellation);

  // Where the leader is, as host:port, for a process that hears of it by another
  // way. Tried first when the connection breaks; never trusted for it.
  void HintLeader(absl::string_view endpoint);
  // The same of a process that reads the election itself, which is a curator: this node
  // is believed to lead, proof or not, until another is named.
  void NameLeader(const std::string& node_id, absl::string_view endpoint);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// The ticket in a file's contents: raw (34 bytes), or hex or base64 with white
// space around it. A secret.
absl::StatusOr<std::string> ParseRegisterTicket(absl::string_view contents);

// Reads what an agent left in `data_dir`. kNotFound if it has not committed.
absl::StatusOr<NodeCredentials> LoadNodeCredentials(const std::string& data_dir);

// A sentence, with what to do, for the directory and each secret in it that others than
// their owner can read or write.
std::vector<std::string> ExposedFiles(const std::string& data_dir);

}  // namespace curator

#endif  // CURATOR_NODE_AGENT_H_
