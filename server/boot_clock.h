// Time that runs through suspend and never jumps: leases are counted by it.
#ifndef SERVER_BOOT_CLOCK_H_
#define SERVER_BOOT_CLOCK_H_

#include <time.h>

#include "absl/time/time.h"

namespace curatord {

// Time since the machine booted, suspended time included.
inline absl::Duration BootTime() {
  timespec now;
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return absl::DurationFromTimespec(now);
}

}  // namespace curatord

#endif  // SERVER_BOOT_CLOCK_H_
