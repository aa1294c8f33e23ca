#include "server/auth/known_certificates.h"

#include <utility>

namespace curatord {
namespace {

// Of up to 3 KiB each.
constexpr size_t kGenerationSize = 4096;

}  // namespace

absl::optional<Caller> KnownCertificates::Find(absl::string_view leaf_pem, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  auto it = young_.find(leaf_pem);
  if (it == young_.end()) {
    const auto old = old_.find(leaf_pem);
    if (old == old_.end()) return absl::nullopt;
    auto node = old_.extract(old);
    Insert(std::move(node.key()), std::move(node.mapped()));
    it = young_.find(leaf_pem);
  }
  const Known& known = it->second;
  if (now < known.validity.from || now > known.validity.until) return absl::nullopt;
  return known.caller;
}

void KnownCertificates::Remember(absl::string_view leaf_pem, const Caller& caller,
                                 const Validity& validity) {
  absl::MutexLock lock(&mutex_);
  Insert(std::string(leaf_pem), {caller, validity});
}

void KnownCertificates::Insert(std::string leaf_pem, Known known) {
  if (young_.size() >= kGenerationSize) old_ = std::exchange(young_, {});
  young_.insert_or_assign(std::move(leaf_pem), std::move(known));
}

}  // namespace curatord
