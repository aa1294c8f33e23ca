// NodeChange: one change of one node, and what became of it when the answer is lost.
//
// 1. The node is read: what it shows already need not be asked for.
// 2. The method is called, repeated as long as it may be.
// 3. If its outcome stays unknown the node is read back. Showing the change is
//    "made", whoever made it. Not showing it is "not made" only if a later leader
//    says so: under the same one the request may still arrive. Then the call is
//    made again while there is time, so that a change rides over a failover even
//    where its method must not be repeated blindly.
#ifndef LIBCLIENT_CLIENT_NODE_CHANGE_H_
#define LIBCLIENT_CLIENT_NODE_CHANGE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "curator/client.h"
#include "libclient/net/leader_call.h"

namespace curator {

class NodeChange {
 public:
  NodeChange(net::LeaderFinder& finder, std::string node_id, const CallOptions& options);

  // Step 1. kNotFound if there is no such node.
  absl::StatusOr<Node> Read();

  struct Request {
    const char* method;  // in full
    const google::protobuf::Message& request;
    google::protobuf::Message& response;
    // Whether the node (none: it does not exist) shows the change.
    std::function<bool(const absl::optional<Node>&)> is_made;
    const char* participle;  // "approved", for messages
  };
  // Steps 2 and 3. OK: the change is made. `after` is overwritten with the node as
  // it was read back, where that was necessary.
  absl::Status Make(const Request& request, Node* after);

 private:
  absl::StatusOr<absl::optional<Node>> Find(net::CallTrace* trace);
  absl::Status NotFound() const;

  net::LeaderFinder& finder_;
  const std::string node_id_;
  const net::CallContext context_;
  const net::CallContext call_context_;  // ends earlier, so that time is left to read back
};

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_NODE_CHANGE_H_
