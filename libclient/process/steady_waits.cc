// Timed waits that a wall clock set back does not prolong.
//
// The installed Abseil (20220623) waits until an instant of CLOCK_REALTIME, gRPC waits by
// Abseil, and gRPC's threads for callbacks sleep until one as well. Set back by half an
// hour, the clock makes each wait under way half an hour longer: keepalives of leases are
// not sent, deadlines do not pass. Newer versions count waits by a steady clock; here the
// linker puts these functions in place of theirs (steady_waits in CMakeLists.txt), in the
// programs, which are linked statically. What a wait means is not changed: it ends at
// the same time, if the wall clock is not set meanwhile.
//
// A clock set between the caller's look at it and ours, some microseconds, goes unnoticed.
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>

#include <algorithm>
#include <cerrno>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpc/support/time.h"

namespace {

absl::Duration Clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return absl::DurationFromTimespec(now);
}

// The instant was made from absl::Now() or, in gRPC, from the kernel's clock. Abseil keeps a
// clock of its own and learns within two seconds that the kernel's was set; until then the
// one to which the instant is nearer is the one it was made from: no wait is as long as a
// step that matters.
timespec OnSteadyClock(const timespec& wall_clock) {
  const absl::Duration by_kernel = absl::DurationFromTimespec(wall_clock) - Clock(CLOCK_REALTIME);
  const absl::Duration by_abseil = absl::TimeFromTimespec(wall_clock) - absl::Now();
  const absl::Duration left =
      absl::AbsDuration(by_kernel) < absl::AbsDuration(by_abseil) ? by_kernel : by_abseil;
  return absl::ToTimespec(Clock(CLOCK_MONOTONIC) + std::max(left, absl::ZeroDuration()));
}

}  // namespace

extern "C" {

// NOLINTBEGIN: the names and the variable arguments are the linker's and the C library's.
long __real_syscall(long number, ...);

long __wrap_syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long arg[6];
  for (long& each : arg) each = va_arg(list, long);
  va_end(list);
  const auto* until = reinterpret_cast<const timespec*>(arg[3]);
  if (number == SYS_futex && (arg[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET &&
      (arg[1] & FUTEX_CLOCK_REALTIME) != 0 && until != nullptr) {
    const timespec steady = OnSteadyClock(*until);
    return __real_syscall(number, arg[0], arg[1] & ~FUTEX_CLOCK_REALTIME, arg[2], &steady, arg[4],
                          arg[5]);
  }
  return __real_syscall(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

void __wrap_gpr_sleep_until(gpr_timespec until) {
  const gpr_timespec converted = gpr_convert_clock_type(until, GPR_CLOCK_MONOTONIC);
  const timespec steady = {converted.tv_sec, converted.tv_nsec};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &steady, nullptr) == EINTR) {
  }
}
// NOLINTEND
}
