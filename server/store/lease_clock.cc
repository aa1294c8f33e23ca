#include "server/store/lease_clock.h"

#include <time.h>

#include <fstream>
#include <utility>

namespace curatord {

absl::StatusOr<LeaseClock> LeaseClock::OfThisBoot() {
  constexpr char kBootIdFile[] = "/proc/sys/kernel/random/boot_id";
  std::ifstream file(kBootIdFile);
  std::string boot_id;
  if (!std::getline(file, boot_id) || boot_id.empty()) {
    return absl::UnavailableError(std::string("cannot read the boot id from ") + kBootIdFile);
  }
  return LeaseClock(std::move(boot_id));
}

int64_t LeaseClock::NowNanos() const {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace curatord
