// The commands of curatord. Each returns when done; errors are Explained.
#ifndef SERVER_COMMANDS_H_
#define SERVER_COMMANDS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "server/config.h"

namespace curatord {

struct InitOptions {
  std::string data_dir;
  std::string owner_public_key_file;
  absl::optional<std::string> store_url;
  absl::optional<std::string> domain;
  absl::optional<std::string> tpm_mode;
  absl::optional<std::string> storage_security;
};
// A new cluster: CA, first node, owner, configuration. Refused on a directory or
// a store that holds one already, which it does not change.
absl::Status Init(const InitOptions& options);

struct JoinOptions {
  std::string data_dir;
  std::vector<std::string> endpoints;
  std::string ca_sha256;
  std::string ticket_file;
  bool accept_unproven = false;  // NodeAgentOptions::accept_unproven
};
// Becomes a node of an existing cluster. May be interrupted and run again.
absl::Status Join(const JoinOptions& options);

// Serves until SIGTERM or SIGINT.
absl::Status Run(const RunConfig& config);

struct MigrateOptions {
  std::string from;
  std::string to;
};
// Copies a cluster's state from one store to another and verifies the copy. Refused
// while a curator runs and where the target is not empty; may be run again after an
// interruption.
absl::Status Migrate(const MigrateOptions& options);

struct OwnerReplaceOptions {
  absl::optional<std::string> data_dir;
  absl::optional<std::string> store_url;
  std::string owner_public_key_file;
};
// Makes the holder of another key the owner of a cluster, whether its curators run or not:
// the certificate of the owner before counts for nothing from then on.
absl::Status ReplaceOwner(const OwnerReplaceOptions& options);

struct DevOptions {
  int curators = 3;
  int nodes = 5;
  std::string dir;
  absl::optional<std::string> store_url;
};
// A whole cluster on loopback, until interrupted.
absl::Status Dev(const DevOptions& options);

}  // namespace curatord

#endif  // SERVER_COMMANDS_H_
