// RateLimit: how often something may happen: so many at once, and then so many a second.
// Pure: the caller brings the time.
#ifndef LIBCLIENT_CORE_RATE_LIMIT_H_
#define LIBCLIENT_CORE_RATE_LIMIT_H_

#include "libclient/core/instant.h"

namespace curator::core {

class RateLimit {
 public:
  RateLimit(double burst, double per_second)
      : burst_(burst), per_second_(per_second), left_(burst) {}

  // When it may happen: `now`, or later.
  Instant NextAt(Instant now);
  // It happens. Returns false if it is too early, and then counts nothing.
  bool Spend(Instant now);

 private:
  void Refill(Instant now);

  double burst_;
  double per_second_;
  double left_;
  Instant refilled_at_{};  // the epoch: never
};

}  // namespace curator::core

#endif  // LIBCLIENT_CORE_RATE_LIMIT_H_
