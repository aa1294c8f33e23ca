// The file that names a cluster's owner: a public key, as `curatorctl cred new-key` writes it.
#ifndef SERVER_OWNER_KEY_FILE_H_
#define SERVER_OWNER_KEY_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace curatord {

// The raw key. Errors are Explained.
absl::StatusOr<std::string> ReadOwnerPublicKey(const std::string& path);

}  // namespace curatord

#endif  // SERVER_OWNER_KEY_FILE_H_
