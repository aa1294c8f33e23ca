// A closed loop: so many calls are outstanding all the time, each answered one is
// followed by the next.
#ifndef TESTS_BENCH_CLOSED_LOOP_H_
#define TESTS_BENCH_CLOSED_LOOP_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "grpcpp/support/status.h"
#include "tests/bench/process_times.h"
#include "tests/bench/report.h"

namespace curator::bench {

using Done = std::function<void(const grpc::Status&)>;

// Starts one call, without blocking. `lane`: 0 to `outstanding` - 1, has no other
// call under way. `call` counts all calls from 0.
using StartCall = std::function<void(int lane, int64_t call, Done done)>;

struct Load {
  int outstanding = 1;
  // How long to measure, after a warm-up of an eighth of it.
  absl::Duration duration = absl::Seconds(3);
  // Instead: so many calls, all of them measured. 0: by time.
  int64_t calls = 0;
};

struct LoadResult {
  int64_t calls = 0;
  double seconds = 0;
  std::vector<float> milliseconds;  // of each call
  std::map<std::string, double> cores;
};

// Ends the process when a call fails.
LoadResult RunClosedLoop(const Load& load, const Processes& processes, const StartCall& start);

// Rate, latencies and processor time.
void AddLoad(const Load& load, LoadResult result, Report* report);

}  // namespace curator::bench

#endif  // TESTS_BENCH_CLOSED_LOOP_H_
