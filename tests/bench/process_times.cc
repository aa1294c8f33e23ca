#include "tests/bench/process_times.h"

#include <time.h>
#include <unistd.h>

#include <utility>

#include "absl/time/time.h"
#include "libclient/net/monotonic.h"

namespace curator::bench {
namespace {

// Seconds so far, of all its threads; 0 of a process that has ended.
double ProcessorTime(int pid) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return 0;
  return absl::ToDoubleSeconds(absl::DurationFromTimespec(time));
}

}  // namespace

ProcessTimes::ProcessTimes(Processes processes) : processes_(std::move(processes)) {
  processes_["driver"] = ::getpid();
  Begin();
}

void ProcessTimes::Begin() {
  at_begin_ = Read();
  began_ = net::Now();
}

std::map<std::string, double> ProcessTimes::CoresSinceBegin() const {
  std::map<std::string, double> cores = Read();
  const double elapsed = absl::ToDoubleSeconds(core::Elapsed(began_, net::Now()));
  for (auto& [name, seconds] : cores) seconds = (seconds - at_begin_.at(name)) / elapsed;
  return cores;
}

std::map<std::string, double> ProcessTimes::Read() const {
  std::map<std::string, double> times;
  for (const auto& [name, pid] : processes_) times[name] = ProcessorTime(pid);
  return times;
}

}  // namespace curator::bench
