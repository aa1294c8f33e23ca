#include "libclient/net/monotonic.h"

namespace curator::net {

gpr_timespec ToGrpcDeadline(core::Instant deadline) {
  if (deadline == core::kNever) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  const int64_t nanos = absl::ToInt64Nanoseconds(core::Until(deadline, Now()));
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(nanos, GPR_TIMESPAN));
}

}  // namespace curator::net
