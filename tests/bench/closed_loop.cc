#include "tests/bench/closed_loop.h"

#include <atomic>
#include <mutex>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "libclient/core/instant.h"
#include "libclient/net/monotonic.h"
#include "tests/bench/access.h"

namespace curator::bench {
namespace {

class Loop {
 public:
  Loop(const Load& load, const StartCall& start)
      : load_(load),
        start_(start),
        measure_from_(load.calls > 0 ? net::Now() : core::After(net::Now(), load.duration / 8)),
        end_(load.calls > 0 ? core::kNever : core::After(measure_from_, load.duration)),
        lanes_(static_cast<size_t>(load.outstanding)),
        active_(load.outstanding) {}

  LoadResult Run(const Processes& processes) {
    for (int lane = 0; lane < load_.outstanding; ++lane) Next(lane);
    if (load_.calls == 0) std::this_thread::sleep_until(measure_from_);
    ProcessTimes times(processes);
    LoadResult result;
    if (load_.calls == 0) {
      std::this_thread::sleep_until(end_);
      result.cores = times.CoresSinceBegin();
    }
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(
          +[](Loop* self) { return self->active_ == 0; }, this));
    }
    if (load_.calls > 0) result.cores = times.CoresSinceBegin();
    core::Instant last = end_;
    if (load_.calls > 0) last = net::Now();
    result.seconds = absl::ToDoubleSeconds(core::Elapsed(measure_from_, last));
    for (const Lane& lane : lanes_) {
      result.milliseconds.insert(result.milliseconds.end(), lane.begin(), lane.end());
    }
    result.calls = static_cast<int64_t>(result.milliseconds.size());
    return result;
  }

 private:
  using Lane = std::vector<float>;  // touched by one call at a time

  void Next(int lane) {
    const core::Instant began = net::Now();
    const int64_t call = next_call_.fetch_add(1);
    if (began >= end_ || (load_.calls > 0 && call >= load_.calls)) {
      absl::MutexLock lock(&mutex_);
      --active_;
      return;
    }
    start_(lane, call, [this, lane, began](const grpc::Status& status) {
      if (!status.ok()) {
        Fail(absl::StrCat("a call failed with code ", static_cast<int>(status.error_code()), ": ",
                          status.error_message()));
      }
      const core::Instant now = net::Now();
      if (now >= measure_from_ && now < end_) {
        lanes_[static_cast<size_t>(lane)].push_back(
            static_cast<float>(absl::ToDoubleMilliseconds(core::Elapsed(began, now))));
      }
      Next(lane);
    });
  }

  const Load load_;
  const StartCall& start_;
  const core::Instant measure_from_;
  const core::Instant end_;
  std::vector<Lane> lanes_;
  std::atomic<int64_t> next_call_{0};
  absl::Mutex mutex_;
  int active_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

LoadResult RunClosedLoop(const Load& load, const Processes& processes, const StartCall& start) {
  return Loop(load, start).Run(processes);
}

void AddLoad(const Load& load, LoadResult result, Report* report) {
  report->Add("outstanding", load.outstanding)
      .Add("calls", static_cast<double>(result.calls))
      .Add("seconds", result.seconds)
      .Add("per_second", static_cast<double>(result.calls) / result.seconds);
  AddLatencies(std::move(result.milliseconds), report);
  report->Add("cores", result.cores);
}

}  // namespace curator::bench
