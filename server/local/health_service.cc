#include "server/local/health_service.h"

#include <memory>
#include <utility>

#include "server/rpc/services.h"
#include "server/rpc/unary_call.h"
#include "server/rpc/write_stream.h"

namespace curatord {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// Says it once and stays open.
class HealthStream final : public WriteStream<HealthCheckResponse> {
 public:
  explicit HealthStream(HealthCheckResponse::ServingStatus status) : status_(status) {}

 private:
  Step Next(HealthCheckResponse* message, absl::Status*) override {
    if (said_) return Step::kNothingYet;
    said_ = true;
    message->set_status(status_);
    return Step::kMessage;
  }

  const HealthCheckResponse::ServingStatus status_;
  bool said_ = false;  // of Next alone
};

}  // namespace

HealthCheckResponse::ServingStatus HealthService::StatusOf(const std::string& service) const {
  if (service.empty()) return HealthCheckResponse::SERVING;
  for (const ServedService& served : kServedServices) {
    if (service != served.name) continue;
    return leads_ || !served.leader_only ? HealthCheckResponse::SERVING
                                         : HealthCheckResponse::NOT_SERVING;
  }
  return HealthCheckResponse::SERVICE_UNKNOWN;
}

grpc::ServerUnaryReactor* HealthService::Check(grpc::CallbackServerContext* context,
                                               const HealthCheckRequest* request,
                                               HealthCheckResponse* response) {
  auto call = UnaryCall<HealthCheckResponse>::Create(response);
  absl::StatusOr<Caller> caller = authorizer_->Authorize(*context, "grpc.health.v1.Health.Check");
  if (!caller.ok()) {
    call->Settle(caller.status());
    return call.get();
  }
  HealthCheckResponse answer;
  answer.set_status(StatusOf(request->service()));
  if (answer.status() == HealthCheckResponse::SERVICE_UNKNOWN) {
    call->Settle(absl::NotFoundError("this curator has no such service"));
  } else {
    call->Settle(std::move(answer));
  }
  return call.get();
}

grpc::ServerWriteReactor<HealthCheckResponse>* HealthService::Watch(
    grpc::CallbackServerContext* context, const HealthCheckRequest* request) {
  auto stream = std::make_shared<HealthStream>(StatusOf(request->service()));
  auto* reactor = stream->Own();
  absl::StatusOr<Caller> caller = authorizer_->Authorize(*context, "grpc.health.v1.Health.Watch");
  if (caller.ok()) {
    stream->Wake();
  } else {
    stream->End(caller.status());
  }
  return reactor;
}

}  // namespace curatord
