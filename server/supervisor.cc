#include "server/supervisor.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "server/log.h"

namespace curatord {
namespace {

constexpr absl::Duration kFirstBackoff = absl::Milliseconds(200);
// What a part needs may be back at any time, and users wait for it.
constexpr absl::Duration kLongestBackoff = absl::Seconds(1);
// A part that ran this long had recovered: its next failure starts over.
constexpr absl::Duration kStable = absl::Seconds(30);

}  // namespace

struct Supervisor::Part {
  std::function<absl::Status()> run;
  std::function<void()> stop;
  std::function<absl::Status()> health;
  PartStatus status;      // guarded by Supervisor::mutex_
  bool stopping = false;  // guarded by Supervisor::mutex_
  std::thread thread;     // joined by Stop alone
};

Supervisor::Supervisor() = default;

Supervisor::~Supervisor() { Stop(); }

void Supervisor::Start(std::string name, std::function<absl::Status()> run,
                       std::function<void()> stop, std::function<absl::Status()> health) {
  auto part = std::make_unique<Part>();
  part->run = std::move(run);
  part->stop = std::move(stop);
  part->health = std::move(health);
  part->status.name = std::move(name);
  part->status.since = absl::Now();
  Part* started = part.get();
  absl::MutexLock lock(&mutex_);
  if (stopping_) return;
  parts_.push_back(std::move(part));
  started->thread = std::thread([this, started] { Run(started); });
}

void Supervisor::Run(Part* part) {
  absl::Duration backoff = kFirstBackoff;
  uint64_t failures = 0;  // since it was stable
  for (;;) {
    const absl::Time started_at = absl::Now();
    absl::Status ended = part->run();
    absl::MutexLock lock(&mutex_);
    part->status.since = absl::Now();
    if (part->stopping) {
      part->status.health = PartHealth::kStopped;
      return;
    }
    part->status.health = PartHealth::kBackingOff;
    part->status.last_error = ended.ok() ? "ended unexpectedly" : std::string(ended.message());
    ++part->status.restarts;
    if (absl::Now() - started_at > kStable) {
      backoff = kFirstBackoff;
      failures = 0;
    }
    ++failures;
    if ((failures & (failures - 1)) == 0) {  // at powers of two
      LogError("part failed", {{"part", part->status.name},
                               {"error", part->status.last_error},
                               {"restarts", part->status.restarts},
                               {"again_in", absl::FormatDuration(backoff)}});
    }
    mutex_.AwaitWithTimeout(absl::Condition(&part->stopping), backoff);
    if (part->stopping) {
      part->status.health = PartHealth::kStopped;
      return;
    }
    backoff = std::min(backoff * 2, kLongestBackoff);
    if ((failures & (failures - 1)) == 0) {
      LogInfo("part runs again",
              {{"part", part->status.name}, {"restarts", part->status.restarts}});
    }
    part->status.health = PartHealth::kRunning;
    part->status.since = absl::Now();
  }
}

void Supervisor::Stop() {
  for (;;) {
    Part* last = nullptr;
    {
      absl::MutexLock lock(&mutex_);
      stopping_ = true;
      for (auto& part : parts_) {
        if (part->thread.joinable()) last = part.get();
      }
      if (last == nullptr) return;
      last->stopping = true;
    }
    last->stop();
    last->thread.join();
  }
}

std::vector<PartStatus> Supervisor::Status() const {
  std::vector<PartStatus> statuses;
  std::vector<std::function<absl::Status()>> healths;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& part : parts_) {
      statuses.push_back(part->status);
      healths.push_back(part->health);
    }
  }
  for (size_t i = 0; i < statuses.size(); ++i) {
    if (healths[i] == nullptr || statuses[i].health != PartHealth::kRunning) continue;
    if (const absl::Status health = healths[i](); !health.ok()) {
      statuses[i].health = PartHealth::kBackingOff;
      statuses[i].last_error = std::string(health.message());
    }
  }
  return statuses;
}

}  // namespace curatord
