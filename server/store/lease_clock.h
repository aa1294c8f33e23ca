// LeaseClock: what leases in the embedded store expire by. CLOCK_BOOTTIME is the
// same for every process of a host, never jumps and runs through suspend; it
// starts over with each boot, so an instant of it means something only beside
// the id of its boot.
#ifndef SERVER_STORE_LEASE_CLOCK_H_
#define SERVER_STORE_LEASE_CLOCK_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace curatord {

class LeaseClock {
 public:
  static absl::StatusOr<LeaseClock> OfThisBoot();

  // Nanoseconds since boot, time in suspend included.
  int64_t NowNanos() const;
  const std::string& boot_id() const { return boot_id_; }

 private:
  explicit LeaseClock(std::string boot_id) : boot_id_(std::move(boot_id)) {}

  std::string boot_id_;
};

}  // namespace curatord

#endif  // SERVER_STORE_LEASE_CLOCK_H_
