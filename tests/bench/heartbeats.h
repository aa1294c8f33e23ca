// Heartbeats as fast as they are answered; of a bare server: its echo.
#ifndef TESTS_BENCH_HEARTBEATS_H_
#define TESTS_BENCH_HEARTBEATS_H_

#include "absl/time/time.h"
#include "tests/bench/access.h"
#include "tests/bench/process_times.h"

namespace curator::bench {

struct HeartbeatsOptions {
  int streams = 32;  // each on a connection of its own, as a node of its own
  int depth = 1;     // outstanding on each
  absl::Duration duration = absl::Seconds(3);
};

void MeasureHeartbeats(const Access& access, const HeartbeatsOptions& options,
                       const Processes& processes);

}  // namespace curator::bench

#endif  // TESTS_BENCH_HEARTBEATS_H_
