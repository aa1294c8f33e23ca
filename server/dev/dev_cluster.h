// DevCluster: a whole cluster on loopback below one directory, for trying things
// out and for tests. Every part is a real process; each curator listens on an
// address of its own in 127.0.0.0/8, on the default port. Made step by step, each
// step skipped if a former run in the same directory has done it.
//
//   DIR/curatorctl.yaml        context "dev" for curatorctl
//   DIR/owner-key.pem, owner-key.pub, owner.pem, ca.pem
//   DIR/store.db               the store, unless another is given
//   DIR/curator-<n>/           a data directory, with log and pid
//   DIR/agents/                the node agents, one process, with log and pid
#ifndef SERVER_DEV_DEV_CLUSTER_H_
#define SERVER_DEV_DEV_CLUSTER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "curator/client.h"
#include "curator/credentials.h"
#include "libclient/client/durable_file.h"
#include "server/commands.h"
#include "server/dev/child_process.h"

namespace curatord {

// Not thread-safe; all calls from one thread, which must outlive the children.
class DevCluster {
 public:
  explicit DevCluster(DevOptions options) : options_(std::move(options)) {}
  ~DevCluster();
  DevCluster(const DevCluster&) = delete;
  DevCluster& operator=(const DevCluster&) = delete;

  // Brings everything up; returns when the curators are UP and HEALTHY and the
  // agents have registered.
  absl::Status Start(const curator::Cancellation& cancellation);

  // Reports children that have ended, each once, on stderr.
  void ReportEndedChildren();

  // SIGTERM to all, SIGKILL to who is still there after a while; waits for all.
  void Stop();

  std::string context_file() const { return options_.dir + "/curatorctl.yaml"; }

 private:
  absl::Status FindBinaries();
  absl::Status TakeDirectory();
  absl::Status ChooseAddresses();
  absl::Status EnsureOwnerKey();
  absl::Status EnsureInitialized();
  absl::Status StartCurator(int number);
  absl::Status EnsureOwnership();
  absl::Status EnsureJoined(int number);
  absl::Status StartAgents();
  absl::Status WriteContext();
  absl::Status WaitUntilUsable();
  int NodesThatLeft(const curator::NodeList& list) const;
  absl::StatusOr<std::unique_ptr<curator::Client>> OwnerClient() const;
  curator::CallOptions Call() const;
  std::string CuratorDir(int number) const;

  const DevOptions options_;
  std::string store_url_;
  std::string curatord_binary_;
  std::string agent_binary_;
  absl::optional<curator::DirectoryLock> lock_;  // of the directory, while the cluster runs
  std::vector<std::string> addresses_;           // of curator 1, 2, …
  absl::optional<curator::ClusterCa> ca_;
  absl::optional<curator::Cancellation> cancellation_;
  std::vector<ChildProcess> children_;
};

}  // namespace curatord

#endif  // SERVER_DEV_DEV_CLUSTER_H_
