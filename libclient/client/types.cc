#include "curator/types.h"

#include "curator/client.h"

namespace curator {

const char* ToString(NodeState state) {
  switch (state) {
    case NodeState::kUnknown:
      return "UNKNOWN";
    case NodeState::kNew:
      return "NEW";
    case NodeState::kStandby:
      return "STANDBY";
    case NodeState::kUp:
      return "UP";
    case NodeState::kDecommissioned:
      return "DECOMMISSIONED";
  }
  return "UNKNOWN";
}

const char* ToString(NodeHealth health) {
  switch (health) {
    case NodeHealth::kUnknown:
      return "UNKNOWN";
    case NodeHealth::kHealthy:
      return "HEALTHY";
    case NodeHealth::kHeartbeatTimeout:
      return "HEARTBEAT_TIMEOUT";
  }
  return "UNKNOWN";
}

const char* ToString(NodeRole role) {
  switch (role) {
    case NodeRole::kConsensusMember:
      return "consensus-member";
    case NodeRole::kKubernetesController:
      return "kubernetes-controller";
    case NodeRole::kKubernetesWorker:
      return "kubernetes-worker";
  }
  return "unknown";
}

const char* ToString(TpmUsage usage) {
  switch (usage) {
    case TpmUsage::kUnknown:
      return "UNKNOWN";
    case TpmUsage::kNotPresent:
      return "NOT_PRESENT";
    case TpmUsage::kPresentButUnused:
      return "PRESENT_BUT_UNUSED";
    case TpmUsage::kPresentAndUsed:
      return "PRESENT_AND_USED";
  }
  return "UNKNOWN";
}

const char* ToString(TpmMode mode) {
  switch (mode) {
    case TpmMode::kUnknown:
      return "UNKNOWN";
    case TpmMode::kRequired:
      return "REQUIRED";
    case TpmMode::kBestEffort:
      return "BEST_EFFORT";
    case TpmMode::kDisabled:
      return "DISABLED";
  }
  return "UNKNOWN";
}

const char* ToString(StorageSecurityPolicy policy) {
  switch (policy) {
    case StorageSecurityPolicy::kUnknown:
      return "UNKNOWN";
    case StorageSecurityPolicy::kPermissive:
      return "PERMISSIVE";
    case StorageSecurityPolicy::kNeedsEncryption:
      return "NEEDS_ENCRYPTION";
    case StorageSecurityPolicy::kNeedsEncryptionAndAuthentication:
      return "NEEDS_ENCRYPTION_AND_AUTHENTICATION";
    case StorageSecurityPolicy::kNeedsInsecure:
      return "NEEDS_INSECURE";
  }
  return "UNKNOWN";
}

const char* ToString(StorageSecurity security) {
  switch (security) {
    case StorageSecurity::kUnknown:
      return "UNKNOWN";
    case StorageSecurity::kInsecure:
      return "INSECURE";
    case StorageSecurity::kEncrypted:
      return "ENCRYPTED";
    case StorageSecurity::kAuthenticatedEncrypted:
      return "AUTHENTICATED_ENCRYPTED";
  }
  return "UNKNOWN";
}

const char* ToString(NodeEvent::Kind kind) {
  switch (kind) {
    case NodeEvent::Kind::kAdded:
      return "ADDED";
    case NodeEvent::Kind::kModified:
      return "MODIFIED";
    case NodeEvent::Kind::kDeleted:
      return "DELETED";
    case NodeEvent::Kind::kSynced:
      return "SYNCED";
    case NodeEvent::Kind::kLeaderChanged:
      return "LEADER_CHANGED";
    case NodeEvent::Kind::kReconnected:
      return "RECONNECTED";
  }
  return "UNKNOWN";
}

}  // namespace curator
