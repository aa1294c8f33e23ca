// Enrollment: from an empty data directory to a committed node.
//
//   keys -> CA -> RegisterNode -> (approval) CommitNode -> certificate
//
// Every step stores what it needs before the request that uses it, and each can
// be entered again, so a process killed anywhere goes on where it was.
//
// Threads: the caller's.
#ifndef LIBCLIENT_CLIENT_ENROLLMENT_H_
#define LIBCLIENT_CLIENT_ENROLLMENT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "curator/node_agent.h"
#include "libclient/client/node_files.h"
#include "libclient/net/leader_call.h"
#include "libclient/net/leader_finder.h"
#include "metropolis/common.pb.h"

namespace curator {

class Enrollment {
 public:
  // Connects as whoever `identity` is.
  using Connect = std::function<absl::StatusOr<std::shared_ptr<net::LeaderFinder>>(
      const ClusterCa& ca, const Identity& identity)>;

  // All must outlive it.
  Enrollment(const NodeAgentOptions& options, const net::CallContext& context, Connect connect);

  // What is stored at the end: a node with a certificate.
  absl::StatusOr<StoredNode> Run();

 private:
  absl::Status PinCa();
  absl::Status Register(net::LeaderFinder& finder);
  absl::Status CommitWhenApproved(net::LeaderFinder& finder);
  absl::Status Commit(net::LeaderFinder& finder, std::string* certificate_der);
  absl::Status CommitAs(net::LeaderFinder& finder,
                        metropolis::proto::common::NodeStorageSecurity security,
                        std::string* certificate_der);
  void BeginStep(NodeAgentStep step) const;
  void Log(absl::string_view line) const;
  std::string node_id() const;

  const NodeAgentOptions& options_;
  const net::CallContext& context_;
  const Connect connect_;

  StoredNode node_;
  bool had_keys_ = false;  // an earlier run may have registered already
  absl::Status register_refusal_;
  metropolis::proto::common::NodeStorageSecurity recommended_security_ =
      metropolis::proto::common::NODE_STORAGE_SECURITY_INVALID;
};

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_ENROLLMENT_H_
