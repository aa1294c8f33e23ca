// What the operations of curator::Client speak of: plain values, copyable,
// without protobuf or gRPC. Names and meaning follow the curator protocol.
#ifndef CURATOR_TYPES_H_
#define CURATOR_TYPES_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace curator {

enum class NodeState { kUnknown, kNew, kStandby, kUp, kDecommissioned };

// How far a node is on its way out of the cluster. Its state is UP until kDone, then
// DECOMMISSIONED.
enum class DecommissionState {
  kNone,
  kRequested,   // its agent does not know of it yet
  kInProgress,  // it does, and does its work
  kDone,
};

// kUnknown: not UP, or the leader is too young to tell.
enum class NodeHealth { kUnknown, kHealthy, kHeartbeatTimeout };

enum class NodeRole { kConsensusMember, kKubernetesController, kKubernetesWorker };

enum class TpmUsage { kUnknown, kNotPresent, kPresentButUnused, kPresentAndUsed };

using Labels = std::map<std::string, std::string>;

// One node as an operator sees it (Management.GetNodes).
struct Node {
  std::string id;          // "metropolis-" and 32 hex digits
  std::string public_key;  // 32 raw bytes
  NodeState state = NodeState::kUnknown;
  NodeHealth health = NodeHealth::kUnknown;
  std::vector<NodeRole> roles;  // in the order of NodeRole
  Labels labels;
  std::string address;   // IP address it reported, without port; empty if none yet
  int curator_port = 0;  // 0: runs no curator
  std::string version;   // "1.2.3", with "-g<commit>" where known; empty if none reported
  TpmUsage tpm = TpmUsage::kUnknown;
  absl::optional<absl::Duration> heartbeat_age;  // none: no heartbeat seen by this leader
  absl::optional<absl::Time> status_time;        // when the leader took its last status
};

// Who led when the answer was given.
struct Leader {
  std::string id;       // node id
  std::string address;  // host:port
  // Endpoints that named this leader, itself included; `agree` is false if an
  // endpoint that answered named another.
  std::vector<std::string> seen_by;
  bool agree = true;
};

struct NodeList {
  std::vector<Node> nodes;  // ordered by id
  std::string leader_id;    // leader that answered
};

struct DirectoryEntry {
  std::string id;
  std::vector<std::string> addresses;
};

enum class TpmMode { kUnknown, kRequired, kBestEffort, kDisabled };
enum class StorageSecurityPolicy {
  kUnknown,
  kPermissive,
  kNeedsEncryption,
  kNeedsEncryptionAndAuthentication,
  kNeedsInsecure
};
enum class StorageSecurity { kUnknown, kInsecure, kEncrypted, kAuthenticatedEncrypted };

struct ClusterConfiguration {
  std::string cluster_domain;
  TpmMode tpm_mode = TpmMode::kUnknown;
  StorageSecurityPolicy storage_security_policy = StorageSecurityPolicy::kUnknown;
  std::vector<std::string> node_labels_to_synchronize;  // regular expressions
};

struct ClusterInfo {
  std::string ca_certificate_der;
  std::vector<DirectoryEntry> directory;
  ClusterConfiguration configuration;
  Leader leader;
};

// What applying a change did. kUnknown outcomes are errors (ErrorCode::kUnknownOutcome).
enum class ChangeOutcome { kApplied, kUnchanged };

// Names as the protocol spells them, without prefix: "UP", "HEARTBEAT_TIMEOUT",
// "PRESENT_BUT_UNUSED"; roles as operators type them: "consensus-member".
const char* ToString(NodeState state);
const char* ToString(NodeHealth health);
const char* ToString(NodeRole role);
const char* ToString(TpmUsage usage);
const char* ToString(TpmMode mode);
const char* ToString(StorageSecurityPolicy policy);
const char* ToString(StorageSecurity security);

}  // namespace curator

#endif  // CURATOR_TYPES_H_
