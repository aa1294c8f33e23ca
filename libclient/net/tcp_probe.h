// Resolves a name and opens a TCP connection, only to learn what stands in the
// way: gRPC says the same of a dead host, a closed port and a wrong certificate.
#ifndef LIBCLIENT_NET_TCP_PROBE_H_
#define LIBCLIENT_NET_TCP_PROBE_H_

#include "libclient/core/call_outcome.h"
#include "libclient/core/endpoint.h"
#include "libclient/core/instant.h"

namespace curator::net {

// `verdict` kUnknown: connected (the connection is closed again). Else
// kUnresolvable, kRefused or kUnreachable, with the cause. Blocks until then or
// until the deadline.
core::DialOutcome ProbeTcp(const core::Endpoint& endpoint, core::Instant deadline);

}  // namespace curator::net

#endif  // LIBCLIENT_NET_TCP_PROBE_H_
