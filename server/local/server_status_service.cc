#include "server/local/server_status_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libclient/core/error_info.h"
#include "server/leader/admission.h"
#include "server/rpc/unary_call.h"
#include "server/version.h"

namespace curatord {
namespace {

namespace v1 = curator::v1;

constexpr char kStatusMethod[] = "curator.v1.ServerStatus.Get";

v1::Part::Health ToProto(PartHealth health) {
  switch (health) {
    case PartHealth::kRunning:
      return v1::Part::HEALTH_RUNNING;
    case PartHealth::kBackingOff:
      return v1::Part::HEALTH_BACKING_OFF;
    case PartHealth::kStopped:
      return v1::Part::HEALTH_STOPPED;
  }
  return v1::Part::HEALTH_UNSPECIFIED;
}

}  // namespace

grpc::ServerUnaryReactor* ServerStatusService::Get(grpc::CallbackServerContext* context,
                                                   const v1::GetServerStatusRequest*,
                                                   v1::GetServerStatusResponse* response) {
  context->AddInitialMetadata(curator::core::kTermMetadata, absl::StrCat(role_.term));
  auto call = UnaryCall<v1::GetServerStatusResponse>::Create(response);
  absl::StatusOr<Caller> caller = authorizer_->Authorize(*context, kStatusMethod);
  if (!caller.ok()) {
    call->Settle(caller.status());
    return call.get();
  }
  if (leadership_ != nullptr && !CheckNotRevoked(*caller, *state_).ok()) {
    ConfirmRevoked(leadership_, *caller, kStatusMethod,
                   [call](const absl::Status& refusal) { call->Settle(refusal); });
    return call.get();
  }
  if (absl::Status stands = CheckNotReplaced(*caller, *state_); !stands.ok()) {
    call->Settle(std::move(stands));
    return call.get();
  }
  v1::GetServerStatusResponse answer;
  answer.set_node_id(node_id_);
  answer.set_role(role_.kind == Role::Kind::kLeader ? v1::ROLE_LEADER : v1::ROLE_FOLLOWER);
  answer.set_term(role_.term);
  answer.set_leader_node_id(role_.leader_id);
  answer.set_leader_address(state_->CuratorAddress(role_.leader_id));
  answer.set_software_version(kVersion);
  for (const PartStatus& status : supervisor_->Status()) {
    v1::Part* part = answer.add_parts();
    part->set_name(status.name);
    part->set_health(ToProto(status.health));
    part->set_last_error(status.last_error);
    part->set_restarts(status.restarts);
    part->mutable_since()->set_seconds(absl::ToInt64Seconds(absl::Now() - status.since));
  }
  call->Settle(std::move(answer));
  return call.get();
}

}  // namespace curatord
