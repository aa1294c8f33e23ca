#include "libclient/core/rate_limit.h"

#include <algorithm>

namespace curator::core {

void RateLimit::Refill(Instant now) {
  if (refilled_at_ != Instant{}) {
    const double seconds = absl::ToDoubleSeconds(Elapsed(refilled_at_, now));
    left_ = std::min(burst_, left_ + per_second_ * seconds);
  }
  refilled_at_ = std::max(refilled_at_, now);
}

Instant RateLimit::NextAt(Instant now) {
  Refill(now);
  if (left_ >= 1) return now;
  // A little later than exactly then: whoever waits for it finds it has come.
  return After(now, absl::Seconds((1 - left_) / per_second_) + absl::Milliseconds(1));
}

bool RateLimit::Spend(Instant now) {
  Refill(now);
  if (left_ < 1) return false;
  left_ -= 1;
  return true;
}

}  // namespace curator::core
