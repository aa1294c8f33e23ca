// Requests that are no message of their method, such as one whose text is not UTF-8.
// gRPC refuses them before any service sees them, as UNIMPLEMENTED without a word, and
// a client takes that for a curator that does not lead, or lacks the method. So the
// status is replaced as it leaves: INVALID_ARGUMENT, and a sentence.
#ifndef SERVER_RPC_MALFORMED_REQUEST_H_
#define SERVER_RPC_MALFORMED_REQUEST_H_

#include <memory>

#include "absl/strings/string_view.h"
#include "grpcpp/support/server_interceptor.h"
#include "grpcpp/support/status.h"

namespace curatord {

// Whether gRPC says `status` of a request that it could not parse. `method`:
// "/package.Service/Method"; of one that does not exist it says the same.
bool IsOfMalformedRequest(absl::string_view method, const grpc::Status& status);

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
NewMalformedRequestInterceptorFactory();

}  // namespace curatord

#endif  // SERVER_RPC_MALFORMED_REQUEST_H_
