#include "tests/bench/process_times.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "libclient/net/monotonic.h"

namespace curator::bench {
namespace {

// User and system time in seconds; 0 of a process that has ended.
double ProcessorTime(int pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  constexpr int kFieldsBefore = 11;  // state to cmajflt
  std::string skipped;
  for (int i = 0; i < kFieldsBefore; ++i) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
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
