// LeadershipTransfer: asks the leader to hand over, and sees who leads then.
//
// 1. TransferLeadership is called, at most once.
// 2. Answered or not: the next leader is waited for, and has to prove that it
//    leads. One under a higher term than the request was sent under (another
//    node, where no terms are told) ends the wait; the one that was asked, under
//    the same term, does not: the request may still arrive there.
// 3. An answer that was lost counts as "applied" only if the next leader is whom
//    the request named, or it named nobody.
#ifndef LIBCLIENT_CLIENT_LEADERSHIP_TRANSFER_H_
#define LIBCLIENT_CLIENT_LEADERSHIP_TRANSFER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "curator/client.h"
#include "libclient/net/leader_call.h"

namespace curator {

class LeadershipTransfer {
 public:
  // `to` is a node id, or empty.
  LeadershipTransfer(net::LeaderFinder& finder, std::string to, const CallOptions& options);
  absl::StatusOr<TransferResult> Run();

 private:
  // `answer` is how the call ended: OK, or an unknown outcome.
  absl::StatusOr<TransferResult> AwaitSuccessor(const absl::Status& answer);
  absl::StatusOr<TransferResult> Judge(const absl::Status& answer,
                                       const net::LeaderConnection& successor);
  absl::Status NoSuccessor(const absl::Status& answer, const absl::Status& why) const;
  bool IsSuccessor(const net::LeaderConnection& leader) const;
  TransferResult ResultOf(ChangeOutcome outcome, const net::LeaderConnection& leader);

  net::LeaderFinder& finder_;
  const std::string to_;
  const net::CallContext context_;
  net::CallTrace sent_;
};

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_LEADERSHIP_TRANSFER_H_
