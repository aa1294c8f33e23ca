#include "server/store/etcd_outcome.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace curatord {
namespace {

struct KnownText {
  absl::string_view text;  // part of the message
  EtcdCause cause;
};

// etcd's own words, as in its rpctypes; the codes beside them differ between
// versions. Texts that are part of another come later.
constexpr KnownText kKnownTexts[] = {
    {"etcdserver: no leader", EtcdCause::kNoLeader},
    {"etcdserver: not capable", EtcdCause::kNoLeader},
    {"etcdserver: rpc not supported for learner", EtcdCause::kNoLeader},
    {"etcdserver: too many requests", EtcdCause::kOverloaded},
    {"etcdserver: invalid auth token", EtcdCause::kTokenRefused},
    {"etcdserver: revision of auth store is old", EtcdCause::kTokenRefused},
    {"etcdserver: leader changed", EtcdCause::kLeaderChanged},
    {"etcdserver: authentication failed", EtcdCause::kCredentialsRefused},
    {"etcdserver: user name is empty", EtcdCause::kCredentialsRefused},
    {"etcdserver: user name not found", EtcdCause::kCredentialsRefused},
    {"etcdserver: authentication is not enabled", EtcdCause::kAuthDisabled},
    {"etcdserver: permission denied", EtcdCause::kDenied},
    {"etcdserver: requested lease not found", EtcdCause::kLeaseEnded},
    {"etcdserver: mvcc: required revision has been compacted", EtcdCause::kCompacted},
    {"etcdserver: mvcc: required revision is a future revision", EtcdCause::kFutureRevision},
    {"etcdserver: mvcc: database space exceeded", EtcdCause::kNoSpace},
    {"etcdserver: request is too large", EtcdCause::kInvalid},
    {"etcdserver: too many operations in txn request", EtcdCause::kInvalid},
    {"etcdserver: duplicate key given in txn request", EtcdCause::kInvalid},
    {"etcdserver: key is not provided", EtcdCause::kInvalid},
    {"etcdserver: too large lease TTL", EtcdCause::kInvalid},
    {"etcdserver: corrupt cluster", EtcdCause::kDamaged},
    // Not etcd's: gRPC's, of a request that never left (client), and of one that
    // its server did not take in.
    {"failed to connect to all addresses", EtcdCause::kNotSent},
    {"DNS resolution failed", EtcdCause::kNotSent},
    {"received message larger than max", EtcdCause::kInvalid},
};

}  // namespace

EtcdCause ClassifyEtcd(const grpc::Status& status) {
  if (status.ok()) return EtcdCause::kOk;
  for (const KnownText& known : kKnownTexts) {
    if (absl::StrContains(status.error_message(), known.text)) return known.cause;
  }
  switch (status.error_code()) {
    case grpc::StatusCode::UNIMPLEMENTED:
      return EtcdCause::kNotEtcd;
    case grpc::StatusCode::INVALID_ARGUMENT:
      return EtcdCause::kInvalid;
    case grpc::StatusCode::PERMISSION_DENIED:
      return EtcdCause::kDenied;
    case grpc::StatusCode::UNAUTHENTICATED:
      return EtcdCause::kTokenRefused;
    case grpc::StatusCode::DATA_LOSS:
      return EtcdCause::kDamaged;
    default:
      return EtcdCause::kMaybeExecuted;
  }
}

std::string EtcdCauseText(const grpc::Status& status) {
  const std::string message = status.error_message();
  absl::string_view text = message;
  if (const size_t last = text.rfind("last error: "); last != absl::string_view::npos) {
    text.remove_prefix(last + absl::string_view("last error: ").size());
  }
  // "UNKNOWN: ipv4:127.0.0.1:2379: Failed to connect to remote host: Connection refused".
  if (const size_t host = text.rfind("remote host: "); host != absl::string_view::npos) {
    text.remove_prefix(host + absl::string_view("remote host: ").size());
  }
  absl::ConsumePrefix(&text, "etcdserver: ");
  if (text == "user name is empty") return "it wants a user: give user=NAME&password-file=FILE";
  if (!text.empty()) return std::string(text);
  return status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED
             ? "no answer in time"
             : absl::StrCat("status code ", status.error_code());
}

absl::Status EtcdError(EtcdCause cause, absl::string_view what, absl::string_view text) {
  const std::string message = absl::StrCat(what, ": ", text);
  switch (cause) {
    case EtcdCause::kOk:
      return absl::OkStatus();
    case EtcdCause::kMaybeExecuted:
      return absl::UnknownError(message);
    case EtcdCause::kCredentialsRefused:
      return absl::UnauthenticatedError(message);
    case EtcdCause::kDenied:
      return absl::PermissionDeniedError(message);
    case EtcdCause::kLeaseEnded:
      return absl::NotFoundError(message);
    case EtcdCause::kCompacted:
      return absl::OutOfRangeError(message);
    case EtcdCause::kInvalid:
      return absl::InvalidArgumentError(message);
    case EtcdCause::kNoSpace:
      return absl::ResourceExhaustedError(message);
    case EtcdCause::kDamaged:
      return absl::DataLossError(message);
    case EtcdCause::kAuthDisabled:
      return absl::FailedPreconditionError(message);
    case EtcdCause::kNotEtcd:
      return absl::FailedPreconditionError(absl::StrCat(message, " (is this an etcd?)"));
    case EtcdCause::kNotSent:
    case EtcdCause::kNoLeader:
    case EtcdCause::kOverloaded:
    case EtcdCause::kTokenRefused:
    case EtcdCause::kLeaderChanged:
    case EtcdCause::kFutureRevision:
      return absl::UnavailableError(message);
  }
  return absl::UnknownError(message);
}

}  // namespace curatord
