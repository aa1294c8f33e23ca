// ExchangeStream: one bidirectional RPC in which each request is answered before
// the next is read. The caller's half-close ends it with OK.
//
// A subclass implements OnRequest and answers from any thread with Reply, with
// ReplyAndEnd, or with End.
#ifndef SERVER_RPC_EXCHANGE_STREAM_H_
#define SERVER_RPC_EXCHANGE_STREAM_H_

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/rpc_error.h"

namespace curatord {

template <typename Request, typename Response>
class ExchangeStream : public grpc::ServerBidiReactor<Request, Response>,
                       public std::enable_shared_from_this<ExchangeStream<Request, Response>> {
 public:
  // The stream keeps itself alive until gRPC is done with it. Called once, before
  // anything else.
  grpc::ServerBidiReactor<Request, Response>* Own() {
    self_ = this->shared_from_this();
    return this;
  }
  // Lives as long as the stream. Before it begins.
  void Hold(std::shared_ptr<void> held) { held_ = std::move(held); }
  // Begins. A call that is refused is ended instead.
  void Read() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (!ended_) this->StartRead(&request_);
  }

  void Reply(Response response) { Write(std::move(response), /*last=*/false); }
  // Answers, then ends with `status`.
  void ReplyAndEnd(Response response, absl::Status status) {
    final_status_ = std::move(status);
    Write(std::move(response), /*last=*/true);
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
  virtual void OnRequest(const Request& request) = 0;

 private:
  void Write(Response response, bool last) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (ended_) return;
    response_ = std::move(response);
    last_ = last;
    this->StartWrite(&response_);
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      OnRequest(request_);
    } else {
      End(absl::OkStatus());
    }
  }
  void OnWriteDone(bool ok) override {
    if (!ok) {
      End(absl::CancelledError("the stream is broken"));
    } else if (last_) {
      End(final_status_);
    } else {
      Read();
    }
  }
  void OnCancel() override { End(absl::CancelledError("cancelled")); }
  void OnDone() override { std::shared_ptr<ExchangeStream> last = std::move(self_); }

  // Of the one operation that is under way.
  Request request_;
  Response response_;
  bool last_ = false;
  absl::Status final_status_;
  std::shared_ptr<ExchangeStream> self_;
  std::shared_ptr<void> held_;
  absl::Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace curatord

#endif  // SERVER_RPC_EXCHANGE_STREAM_H_
