// Opening a cluster's store for the commands of curatord: errors are Explained.
#ifndef SERVER_CLUSTER_STORE_H_
#define SERVER_CLUSTER_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "curator/credentials.h"
#include "server/store/store.h"

namespace curatord {

// With `create`, an empty store will do, and a missing one is made.
absl::StatusOr<std::unique_ptr<Store>> OpenClusterStore(const std::string& url, bool create);

// The CA of the cluster that `store` holds. Fails where it holds none, or a copy that
// `curatord migrate` has not finished.
absl::StatusOr<curator::ClusterCa> ClusterIn(Store* store);

// Fails if the CA that a store holds is another than the one of a data directory.
absl::Status CheckSameCa(const std::string& store_name, const curator::ClusterCa& of_store,
                         const curator::ClusterCa& of_data_dir);

}  // namespace curatord

#endif  // SERVER_CLUSTER_STORE_H_
