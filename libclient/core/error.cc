#include "curator/error.h"

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "curator/v1/error_report.pb.h"

namespace curator {
namespace {

constexpr char kPayloadUrl[] = "type.googleapis.com/curator.v1.ErrorReport";

absl::StatusCode NearestStatusCode(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInternal:
      return absl::StatusCode::kInternal;
    case ErrorCode::kInvalidArgument:
      return absl::StatusCode::kInvalidArgument;
    case ErrorCode::kNotFound:
      return absl::StatusCode::kNotFound;
    case ErrorCode::kNoCredentials:
    case ErrorCode::kUntrusted:
      return absl::StatusCode::kUnauthenticated;
    case ErrorCode::kDenied:
      return absl::StatusCode::kPermissionDenied;
    case ErrorCode::kUnreachable:
    case ErrorCode::kNoLeader:
      return absl::StatusCode::kUnavailable;
    case ErrorCode::kRefused:
      return absl::StatusCode::kFailedPrecondition;
    case ErrorCode::kTimeout:
      return absl::StatusCode::kDeadlineExceeded;
    case ErrorCode::kUnsupported:
      return absl::StatusCode::kUnimplemented;
    case ErrorCode::kUnknownOutcome:
      return absl::StatusCode::kUnknown;
    case ErrorCode::kCancelled:
      return absl::StatusCode::kCancelled;
  }
  return absl::StatusCode::kInternal;
}

ErrorCode NearestErrorCode(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return ErrorCode::kInvalidArgument;
    case absl::StatusCode::kNotFound:
      return ErrorCode::kNotFound;
    case absl::StatusCode::kUnauthenticated:
      return ErrorCode::kNoCredentials;
    case absl::StatusCode::kPermissionDenied:
      return ErrorCode::kDenied;
    case absl::StatusCode::kUnavailable:
      return ErrorCode::kUnreachable;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kAlreadyExists:
      return ErrorCode::kRefused;
    case absl::StatusCode::kDeadlineExceeded:
      return ErrorCode::kTimeout;
    case absl::StatusCode::kUnimplemented:
      return ErrorCode::kUnsupported;
    case absl::StatusCode::kCancelled:
      return ErrorCode::kCancelled;
    default:
      return ErrorCode::kInternal;
  }
}

void ToProto(absl::Duration duration, google::protobuf::Duration* proto) {
  const int64_t nanos = absl::ToInt64Nanoseconds(duration);
  proto->set_seconds(nanos / 1000000000);
  proto->set_nanos(static_cast<int32_t>(nanos % 1000000000));
}

absl::Duration FromProto(const google::protobuf::Duration& proto) {
  return absl::Seconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
}

}  // namespace

bool IsRetryable(ErrorCode code) {
  return code == ErrorCode::kUnreachable || code == ErrorCode::kNoLeader ||
         code == ErrorCode::kTimeout;
}

const char* ToString(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInternal:
      return "ERROR";
    case ErrorCode::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case ErrorCode::kNotFound:
      return "NOT_FOUND";
    case ErrorCode::kNoCredentials:
      return "NO_CREDENTIALS";
    case ErrorCode::kDenied:
      return "DENIED";
    case ErrorCode::kUnreachable:
      return "UNREACHABLE";
    case ErrorCode::kUntrusted:
      return "UNTRUSTED";
    case ErrorCode::kNoLeader:
      return "NO_LEADER";
    case ErrorCode::kRefused:
      return "REFUSED";
    case ErrorCode::kTimeout:
      return "TIMEOUT";
    case ErrorCode::kUnsupported:
      return "UNSUPPORTED";
    case ErrorCode::kUnknownOutcome:
      return "UNKNOWN_OUTCOME";
    case ErrorCode::kCancelled:
      return "CANCELLED";
  }
  return "ERROR";
}

const char* ToString(Verdict verdict) {
  switch (verdict) {
    case Verdict::kUnresolvable:
      return "unresolvable";
    case Verdict::kUnreachable:
      return "unreachable";
    case Verdict::kRefused:
      return "refused";
    case Verdict::kNotTls:
      return "not-tls";
    case Verdict::kWrongCa:
      return "wrong-ca";
    case Verdict::kWrongNode:
      return "wrong-node";
    case Verdict::kExpired:
      return "expired";
    case Verdict::kRejectedOurCertificate:
      return "rejected-our-certificate";
    case Verdict::kFollower:
      return "follower";
    case Verdict::kLeader:
      return "leader";
    case Verdict::kStaleLeader:
      return "stale-leader";
    case Verdict::kUnproven:
      return "unproven";
    case Verdict::kFalseLeader:
      return "false-leader";
    case Verdict::kNoAddress:
      return "no-address";
    case Verdict::kSilent:
      return "silent";
    case Verdict::kUnknown:
      return "unknown";
  }
  return "unknown";
}

const char* ToString(Phase phase) {
  switch (phase) {
    case Phase::kResolve:
      return "resolve";
    case Phase::kConnect:
      return "connect";
    case Phase::kTls:
      return "tls";
    case Phase::kIdentity:
      return "identity";
    case Phase::kRole:
      return "role";
    case Phase::kRpc:
      return "rpc";
  }
  return "rpc";
}

Error DescribeError(const absl::Status& status) {
  Error error;
  error.code = NearestErrorCode(status.code());
  error.message = std::string(status.message());
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  v1::ErrorReport report;
  if (!payload.has_value() || !report.ParseFromString(std::string(*payload))) return error;

  error.code = static_cast<ErrorCode>(report.code());
  error.message = report.message();
  error.cause = report.cause();
  error.hints.assign(report.hints().begin(), report.hints().end());
  error.method = report.method();
  error.attempts = report.attempts();
  error.sent = report.sent();
  error.waited = FromProto(report.waited());
  for (const v1::EndpointReport& from : report.endpoints()) {
    EndpointReport endpoint;
    endpoint.address = from.address();
    endpoint.phase = static_cast<Phase>(from.phase());
    endpoint.verdict = static_cast<Verdict>(from.verdict());
    endpoint.detail = from.detail();
    endpoint.node_id = from.node_id();
    endpoint.leader_id = from.leader_id();
    endpoint.elapsed = FromProto(from.elapsed());
    endpoint.tries = from.tries();
    error.endpoints.push_back(std::move(endpoint));
  }
  return error;
}

absl::Status MakeError(const Error& error) {
  v1::ErrorReport report;
  report.set_code(static_cast<int>(error.code));
  report.set_message(error.message);
  report.set_cause(error.cause);
  for (const std::string& hint : error.hints) report.add_hints(hint);
  report.set_method(error.method);
  report.set_attempts(error.attempts);
  report.set_sent(error.sent);
  ToProto(error.waited, report.mutable_waited());
  for (const EndpointReport& from : error.endpoints) {
    v1::EndpointReport& endpoint = *report.add_endpoints();
    endpoint.set_address(from.address);
    endpoint.set_phase(static_cast<int>(from.phase));
    endpoint.set_verdict(static_cast<int>(from.verdict));
    endpoint.set_detail(from.detail);
    endpoint.set_node_id(from.node_id);
    endpoint.set_leader_id(from.leader_id);
    ToProto(from.elapsed, endpoint.mutable_elapsed());
    endpoint.set_tries(from.tries);
  }
  absl::Status status(NearestStatusCode(error.code), error.message);
  status.SetPayload(kPayloadUrl, absl::Cord(report.SerializeAsString()));
  return status;
}

}  // namespace curator
