// Client: the operator's side of a curator cluster.
//
// Finds the leader by asking any curator, has it prove that it leads before anything
// is sent to it, follows it through failovers, repeats what is safe to repeat until a
// leader answers, and says precisely what is wrong when none does.
//
// Every operation blocks until it settles, its deadline passes or it is
// cancelled. Operations may run concurrently on one Client from any threads.
//
// Threads: one of its own (the leader search), besides gRPC's.
// Shutdown: the destructor cancels every operation (ErrorCode::kCancelled) and
//   returns when all have ended.
#ifndef CURATOR_CLIENT_H_
#define CURATOR_CLIENT_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "curator/credentials.h"
#include "curator/error.h"
#include "curator/types.h"

namespace curator {

namespace net {
class LeaderFinder;
}

// Told from Client's own threads while an operation waits. Must not block.
struct Progress {
  absl::Duration waited;
  std::string waiting_for;  // "a leader", "an answer from metropolis-…"
  std::vector<EndpointReport> endpoints;
};

struct ClientOptions {
  // "host", "host:port", "[ipv6]:port"; port 7835 if none is given. Where the
  // curators are is learnt from the leader, so these may be any of them.
  std::vector<std::string> endpoints;

  // Which of the curators led when somebody last knew (KnownCurators), in the form
  // of an endpoint. It is asked first and, for a moment, alone: a short command then
  // makes one connection instead of one to each curator. No trust is put in it; one
  // that is dead, or wrong, or cannot be understood costs 25 ms at most.
  std::string likely_leader;

  // A leader has to prove that it leads, by a signature that only those can give who
  // read the cluster's store. Servers of the existing system, and curatords older than
  // the proof, cannot: with this they are believed without, and so is any node of the
  // cluster that says that it leads, unless one proves it. A wrong proof never counts.
  bool accept_unproven = false;

  absl::optional<ClusterCa> ca;       // required by Client::Create
  absl::optional<Identity> identity;  // none: only calls that need no certificate succeed

  // To notice a dead connection. Watchers that stay for hours use 10 s / 5 s.
  absl::Duration keepalive_time = absl::Seconds(1);
  absl::Duration keepalive_timeout = absl::Milliseconds(500);
  absl::Duration connect_timeout = absl::Seconds(5);

  std::function<void(const Progress&)> on_progress;  // may be empty
};

// Where the curators are, as a client has learnt it: of use to the next client.
struct KnownCurators {
  std::string leader_id;
  std::string leader_address;          // host:port, for ClientOptions::likely_leader
  std::vector<std::string> addresses;  // host:port, of all; empty: this server does not tell
  std::vector<std::string> node_ids;   // of their nodes, in the same order
};

// Ends a blocking operation from another thread. Copies share one flag.
class Cancellation {
 public:
  Cancellation();
  void Cancel() const;  // async-signal-unsafe; idempotent
  bool cancelled() const;

  struct State;
  const std::shared_ptr<State>& state() const { return state_; }

