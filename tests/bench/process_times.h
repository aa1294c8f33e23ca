// Processor time of processes, by the clock that the kernel keeps for each.
#ifndef TESTS_BENCH_PROCESS_TIMES_H_
#define TESTS_BENCH_PROCESS_TIMES_H_

#include <map>
#include <string>

#include "libclient/core/instant.h"

namespace curator::bench {

// Name to pid of those to look at; this process is added as "driver".
using Processes = std::map<std::string, int>;

// Cores that each process kept busy between two moments.
class ProcessTimes {
 public:
  explicit ProcessTimes(Processes processes);
  void Begin();
  std::map<std::string, double> CoresSinceBegin() const;

 private:
  std::map<std::string, double> Read() const;

  Processes processes_;
  std::map<std::string, double> at_begin_;  // seconds of processor time
  core::Instant began_;
};

}  // namespace curator::bench

#endif  // TESTS_BENCH_PROCESS_TIMES_H_
