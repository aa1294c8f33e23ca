// Payments: each request that is delivered pays for itself on its connection's account
// (connection.h), and the first one with a certificate of a member of the cluster makes
// the connection a member's.
//
// A server interceptor, for that is the one point that every message of every method
// passes, of unknown methods and health checks too. Of a method that is not streamed by
// the client gRPC shows a call only once its request is complete.
#ifndef SERVER_LISTENER_PAYMENTS_H_
#define SERVER_LISTENER_PAYMENTS_H_

#include <functional>
#include <memory>

#include "grpcpp/server_context.h"
#include "grpcpp/support/server_interceptor.h"
#include "server/listener/connection_table.h"

namespace curatord {

// Whether the cluster stands by the certificate that a call came with.
using IsMember = std::function<bool(const grpc::ServerContextBase&)>;

// For one server. `leads`: it serves what leaders alone serve. `connections` outlives it.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> NewPaymentInterceptorFactory(
    ConnectionTable* connections, IsMember is_member, bool leads);

}  // namespace curatord

#endif  // SERVER_LISTENER_PAYMENTS_H_
