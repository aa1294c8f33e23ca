// What a node keeps in its data directory (curator/node_agent.h), read as a
// whole and checked for belonging together, written one file at a time.
#ifndef LIBCLIENT_CLIENT_NODE_FILES_H_
#define LIBCLIENT_CLIENT_NODE_FILES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "curator/credentials.h"
#include "libclient/identity/key.h"

namespace curator {

// All that is there. Files appear in the order of the members; a certificate
// without the keys and the CA it belongs to is an error.
struct StoredNode {
  absl::optional<identity::PrivateKey> node_key;
  absl::optional<identity::PrivateKey> join_key;
  absl::optional<std::string> unlock_key;  // 32 bytes
  absl::optional<ClusterCa> ca;
  absl::optional<Identity> identity;  // of node.pem and node.key, a node of `ca`
};

// Errors are curator::Error, kRefused, naming the file.
absl::StatusOr<StoredNode> ReadStoredNode(const std::string& data_dir);

// Generates what is missing of node.key, join.key and unlock.key and stores it.
absl::Status CompleteKeys(const std::string& data_dir, StoredNode& node);
absl::Status StoreCa(const std::string& data_dir, const ClusterCa& ca, StoredNode& node);
// Takes only a certificate of node.key that makes it a node of `ca`.
absl::Status StoreCertificate(const std::string& data_dir, const std::string& certificate_der,
                              StoredNode& node);

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_NODE_FILES_H_
