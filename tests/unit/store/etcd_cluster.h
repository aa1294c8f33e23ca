// A real etcd of one member or several, on loopback, for tests. Its members die
// with the test.
#ifndef TESTS_UNIT_STORE_ETCD_CLUSTER_H_
#define TESTS_UNIT_STORE_ETCD_CLUSTER_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "etcd/rpc.grpc.pb.h"
#include "tests/unit/store/sqlite_harness.h"

namespace curatord {

struct EtcdClusterOptions {
  int members = 1;
  // Clients must present a certificate, and are shown one: the files of TestTls.
  bool tls = false;
  std::vector<std::string> arguments;  // of each member, beside the usual
};

// Not thread-safe. Failures to start are failures of the test.
class EtcdCluster {
 public:
  explicit EtcdCluster(const EtcdClusterOptions& options = {});
  EtcdCluster(const EtcdCluster&) = delete;
  EtcdCluster& operator=(const EtcdCluster&) = delete;
  ~EtcdCluster();

  size_t size() const { return members_.size(); }
  // "127.0.0.1:2379"
  std::string address(size_t member) const;
  // All members' addresses, with commas.
  std::string addresses() const;
  // "etcd://…?PARAMETERS"
  std::string Url(absl::string_view parameters = "") const;
  std::string TlsFile(absl::string_view name) const;

  void Kill(size_t member);
  // SIGSTOP, and waits until it has stopped.
  void Stop(size_t member);
  void Continue(size_t member);
  // After Kill, with the same data.
  void Start(size_t member);
  // The member that leads, once there is one that `witness` and it agree on.
  size_t Leader();
  // Until each running member knows a leader.
  void AwaitQuorum();

  // Around every store.
  void Compact(int64_t revision);
  int64_t Put(const std::string& key, const std::string& value);
  // etcdctl with `arguments`; fails the test if that fails.
  void Etcdctl(const std::string& arguments);

 private:
  struct Member {
    int client_port = 0;
    int peer_port = 0;
    pid_t pid = -1;
    bool stopped = false;
    std::unique_ptr<etcdserverpb::KV::Stub> kv;
    std::unique_ptr<etcdserverpb::Maintenance::Stub> maintenance;
  };

  bool StartAll();
  void Spawn(size_t member);
  bool HasEnded(Member& member);
  // False: it did not become so.
  bool AwaitHealthy(size_t member);
  bool Ask(size_t member, etcdserverpb::StatusResponse* response);
  void MakeTlsFiles();

  const EtcdClusterOptions options_;
  TemporaryDirectory directory_;
  std::vector<Member> members_;
};

}  // namespace curatord

#endif  // TESTS_UNIT_STORE_ETCD_CLUSTER_H_
