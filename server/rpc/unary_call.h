// UnaryCall: one unary RPC that is answered later, from another thread, exactly
// once. Whoever works on it holds a shared_ptr; when the call is cancelled (the
// caller left, or the server stops because the role changed) it is finished at
// once, and an answer that comes after that is dropped.
#ifndef SERVER_RPC_UNARY_CALL_H_
#define SERVER_RPC_UNARY_CALL_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/rpc_error.h"

namespace curatord {

template <typename Response>
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  // `response` is gRPC's and lives until the call is finished.
  static std::shared_ptr<UnaryCall> Create(Response* response) {
    std::shared_ptr<UnaryCall> call(new UnaryCall(response));
    call->self_ = call;
    return call;
  }

  // `on_settled` is told the answer, also where the caller has left and does not get
  // it. To be set before the call is worked on.
  void OnSettled(std::function<void(const absl::StatusOr<Response>&)> on_settled) {
    on_settled_ = std::move(on_settled);
  }

  void Settle(absl::StatusOr<Response> answer) ABSL_LOCKS_EXCLUDED(mutex_) {
    if (on_settled_) std::exchange(on_settled_, nullptr)(answer);
    Answer(std::move(answer));
  }

 private:
  explicit UnaryCall(Response* response) : response_(response) {}

  void Answer(absl::StatusOr<Response> answer) ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      absl::MutexLock lock(&mutex_);
      if (settled_) return;
      settled_ = true;
    }
    // Ours alone from here on; the reactor lives until OnDone, which follows Finish.
    const grpc::Status status = ToGrpcStatus(answer.status());
    if (answer.ok()) *response_ = *std::move(answer);
    Finish(status);
  }

  void OnCancel() override { Answer(absl::CancelledError("cancelled")); }
  void OnDone() override { std::shared_ptr<UnaryCall> last = std::move(self_); }

  Response* const response_;
  std::function<void(const absl::StatusOr<Response>&)> on_settled_;  // of who works on it
  std::shared_ptr<UnaryCall> self_;                                  // until OnDone
  absl::Mutex mutex_;
  bool settled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace curatord

#endif  // SERVER_RPC_UNARY_CALL_H_
