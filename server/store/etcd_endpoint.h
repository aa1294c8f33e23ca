// EtcdEndpoint: one address of an etcd, and the channel to it. The only file of
// the etcd store that knows channel arguments and credentials.
#ifndef SERVER_STORE_ETCD_ENDPOINT_H_
#define SERVER_STORE_ETCD_ENDPOINT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "etcd/rpc.grpc.pb.h"
#include "server/store/etcd_url.h"

namespace curatord {

// Constant after construction; stubs are thread-safe.
struct EtcdEndpoint {
  std::string address;  // for people: "h1:2379"
  std::unique_ptr<etcdserverpb::KV::Stub> kv;
  std::unique_ptr<etcdserverpb::Watch::Stub> watch;
  std::unique_ptr<etcdserverpb::Lease::Stub> lease;
  std::unique_ptr<etcdserverpb::Cluster::Stub> cluster;
  std::unique_ptr<etcdserverpb::Maintenance::Stub> maintenance;
  std::unique_ptr<etcdserverpb::Auth::Stub> auth;
};

// One for each endpoint of `url`, in its order. Connects to nothing yet. An error
// names the file that cannot be used.
absl::StatusOr<std::vector<std::shared_ptr<const EtcdEndpoint>>> OpenEtcdEndpoints(
    const EtcdUrl& url);

// The content of a file of at most 1 MiB.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path);

}  // namespace curatord

#endif  // SERVER_STORE_ETCD_ENDPOINT_H_
