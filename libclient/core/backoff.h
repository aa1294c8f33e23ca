// How long to leave an endpoint alone after it failed: full jitter over a span
// that grows from 100 ms by 1.6 up to 2 s. Pure: the caller brings the random
// number and waits.
#ifndef LIBCLIENT_CORE_BACKOFF_H_
#define LIBCLIENT_CORE_BACKOFF_H_

#include "absl/time/time.h"

namespace curator::core {

class Backoff {
 public:
  // `uniform` is a random number in [0, 1). Counts one failure.
  absl::Duration Next(double uniform);
  // It answered, or there is news that it may: the next span is the first again.
  void Reset() { failures_ = 0; }
  int failures() const { return failures_; }

  static constexpr absl::Duration kMax = absl::Seconds(2);

 private:
  int failures_ = 0;
};

}  // namespace curator::core

#endif  // LIBCLIENT_CORE_BACKOFF_H_
