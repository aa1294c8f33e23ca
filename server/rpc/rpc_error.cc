#include "server/rpc/rpc_error.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "libclient/core/error_info.h"

namespace curatord {
namespace {

namespace core = curator::core;

constexpr char kErrorInfoTypeUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";

}  // namespace

absl::Status WithReason(absl::Status status, absl::string_view reason,
                        const ErrorMetadata& metadata) {
  google::rpc::ErrorInfo info;
  info.set_domain(core::kErrorDomain);
  info.set_reason(std::string(reason));
  for (const auto& [key, value] : metadata) {
    if (!value.empty()) (*info.mutable_metadata())[key] = value;
  }
  status.SetPayload(kErrorInfoTypeUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

absl::Status LostLeadershipError(int64_t term) {
  return WithReason(absl::UnavailableError("this curator has lost leadership"),
                    core::kReasonLostLeadership, {{core::kTermKey, absl::StrCat(term)}});
}

absl::Status OutcomeUnknownError(int64_t term, absl::string_view cause) {
  return WithReason(
      absl::UnavailableError(absl::StrCat("the store did not tell the outcome: ", cause)),
      core::kReasonOutcomeUnknown, {{core::kTermKey, absl::StrCat(term)}});
}

absl::Status StoreUnavailableError(absl::string_view cause) {
  return WithReason(absl::UnavailableError(absl::StrCat("the store cannot be reached: ", cause)),
                    core::kReasonStoreUnavailable);
}

absl::Status OverloadedError(absl::string_view what) {
  return WithReason(
      absl::UnavailableError(absl::StrCat("not executed: ", what, " wait already at this curator: ",
                                          "its store is slow, or too much is asked of it")),
      core::kReasonStoreUnavailable, {{core::kCauseKey, core::kCauseOverloaded}});
}

absl::Status StoreFullError(absl::string_view cause) {
  return WithReason(
      absl::ResourceExhaustedError(absl::StrCat("the cluster's store is full: ", cause)),
      core::kReasonStoreFull);
}

absl::Status NotExecutedError(const absl::Status& failure) {
  return absl::IsResourceExhausted(failure) ? StoreFullError(failure.message())
                                            : StoreUnavailableError(failure.message());
}

absl::Status NotLeaderError(absl::string_view leader_id, absl::string_view leader_address,
                            int64_t term) {
  return WithReason(absl::UnimplementedError(absl::StrCat("this curator follows ", leader_id)),
                    core::kReasonNotLeader,
                    {{core::kLeaderIdKey, std::string(leader_id)},
                     {core::kLeaderAddressKey, std::string(leader_address)},
                     {core::kTermKey, absl::StrCat(term)}});
}

absl::Status UnsupportedError(absl::string_view sentence) {
  return WithReason(absl::UnimplementedError(sentence), core::kReasonUnsupported);
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const auto code = static_cast<grpc::StatusCode>(status.code());
  const std::string message(status.message());
  absl::optional<absl::Cord> info = status.GetPayload(kErrorInfoTypeUrl);
  if (!info.has_value()) return {code, message};
  google::rpc::Status details;
  details.set_code(static_cast<int>(code));
  details.set_message(message);
  google::protobuf::Any* any = details.add_details();
  any->set_type_url(kErrorInfoTypeUrl);
  any->set_value(std::string(*info));
  return {code, message, details.SerializeAsString()};
}

}  // namespace curatord
