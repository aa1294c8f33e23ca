#include "server/listener/payments.h"

#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message_lite.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/boot_clock.h"
#include "server/rpc/raw_message.h"
#include "server/rpc/services.h"

namespace curatord {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;

// A call without its message: frames, and what gRPC keeps of the headers for itself.
constexpr int64_t kOfACall = 512;
// Beside its own bytes: the frames it came in.
constexpr int64_t kOfAMessage = 256;
// Owed for a call that brought no request, or was taken back before it was answered. What
// gRPC does for one costs far more than the few bytes that reset it, and calls that are
// reset as they are made must not go on without end. A client that cancels now and then
// does not notice.
constexpr int64_t kOfACallTakenBack = 2048;
// Owed for a stream of a stranger while it is open: it is sent something at each change, and
// ends only when its peer likes.
constexpr int64_t kOfAStrangersStream = 16384;

class PaymentInterceptor final : public grpc::experimental::Interceptor {
 public:
  // `parsed`: its messages are protobuf's, not bytes.
  PaymentInterceptor(std::shared_ptr<Connection> connection, const grpc::ServerContextBase* context,
                     int64_t held, int64_t metadata, bool parsed)
      : connection_(std::move(connection)),
        context_(context),
        held_(held),
        parsed_(parsed),
        unpaid_(kOfACall + metadata) {
    connection_->OnCallBegan(BootTime());
    connection_->Fine(held_);
  }
  ~PaymentInterceptor() override {
    connection_->GiveBack(held_);
    if (!answered_) connection_->Fine(kOfACallTakenBack);
    connection_->OnCallEnded(BootTime());
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_MESSAGE)) {
      // Null: it could not be parsed, or there is none any more.
      if (void* message = methods->GetRecvMessage(); message != nullptr) {
        const int64_t size = SizeOf(message);
        connection_->Pay(std::exchange(unpaid_, 0) + size + size / 8 + kOfAMessage, BootTime());
      }
    }
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      answered_ = unpaid_ == 0 && !context_->IsCancelled();
    }
    methods->Proceed();
  }

 private:
  int64_t SizeOf(void* message) const {
    return static_cast<int64_t>(
        parsed_ ? static_cast<const google::protobuf::MessageLite*>(message)->ByteSizeLong()
                : static_cast<const grpc::ByteBuffer*>(message)->Length());
  }

  const std::shared_ptr<Connection> connection_;
  const grpc::ServerContextBase* const context_;
  const int64_t held_;  // owed while it is open
  const bool parsed_;
  int64_t unpaid_;         // for the call itself, until its first message
  bool answered_ = false;  // before it was taken back
};

class PaymentFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  PaymentFactory(ConnectionTable* connections, IsMember is_member, bool leads)
      : connections_(connections), is_member_(std::move(is_member)) {
    for (const ServedService& served : kServedServices) {
      const google::protobuf::ServiceDescriptor* service =
          google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
              std::string(served.name));
      if (service == nullptr || (served.leader_only && !leads)) continue;
      for (int i = 0; i < service->method_count(); ++i) {
        std::string method = absl::StrCat("/", served.name, "/", service->method(i)->name());
        if (!IsServedRaw(method)) parsed_.insert(std::move(method));
      }
    }
  }

  grpc::experimental::Interceptor* CreateServerInterceptor(ServerRpcInfo* info) override {
    grpc::ServerContextBase* const context = info->server_context();
    const absl::optional<PeerAddress> peer = PeerAddress::FromGrpc(context->peer());
    std::shared_ptr<Connection> connection = peer.has_value() ? connections_->Find(*peer) : nullptr;
    if (connection == nullptr) return nullptr;  // it was cut, or is no connection of ours
    if (connection->ClaimCheck() && is_member_(*context)) {
      connections_->SetMember(connection);
    }
    int64_t metadata = 0;
    for (const auto& [key, value] : context->client_metadata()) {
      metadata += static_cast<int64_t>(key.size() + value.size());
    }
    const bool is_stream = info->type() != ServerRpcInfo::Type::UNARY;
    const int64_t held = is_stream && !connection->is_member() ? kOfAStrangersStream : 0;
    return new PaymentInterceptor(std::move(connection), context, held, metadata,
                                  parsed_.contains(info->method()));
  }

 private:
  ConnectionTable* const connections_;
  const IsMember is_member_;
  absl::flat_hash_set<std::string> parsed_;  // constant after construction
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> NewPaymentInterceptorFactory(
    ConnectionTable* connections, IsMember is_member, bool leads) {
  return std::make_unique<PaymentFactory>(connections, std::move(is_member), leads);
}

}  // namespace curatord
