#include "libclient/net/attempt.h"

#include <deque>

#include "absl/synchronization/notification.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/client_callback.h"
#include "libclient/net/monotonic.h"

namespace curator::net {
namespace {

using google::protobuf::Message;
using Stub = grpc::TemplatedGenericStub<Message, Message>;

void Prepare(grpc::ClientContext& context, const AttemptOptions& options) {
  if (options.deadline != core::kNever) context.set_deadline(ToGrpcDeadline(options.deadline));
  for (const auto& [key, value] : options.metadata) context.AddMetadata(key, value);
}

// Waits for the end of a call that has been started; a stop cancels it, which
// ends it at once.
void AwaitEnd(grpc::ClientContext& context, const AttemptOptions& options,
              absl::Notification& ended) {
  const auto cancel = [&context] { context.TryCancel(); };
  std::deque<std::stop_callback<decltype(cancel)>> callbacks;
  for (const std::stop_token& stop : options.stops) callbacks.emplace_back(stop, cancel);
  ended.WaitForNotification();
}

class StreamReactor final : public grpc::ClientBidiReactor<Message, Message> {
 public:
  StreamReactor(Message* buffer, const std::function<void()>& on_message)
      : buffer_(buffer), on_message_(on_message) {}

  void Start(const Message& request) {
    StartWriteLast(&request, grpc::WriteOptions());
    StartRead(buffer_);
    StartCall();
  }
  absl::Notification& ended() { return ended_; }
  const grpc::Status& status() const { return status_; }  // once ended

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return;
    on_message_();
    StartRead(buffer_);
  }
  void OnDone(const grpc::Status& status) override {
    status_ = status;
    ended_.Notify();
  }

  Message* const buffer_;
  const std::function<void()>& on_message_;
  grpc::Status status_;
  absl::Notification ended_;
};

}  // namespace

grpc::Status AttemptUnary(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                          const AttemptOptions& options, const Message& request,
                          Message* response) {
  response->Clear();
  grpc::ClientContext context;
  Prepare(context, options);
  grpc::Status status;
  absl::Notification ended;
  Stub stub(channel);
  stub.UnaryCall(&context, path, grpc::StubOptions(), &request, response, [&](grpc::Status result) {
    status = std::move(result);
    ended.Notify();
  });
  AwaitEnd(context, options, ended);
  return status;
}

grpc::Status AttemptStream(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                           const AttemptOptions& options, const Message& request, Message* buffer,
                           const std::function<void()>& on_message) {
  grpc::ClientContext context;
  Prepare(context, options);
  StreamReactor reactor(buffer, on_message);
  Stub stub(channel);
  stub.PrepareBidiStreamingCall(&context, path, grpc::StubOptions(), &reactor);
  reactor.Start(request);
  AwaitEnd(context, options, reactor.ended());
  return reactor.status();
}

}  // namespace curator::net
