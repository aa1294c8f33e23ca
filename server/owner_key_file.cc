#include "server/owner_key_file.h"

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "libclient/client/durable_file.h"
#include "libclient/identity/key.h"
#include "server/explained.h"

namespace curatord {

absl::StatusOr<std::string> ReadOwnerPublicKey(const std::string& path) {
  absl::StatusOr<absl::optional<std::string>> pem = curator::ReadFileIfPresent(path);
  if (!pem.ok()) return pem.status();
  if (!pem->has_value()) {
    return Explained(absl::NotFoundError(absl::StrCat("no file ", path)),
                     "the owner's public key is read from it",
                     "make a key pair with `curatorctl cred new-key --out DIR`");
  }
  absl::StatusOr<std::string> key = curator::identity::PublicKeyFromPem(**pem);
  if (!key.ok()) {
    return Explained(absl::InvalidArgumentError(absl::StrCat(path, ": ", key.status().message())),
                     "an Ed25519 public key in PEM (SubjectPublicKeyInfo) is needed",
                     "give the owner-key.pub that `curatorctl cred new-key --out DIR` wrote");
  }
  return key;
}

}  // namespace curatord
