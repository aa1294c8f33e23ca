#include "libclient/core/backoff.h"

#include <algorithm>

namespace curator::core {

absl::Duration Backoff::Next(double uniform) {
  absl::Duration span = absl::Milliseconds(100);
  for (int i = 0; i < failures_ && span < kMax; ++i) span *= 1.6;
  ++failures_;
  return std::min(span, kMax) * uniform;
}

}  // namespace curator::core
