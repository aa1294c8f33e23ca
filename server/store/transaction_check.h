// What every store refuses before it does anything.
#ifndef SERVER_STORE_TRANSACTION_CHECK_H_
#define SERVER_STORE_TRANSACTION_CHECK_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/store/store.h"

namespace curatord {

// Longer leases are refused.
inline constexpr absl::Duration kMaxLeaseTtl = absl::Hours(24 * 365);

// kInvalidArgument: too many guards or operations, an empty key, two operations
// on one key.
absl::Status CheckTransaction(const std::vector<Guard>& guards,
                              const std::vector<Operation>& operations);
absl::Status CheckLeaseTtl(absl::Duration ttl);

}  // namespace curatord

#endif  // SERVER_STORE_TRANSACTION_CHECK_H_
