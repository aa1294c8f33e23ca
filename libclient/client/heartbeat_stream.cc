#include "libclient/client/heartbeat_stream.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/grpcpp.h"
#include "libclient/net/pause.h"
#include "metropolis/curator.grpc.pb.h"

namespace curator {
namespace {

namespace curator_api = ::metropolis::node::core::curator::proto::api;

constexpr char kHeartbeat[] = "metropolis.node.core.curator.proto.api.Curator.Heartbeat";

}  // namespace

class HeartbeatStream::Reactor final
    : public grpc::ClientBidiReactor<curator_api::HeartbeatRequest,
                                     curator_api::HeartbeatResponse> {
 public:
  explicit Reactor(std::shared_ptr<grpc::Channel> channel)
      : stub_(curator_api::Curator::NewStub(std::move(channel))) {
    stub_->async()->Heartbeat(&context_, this);
    // Writes are started from outside, between two callbacks: the hold keeps the
    // stream from being declared done underneath one.
    AddHold();
    StartRead(&response_);
    StartCall();
  }

  void Send() {
    {
      absl::MutexLock lock(&mutex_);
      if (broken_) return;
      ++sent_;
      writing_ = true;
    }
    StartWrite(&request_);
  }

  Event Await(bool for_answer, core::Instant deadline, const std::vector<std::stop_token>& stops) {
    const auto happened = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return broken_ || (for_answer && Answered());
    };
    switch (net::AwaitUnlessStopped(mutex_, happened, deadline, stops)) {
      case net::WaitEnd::kElapsed:
        return Event::kElapsed;
      case net::WaitEnd::kStopped:
        return Event::kStopped;
      case net::WaitEnd::kHappened:
        break;
    }
    {
      absl::MutexLock lock(&mutex_);
      if (!broken_) return Event::kAnswered;
    }
    // Not cancelled: the server's own status is on its way.
    AwaitDone();
    return Event::kEnded;
  }

  void Close(core::Instant deadline) {
    const auto may_close = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return broken_ || !writing_;
    };
    if (net::AwaitUnlessStopped(mutex_, may_close, deadline, {}) == net::WaitEnd::kElapsed) return;
    {
      absl::MutexLock lock(&mutex_);
      if (broken_) return;
    }
    StartWritesDone();
    Await(/*for_answer=*/false, deadline, {});
  }

  void Cancel() {
    context_.TryCancel();
    AwaitDone();
  }

  void AwaitDone() {
    bool release;
    {
      absl::MutexLock lock(&mutex_);
      release = std::exchange(held_, false);
    }
    if (release) RemoveHold();
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&done_));
  }

  core::CallOutcome outcome() const {
    absl::MutexLock lock(&mutex_);
    const std::string message = status_.error_message();
    const std::string details = status_.error_details();
    core::StatusView view;
    view.code = status_.error_code();
    view.message = message;
    view.details = details;
    return core::Classify(view, kHeartbeat, /*cancelled_by_us=*/false);
  }

  void OnReadDone(bool ok) override {
    {
      absl::MutexLock lock(&mutex_);
      if (!ok) {
        broken_ = true;
        return;
      }
      ++answered_;
    }
    StartRead(&response_);
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    if (!ok) broken_ = true;
  }

  void OnDone(const grpc::Status& status) override {
    absl::MutexLock lock(&mutex_);
    status_ = status;
    broken_ = true;
    done_ = true;
  }

 private:
  bool Answered() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !writing_ && answered_ >= sent_;
  }

  // Constant after construction.
  const std::unique_ptr<curator_api::Curator::Stub> stub_;
  const curator_api::HeartbeatRequest request_;
  grpc::ClientContext context_;
  curator_api::HeartbeatResponse response_;  // gRPC's while a read is outstanding

  mutable absl::Mutex mutex_;
  int sent_ ABSL_GUARDED_BY(mutex_) = 0;
  int answered_ ABSL_GUARDED_BY(mutex_) = 0;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  bool held_ ABSL_GUARDED_BY(mutex_) = true;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mutex_);
};

HeartbeatStream::HeartbeatStream(std::shared_ptr<grpc::Channel> channel)
    : reactor_(std::make_unique<Reactor>(std::move(channel))) {}

HeartbeatStream::~HeartbeatStream() { reactor_->Cancel(); }

void HeartbeatStream::Send() { reactor_->Send(); }

HeartbeatStream::Event HeartbeatStream::AwaitAnswer(core::Instant deadline,
                                                    const std::vector<std::stop_token>& stops) {
  return reactor_->Await(/*for_answer=*/true, deadline, stops);
}

HeartbeatStream::Event HeartbeatStream::AwaitEnd(core::Instant deadline,
                                                 const std::vector<std::stop_token>& stops) {
  return reactor_->Await(/*for_answer=*/false, deadline, stops);
}

void HeartbeatStream::Close(core::Instant deadline) { reactor_->Close(deadline); }

core::CallOutcome HeartbeatStream::outcome() const { return reactor_->outcome(); }

}  // namespace curator
