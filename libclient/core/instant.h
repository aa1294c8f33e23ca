// Time that steers behaviour: instants of the monotonic clock, passed in by
// whoever reads it. Wall time (absl::Time) is for display only.
#ifndef LIBCLIENT_CORE_INSTANT_H_
#define LIBCLIENT_CORE_INSTANT_H_

#include <chrono>

#include "absl/time/time.h"

namespace curator::core {

using Instant = std::chrono::steady_clock::time_point;

inline constexpr Instant kNever = Instant::max();

// `from` + `delay`; kNever for an infinite or overflowing delay, `from` for a
// negative one.
inline Instant After(Instant from, absl::Duration delay) {
  if (from == kNever || delay >= absl::Hours(24 * 365 * 50)) return kNever;
  if (delay <= absl::ZeroDuration()) return from;
  return from + absl::ToChronoNanoseconds(delay);
}

// What is left until `deadline`: never negative, infinite for kNever.
inline absl::Duration Until(Instant deadline, Instant now) {
  if (deadline == kNever) return absl::InfiniteDuration();
  if (deadline <= now) return absl::ZeroDuration();
  return absl::FromChrono(deadline - now);
}

inline absl::Duration Elapsed(Instant since, Instant now) {
  return now <= since ? absl::ZeroDuration() : absl::FromChrono(now - since);
}

}  // namespace curator::core

#endif  // LIBCLIENT_CORE_INSTANT_H_
