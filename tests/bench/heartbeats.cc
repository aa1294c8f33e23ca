#include "tests/bench/heartbeats.h"

#include <atomic>
#include <deque>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "libclient/core/instant.h"
#include "libclient/net/monotonic.h"
#include "metropolis/curator.grpc.pb.h"
#include "tests/bench/report.h"

namespace curator::bench {
namespace {

namespace curator_api = metropolis::node::core::curator::proto::api;

enum class Phase { kWarmUp, kMeasured, kOver };

// Keeps `depth` requests outstanding until the phase is kOver.
class HeartbeatLane final : public grpc::ClientBidiReactor<curator_api::HeartbeatRequest,
                                                           curator_api::HeartbeatResponse> {
 public:
  HeartbeatLane(const std::shared_ptr<grpc::Channel>& channel, int depth,
                const std::atomic<Phase>* phase)
      : stub_(curator_api::Curator::NewStub(channel)), phase_(phase), to_send_(depth) {
    stub_->async()->Heartbeat(&context_, this);
    AddHold();  // writes are started from read callbacks too
    StartRead(&response_);
    {
      absl::MutexLock lock(&mutex_);
      SendNext();
    }
    StartCall();
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return;
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    SendNext();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    const core::Instant now = net::Now();
    bool over = false;
    {
      absl::MutexLock lock(&mutex_);
      const core::Instant sent = sent_at_.front();
      sent_at_.pop_front();
      const Phase phase = *phase_;
      if (phase == Phase::kMeasured) {
        milliseconds_.push_back(
            static_cast<float>(absl::ToDoubleMilliseconds(core::Elapsed(sent, now))));
      }
      if (phase != Phase::kOver) {
        ++to_send_;
        SendNext();
      } else {
        over = sent_at_.empty();
      }
    }
    StartRead(&response_);
    if (over) {
      StartWritesDone();
      RemoveHold();
    }
  }

  void OnDone(const grpc::Status& status) override {
    if (!status.ok()) {
      Fail(absl::StrCat("a heartbeat stream ended: ", status.error_message()));
    }
    absl::MutexLock lock(&mutex_);
    done_ = true;
  }

  std::vector<float> AwaitLatencies() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&done_));
    return std::move(milliseconds_);
  }

 private:
  void SendNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (writing_ || to_send_ == 0) return;
    --to_send_;
    writing_ = true;
    sent_at_.push_back(net::Now());
    StartWrite(&request_);
  }

  // Constant after construction.
  const std::unique_ptr<curator_api::Curator::Stub> stub_;
  const std::atomic<Phase>* const phase_;
  const curator_api::HeartbeatRequest request_;
  grpc::ClientContext context_;
  curator_api::HeartbeatResponse response_;  // gRPC's

  absl::Mutex mutex_;
  int to_send_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<core::Instant> sent_at_ ABSL_GUARDED_BY(mutex_);
  std::vector<float> milliseconds_ ABSL_GUARDED_BY(mutex_);
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

void MeasureHeartbeats(const Access& access, const HeartbeatsOptions& options,
                       const Processes& processes) {
  std::vector<Identity> identities;
  for (const Actor& actor : access.Actors(0, static_cast<size_t>(options.streams))) {
    identities.push_back(IdentityOf(actor, Role::kNode));
  }
  const Channels channels = Connect(access.address, access.Ca(), identities);
  std::atomic<Phase> phase{Phase::kWarmUp};
  std::vector<std::unique_ptr<HeartbeatLane>> lanes;
  for (const auto& channel : channels) {
    lanes.push_back(std::make_unique<HeartbeatLane>(channel, options.depth, &phase));
  }
  std::this_thread::sleep_for(absl::ToChronoNanoseconds(options.duration / 8));
  ProcessTimes times(processes);
  const core::Instant began = net::Now();
  phase = Phase::kMeasured;
  std::this_thread::sleep_for(absl::ToChronoNanoseconds(options.duration));
  phase = Phase::kOver;
  const double seconds = absl::ToDoubleSeconds(core::Elapsed(began, net::Now()));
  const auto cores = times.CoresSinceBegin();

  std::vector<float> milliseconds;
  for (const auto& lane : lanes) {
    const std::vector<float> of_lane = lane->AwaitLatencies();
    milliseconds.insert(milliseconds.end(), of_lane.begin(), of_lane.end());
  }
  Report report("heartbeats");
  report.Add("streams", options.streams)
      .Add("depth", options.depth)
      .Add("seconds", seconds)
      .Add("per_second", static_cast<double>(milliseconds.size()) / seconds);
  AddLatencies(std::move(milliseconds), &report);
  report.Add("cores", cores).Print();
}

}  // namespace curator::bench