 private:
  std::shared_ptr<State> state_;
};

struct CallOptions {
  // Covers everything: search, retries, read-back. InfiniteFuture: no limit.
  absl::Duration timeout = absl::Seconds(30);
  absl::optional<Cancellation> cancellation;
  // Most of a list of nodes, or of what a watch has to remember, that is taken in; beyond
  // it the operation fails (kRefused). About twice as much stands in memory. The default
  // is room for 100,000 nodes with 19 labels each.
  size_t listing_bytes = size_t{128} << 20;
};

// What is known of a register ticket beside itself.
struct RegisterTicketFacts {
  std::string sha256;                // 32 bytes, of the ticket as GetRegisterTicket returns it
  absl::optional<absl::Time> since;  // none: not known
};

struct TicketRotation {
  ChangeOutcome outcome = ChangeOutcome::kApplied;  // kUnchanged: another stood there already
  std::string ticket;                               // that stands now: 34 bytes, a secret
  RegisterTicketFacts facts;                        // of it
};

struct TransferResult {
  ChangeOutcome outcome = ChangeOutcome::kApplied;  // kUnchanged: it led already
  Leader leader;                                    // who leads now
};

// What became of a node, or of the watch itself, in the order it was learnt.
struct NodeEvent {
  enum class Kind {
    kAdded,
    kModified,
    kDeleted,
    kSynced,         // what is known is complete; first after every node has been told as added
    kLeaderChanged,  // leader_id is another
    kReconnected,    // the stream was lost and stands again; the differences follow, then kSynced
  };
  Kind kind = Kind::kSynced;
  absl::Time time;                // when this client learnt of it
  absl::optional<Node> node;      // after the change; kDeleted: none
  absl::optional<Node> previous;  // before it: kModified and kDeleted
  std::string leader_id;          // that told it
};
const char* ToString(NodeEvent::Kind kind);

struct ApproveResult {
  ChangeOutcome outcome = ChangeOutcome::kApplied;
  NodeState state_after = NodeState::kUnknown;
};

// Labels of a node to add, replace and take away, all or nothing.
struct LabelChange {
  Labels set;                    // "zone" becomes "a", whatever it was
  std::set<std::string> remove;  // keys; one that the node lacks is no fault
};

// Roles of a node to add and take away; the others stay.
struct RoleChange {
  std::set<NodeRole> add;
  std::set<NodeRole> remove;
};

// What DeleteNode may disregard.
struct DeleteBypass {
  bool has_roles = false;           // the node still has roles
  bool not_decommissioned = false;  // the node is UP
};

struct NodeChangeResult {
  ChangeOutcome outcome = ChangeOutcome::kApplied;  // kUnchanged: it was so already
  Node before;                                      // as it was read before the change
  // With the change; as it was read back, where the answer was lost. DeleteNode: `before`.
  Node after;
};

struct DecommissionResult {
  ChangeOutcome outcome = ChangeOutcome::kApplied;          // kUnchanged: it was requested already
  Node before;                                              // as it was read before the request
  DecommissionState state = DecommissionState::kRequested;  // how far it is
};

// What ConfigureCluster can be asked to change. Which of them a server lets change
// is for it to say: those of today only kNodeLabelsToSynchronize.
enum class ConfigurationField {
  kClusterDomain,
  kTpmMode,
  kStorageSecurityPolicy,
  kNodeLabelsToSynchronize
};

struct ConfigurationChange {
  std::vector<ConfigurationField> fields;  // the others of `wanted` and `base` do not matter
  ClusterConfiguration wanted;
  // What the fields must still be for the change to happen; none: whatever they are.
  absl::optional<ClusterConfiguration> base;
};

struct ConfigureResult {
  ChangeOutcome outcome = ChangeOutcome::kApplied;  // kUnchanged: it was so already
  ClusterConfiguration before;                      // as it was read before the change
  ClusterConfiguration configuration;               // as it is now
};

class Client {
 public:
  // Fails on unusable options only; connects to nothing yet.
  static absl::StatusOr<std::unique_ptr<Client>> Create(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Reads. Consistent: what an acknowledged write wrote is seen.
  absl::StatusOr<NodeList> ListNodes(const CallOptions& options = {});
  // Those of which `filter` holds, a CEL expression over `node`, which the server
  // evaluates: "node.state == NODE_STATE_UP"; "" is all. kInvalidArgument if the
  // server cannot make sense of it, kUnsupported if it does not filter.
  absl::StatusOr<NodeList> ListNodes(absl::string_view filter, const CallOptions& options = {});
  // kNotFound if there is none. `id` must be a node id (else kInvalidArgument).
  absl::StatusOr<Node> GetNode(absl::string_view id, const CallOptions& options = {});
  absl::StatusOr<ClusterInfo> GetClusterInfo(const CallOptions& options = {});
  absl::StatusOr<Leader> FindLeader(const CallOptions& options = {});

  // The serialized ticket (34 bytes), created on first use. A secret.
  absl::StatusOr<std::string> GetRegisterTicket(const CallOptions& options = {});
  // kNotFound: there is no ticket yet. Existing servers lack it (kUnsupported).
  absl::StatusOr<RegisterTicketFacts> DescribeRegisterTicket(const CallOptions& options = {});
  // Puts a new ticket in the place of the one with this hash: from then on that one
  // registers nobody; nodes that have registered stay. May be repeated; of two at once one
  // wins, and both get the same ticket. Existing servers lack it (kUnsupported).
  absl::StatusOr<TicketRotation> RotateRegisterTicket(absl::string_view replaces_sha256,
                                                      const CallOptions& options = {});

  // NEW to STANDBY; STANDBY and UP are kUnchanged. `public_key` is 32 raw bytes.
  // If the answer is lost the node is read back to learn what became of it.
  absl::StatusOr<ApproveResult> ApproveNode(absl::string_view public_key,
                                            const CallOptions& options = {});

  // Changes of one node, by its id (else kInvalidArgument; kNotFound if there is no
  // such node). Each reads the node first, and again if the answer is lost, to learn
  // what became of it; kUnknownOutcome means that even this did not tell. A change
  // that a failover cut off before it was carried out is made again.

  // Syntax of labels and their number (kInvalidArgument) are the server's to judge.
  absl::StatusOr<NodeChangeResult> UpdateNodeLabels(absl::string_view id, const LabelChange& change,
                                                    const CallOptions& options = {});

  // kRefused: a kubernetes-controller must be a consensus-member, and is one until
  // it ceases, in a request of its own, to be a controller.
  absl::StatusOr<NodeChangeResult> UpdateNodeRoles(absl::string_view id, const RoleChange& change,
                                                   const CallOptions& options = {});

  // Forgets the node for good: what it holds of the cluster becomes useless. kRefused:
  // it has roles, or is UP, and `bypass` does not allow for it. kApplied only; a node
  // that is gone already is kNotFound.
  absl::StatusOr<NodeChangeResult> DeleteNode(absl::string_view id, const DeleteBypass& bypass = {},
                                              const CallOptions& options = {});

  // The same of a node that was read already: `before` of the result, and not read again.
  absl::StatusOr<NodeChangeResult> DeleteNode(const Node& before, const DeleteBypass& bypass = {},
                                              const CallOptions& options = {});

  // Asks that the node leave the cluster for good. Its agent does the rest, whenever it
  // runs; then the node is DECOMMISSIONED. kRefused: it is not UP, or has roles.
  // Existing servers lack it (kUnsupported).
  absl::StatusOr<DecommissionResult> DecommissionNode(absl::string_view id,
                                                      const CallOptions& options = {});
  // kUnsupported: the server knows of no decommissioning.
  absl::StatusOr<DecommissionState> GetDecommission(absl::string_view id,
                                                    const CallOptions& options = {});

  // Compare and set: with a `base` that is not what the cluster has (any more) it is
  // kRefused, and nothing is changed. kInvalidArgument: a field that cannot be changed.
  // If the answer is lost the configuration is read back.
  absl::StatusOr<ConfigureResult> ConfigureCluster(const ConfigurationChange& change,
                                                   const CallOptions& options = {});

  // Asks the leader to hand over to node `to`, or with "" to whoever has waited
  // longest, and returns once another was seen to lead, which the result names: it
  // need not be `to`, should that one have failed. If the answer is lost, who leads
  // then tells what became of it. kNotFound: no such node; kRefused: no such
  // candidate, or the same curator was elected again.
  absl::StatusOr<TransferResult> TransferLeadership(absl::string_view to,
                                                    const CallOptions& options = {});

  // Tells of every node, then of each change, until cancelled (kCancelled), the
  // timeout passes (kTimeout; if no leader was found at all, why), or finally
  // refused. Rides over failovers: after one the difference to what was told before
  // is told, nothing twice and nothing missed but intermediate states. Health,
  // heartbeats, TPM and public keys are not watched: nodes in events have none.
  // `on_event` is called on this thread; while it runs nothing is read, and the
  // server keeps the newest state of each node.
  absl::Status WatchNodes(const std::function<void(const NodeEvent&)>& on_event,
                          const CallOptions& options = {});

  // Calls `on_change` with who leads now and then at each change; none while nobody
  // is known to lead. On this thread. Ends like WatchNodes.
  absl::Status WatchLeader(const std::function<void(const absl::optional<Leader>&)>& on_change,
                           const CallOptions& options = {});

  // Exchanges the owner's key, given as the ephemeral Identity in the options of
  // this Client, for the owner's certificate (DER). Repeatable: the same stored
  // certificate is returned each time.
  absl::StatusOr<std::string> TakeOwnership(const CallOptions& options = {});

  // What this client knows by now, without asking anybody. All empty unless there is
  // a leader that has answered what only a leader answers.
  KnownCurators known_curators() const;

  // Adds an endpoint to be tried first, without trust in it (for a process that
  // hears of the leader by another way).
  void HintLeader(absl::string_view endpoint);

  const ClientOptions& options() const { return options_; }

 private:
  friend class NodeAgent;
  explicit Client(ClientOptions options);
  ClientOptions options_;
  std::unique_ptr<net::LeaderFinder> finder_;
};

// Trust on first use. Connects without a client certificate and without
// verification, asks for the CA certificate and checks that the leaf of that
// same connection verifies against it; the caller decides whether to pin it.
// Tries all endpoints in parallel and returns the first good answer. With
// `expected_sha256` (from ParseFingerprint) an endpoint that offers another CA
// is kUntrusted. Two endpoints that offer different CAs before the first good
// answer make no difference: the caller must show the fingerprint.
struct OfferedCa {
  ClusterCa ca;
  std::string endpoint;  // that offered it
  std::string node_id;   // of its certificate
};
absl::StatusOr<OfferedCa> FetchClusterCa(const std::vector<std::string>& endpoints,
                                         absl::string_view expected_sha256,
                                         const CallOptions& options = {});

}  // namespace curator

#endif  // CURATOR_CLIENT_H_
