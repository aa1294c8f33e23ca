// Node ids: "metropolis-" and the lower-case hex of the first 16 bytes of the
// node's raw Ed25519 public key (protocol fact).
#ifndef LIBCLIENT_IDENTITY_NODE_ID_H_
#define LIBCLIENT_IDENTITY_NODE_ID_H_

#include <string>

#include "absl/strings/string_view.h"

namespace curator::identity {

// `public_key` must be 32 bytes; anything else gives "".
std::string NodeIdFromPublicKey(absl::string_view public_key);

bool IsNodeId(absl::string_view text);

}  // namespace curator::identity

#endif  // LIBCLIENT_IDENTITY_NODE_ID_H_
