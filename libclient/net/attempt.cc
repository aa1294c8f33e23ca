#include "libclient/net/attempt.h"

#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/client_callback.h"
#include "libclient/net/monotonic.h"
#include "libclient/net/pause.h"

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
  StreamReactor(grpc::ClientContext* context, const std::function<Message*()>& buffer,
                const std::function<bool()>& on_message)
      : context_(context), buffer_(buffer), on_message_(on_message) {}

  void Start(const Message& request) {
    StartWriteLast(&request, grpc::WriteOptions());
    StartRead(buffer_());
    StartCall();
  }
  absl::Notification& ended() { return ended_; }
  const grpc::Status& status() const { return status_; }  // once ended

 private:
  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (on_message_()) {
      StartRead(buffer_());
    } else {
      context_->TryCancel();
    }
  }
  void OnDone(const grpc::Status& status) override {
    status_ = status;
    ended_.Notify();
  }

  grpc::ClientContext* const context_;
  const std::function<Message*()>& buffer_;
  const std::function<bool()>& on_message_;
  grpc::Status status_;
  absl::Notification ended_;
};

// Reads one message at a time, when told to.
class FollowReactor final : public grpc::ClientBidiReactor<Message, Message> {
 public:
  enum class Event { kMessage, kEnded, kStopped, kElapsed };

  explicit FollowReactor(Message* buffer) : buffer_(buffer) {}

  void Start(const Message& request) {
    // Reads are started from outside, between two callbacks: the hold keeps the
    // stream from being declared done underneath one.
    AddHold();
    StartWriteLast(&request, grpc::WriteOptions());
    StartRead(buffer_);
    StartCall();
  }

  Event Await(core::Instant deadline, const std::vector<std::stop_token>& stops) {
    const auto happened = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return has_message_ || broken_;
    };
    switch (AwaitUnlessStopped(mutex_, happened, deadline, stops)) {
      case WaitEnd::kElapsed:
        return Event::kElapsed;
      case WaitEnd::kStopped:
        return Event::kStopped;
      case WaitEnd::kHappened:
        break;
    }
    absl::MutexLock lock(&mutex_);
    return has_message_ ? Event::kMessage : Event::kEnded;
  }

  void ReadNext() {
    {
      absl::MutexLock lock(&mutex_);
      has_message_ = false;
    }
    StartRead(buffer_);
  }

  // Once no read is started any more. Blocks until gRPC is done with it.
  grpc::Status AwaitDone() {
    RemoveHold();
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&done_));
    return status_;
  }

 private:
  void OnReadDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    (ok ? has_message_ : broken_) = true;
  }
  void OnDone(const grpc::Status& status) override {
    absl::MutexLock lock(&mutex_);
    status_ = status;
    done_ = true;
  }

  Message* const buffer_;  // gRPC's while a read is outstanding
  absl::Mutex mutex_;
  bool has_message_ ABSL_GUARDED_BY(mutex_) = false;
  bool broken_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mutex_);
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
                           const AttemptOptions& options, const Message& request,
                           const std::function<Message*()>& buffer,
                           const std::function<bool()>& on_message) {
  grpc::ClientContext context;
  Prepare(context, options);
  StreamReactor reactor(&context, buffer, on_message);
  Stub stub(channel);
  stub.PrepareBidiStreamingCall(&context, path, grpc::StubOptions(), &reactor);
  reactor.Start(request);
  AwaitEnd(context, options, reactor.ended());
  return reactor.status();
}

grpc::Status AttemptFollow(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                           const AttemptOptions& options, const Message& request, Message* buffer,
                           absl::Duration first_within,
                           const std::function<absl::optional<absl::Duration>()>& on_message) {
  using Event = FollowReactor::Event;
  grpc::ClientContext context;
  Prepare(context, options);
  FollowReactor reactor(buffer);
  Stub stub(channel);
  stub.PrepareBidiStreamingCall(&context, path, grpc::StubOptions(), &reactor);
  reactor.Start(request);
  absl::Duration patience = first_within;
  Event event = reactor.Await(core::After(Now(), patience), options.stops);
  while (event == Event::kMessage) {
    const absl::optional<absl::Duration> next_within = on_message();
    if (!next_within.has_value()) break;
    patience = *next_within;
    reactor.ReadNext();
    event = reactor.Await(core::After(Now(), patience), options.stops);
  }
  // Where the server has ended it, its own status is on its way.
  if (event != Event::kEnded) context.TryCancel();
  grpc::Status status = reactor.AwaitDone();
  if (event != Event::kElapsed) return status;
  return grpc::Status(grpc::StatusCode::UNAVAILABLE,
                      absl::StrCat("no message within ", absl::FormatDuration(patience)));
}

}  // namespace curator::net
