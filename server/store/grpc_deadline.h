// The deadline of a gRPC call that may take `timeout` from now, on the monotonic clock.
//
// Not a time of day: for two seconds after the wall clock was set, absl::Now() still tells
// the old one while gRPC sees the new, and a deadline handed over would be off by the step.
#ifndef SERVER_STORE_GRPC_DEADLINE_H_
#define SERVER_STORE_GRPC_DEADLINE_H_

#include "absl/time/time.h"
#include "grpc/support/time.h"

namespace curatord {

inline gpr_timespec GrpcDeadlineAfter(absl::Duration timeout) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_nanos(absl::ToInt64Nanoseconds(timeout), GPR_TIMESPAN));
}

}  // namespace curatord

#endif  // SERVER_STORE_GRPC_DEADLINE_H_
