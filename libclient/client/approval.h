// Approval: NEW to STANDBY, and what became of it when the answer is lost.
//
// 1. The node is read: approving one that is STANDBY or UP changes nothing.
// 2. ApproveNode is called, repeated as long as it may be.
// 3. If its outcome stays unknown the node is read back. STANDBY or UP is
//    "applied". NEW is "not applied" only if a later leader says so: under the
//    same one the request may still arrive.
#ifndef LIBCLIENT_CLIENT_APPROVAL_H_
#define LIBCLIENT_CLIENT_APPROVAL_H_

#include <string>

#include "absl/status/statusor.h"
#include "curator/client.h"
#include "libclient/net/leader_call.h"

namespace curator {

class Approval {
 public:
  Approval(net::LeaderFinder& finder, std::string public_key, const CallOptions& options);
  absl::StatusOr<ApproveResult> Run();

 private:
  absl::StatusOr<NodeState> ReadState(const net::CallContext& context, net::CallTrace* trace);
  absl::StatusOr<ApproveResult> ReadBack(const absl::Status& unknown, const net::CallTrace& sent);

  net::LeaderFinder& finder_;
  const std::string public_key_;
  const net::CallContext context_;
  const net::CallContext call_context_;  // ends earlier, so that time is left to read back
};

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_APPROVAL_H_
