// Opening a cluster's store for the commands of curatord: errors are Explained.
#ifndef SERVER_CLUSTER_STORE_H_
#define SERVER_CLUSTER_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/store/store.h"

namespace curatord {

// With `create`, an empty store will do, and a missing one is made.
absl::StatusOr<std::unique_ptr<Store>> OpenClusterStore(const std::string& url, bool create);

}  // namespace curatord

#endif  // SERVER_CLUSTER_STORE_H_
