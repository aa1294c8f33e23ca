// WriteStream: one server-streaming RPC. Messages are handed to it one at a time
// (Next is asked for the next whenever the last was written), so that a slow
// reader costs one message, never a queue.
//
// A subclass implements Next; the stream asks again after Wake. Next may run on
// any thread, never on two at once, and is not called after the end. It may be a
// thread of gRPC's: what takes longer than a millisecond is done in slices
// (kContinued).
#ifndef SERVER_RPC_WRITE_STREAM_H_
#define SERVER_RPC_WRITE_STREAM_H_

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/rpc_error.h"

namespace curatord {

template <typename Response>
class WriteStream : public grpc::ServerWriteReactor<Response>,
                    public std::enable_shared_from_this<WriteStream<Response>> {
 public:
  enum class Step {
    kMessage,
    // A message with another right behind it, or the end: gRPC may hold it back until
    // there is enough for a packet.
    kMessageOfMany,
    kNothingYet,
    // The subclass has seen to it that somebody calls Continue.
    kContinued,
    kEnd,
  };

  // The stream keeps itself alive until gRPC is done with it. Called once, before
  // anything else.
  grpc::ServerWriteReactor<Response>* Own() {
    self_ = this->shared_from_this();
    return this;
  }

  // Lives as long as the stream. Before it begins.
  void Hold(std::shared_ptr<void> held) { held_ = std::move(held); }

  // There may be something to send now. From any thread.
  void Wake() ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      absl::MutexLock lock(&mutex_);
      if (ended_) return;
      if (busy_) {
        woken_ = true;
        return;
      }
      busy_ = true;
    }
    Advance();
  }

  void End(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      absl::MutexLock lock(&mutex_);
      if (ended_) return;
      ended_ = true;
    }
    this->Finish(ToGrpcStatus(status));
  }

 protected:
  // Fills `*message`, or says that there is nothing yet, or ends with `*status`.
  virtual Step Next(Response* message, absl::Status* status) = 0;

  // Asks again, once for each kContinued and after it.
  void Continue() ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      absl::MutexLock lock(&mutex_);
      if (ended_) return;
    }
    Advance();
  }

 private:
  // Runs with busy_ set, which makes the caller the only one here.
  void Advance() {
    for (;;) {
      absl::Status status;
      message_.Clear();
      const Step step = Next(&message_, &status);
      if (step == Step::kContinued) return;
      if (step == Step::kEnd) {
        End(status);
        return;
      }
      absl::MutexLock lock(&mutex_);
      if (ended_) return;
      if (step != Step::kNothingYet) {
        grpc::WriteOptions options;
        // The first brings the initial metadata, which must not wait for the second: its
        // write would never be done.
        if (step == Step::kMessageOfMany && has_written_) options.set_buffer_hint();
        has_written_ = true;
        // Under the lock: a write may not follow Finish.
        this->StartWrite(&message_, options);
        return;
      }
      if (!woken_) {
        busy_ = false;
        return;
      }
      woken_ = false;
    }
  }

  void OnWriteDone(bool ok) override {
    if (!ok) {
      End(absl::CancelledError("the stream is broken"));
      return;
    }
    Advance();
  }
  void OnCancel() override { End(absl::CancelledError("cancelled")); }
  void OnDone() override { std::shared_ptr<WriteStream> last = std::move(self_); }

  Response message_;          // of whoever has set busy_
  bool has_written_ = false;  // of the same
  std::shared_ptr<WriteStream> self_;
  std::shared_ptr<void> held_;
  absl::Mutex mutex_;
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;   // a write or a call of Next is, or will be
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;  // Wake came meanwhile
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace curatord

#endif  // SERVER_RPC_WRITE_STREAM_H_
