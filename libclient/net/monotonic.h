// The one reader of the monotonic clock, and its translation for gRPC.
#ifndef LIBCLIENT_NET_MONOTONIC_H_
#define LIBCLIENT_NET_MONOTONIC_H_

#include "grpc/support/time.h"
#include "libclient/core/instant.h"

namespace curator::net {

inline core::Instant Now() { return std::chrono::steady_clock::now(); }

// For ClientContext::set_deadline; a step of the wall clock does not move it.
gpr_timespec ToGrpcDeadline(core::Instant deadline);

}  // namespace curator::net

#endif  // LIBCLIENT_NET_MONOTONIC_H_
