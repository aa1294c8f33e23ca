#include "server/store/transaction_check.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace curatord {

absl::Status CheckTransaction(const std::vector<Guard>& guards,
                              const std::vector<Operation>& operations) {
  if (guards.size() > kMaxOperations || operations.size() > kMaxOperations) {
    return absl::InvalidArgumentError(absl::StrCat("transaction of ", guards.size(), " guards and ",
                                                   operations.size(), " operations; at most ",
                                                   kMaxOperations, " of each"));
  }
  absl::flat_hash_set<absl::string_view> keys;
  for (const Operation& operation : operations) {
    if (operation.key.empty()) return absl::InvalidArgumentError("operation without a key");
    if (!keys.insert(operation.key).second) {
      return absl::InvalidArgumentError("two operations on one key");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckLeaseTtl(absl::Duration ttl) {
  if (ttl <= kMaxLeaseTtl) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("lease of ", absl::FormatDuration(ttl), "; at most a year"));
}

}  // namespace curatord
