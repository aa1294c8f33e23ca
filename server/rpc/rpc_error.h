// Errors as they leave a curator: absl::Status inside, with google.rpc.ErrorInfo
// as payload where a cause can be named; grpc::Status at the edge, the same
// ErrorInfo in its details. The codes are the protocol's: an existing client
// sees what it knows, ours sees the cause.
#ifndef SERVER_RPC_RPC_ERROR_H_
#define SERVER_RPC_RPC_ERROR_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/status.h"

namespace curatord {

using ErrorMetadata = std::vector<std::pair<std::string, std::string>>;

absl::Status WithReason(absl::Status status, absl::string_view reason,
                        const ErrorMetadata& metadata = {});

// UNAVAILABLE, and the text ends in "lost leadership": not executed.
absl::Status LostLeadershipError(int64_t term);
// UNAVAILABLE: the store did not say whether it was executed.
absl::Status OutcomeUnknownError(int64_t term, absl::string_view cause);
// UNAVAILABLE: the store did not execute it.
absl::Status StoreUnavailableError(absl::string_view cause);
// UNAVAILABLE, cause OVERLOADED: not executed, since too much waits already. `what`: "16384
// writes".
absl::Status OverloadedError(absl::string_view what);
// RESOURCE_EXHAUSTED: the store has no room; not executed.
absl::Status StoreFullError(absl::string_view cause);
// What a store call that failed means to who waits for it, where it certainly was not
// executed.
absl::Status NotExecutedError(const absl::Status& failure);
// UNIMPLEMENTED: this curator follows; `leader_address` may be empty.
absl::Status NotLeaderError(absl::string_view leader_id, absl::string_view leader_address,
                            int64_t term);
// UNIMPLEMENTED by a leader, for good.
absl::Status UnsupportedError(absl::string_view sentence);

grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace curatord

#endif  // SERVER_RPC_RPC_ERROR_H_
