#include "libclient/core/call_outcome.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "libclient/core/error_info.h"

namespace curator::core {
namespace {

// grpc::StatusCode, by number: this directory does not know gRPC.
enum Code {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kUnauthenticated = 16,
};

absl::optional<google::rpc::ErrorInfo> CuratorErrorInfo(absl::string_view details) {
  google::rpc::Status status;
  if (details.empty() || !status.ParseFromArray(details.data(), static_cast<int>(details.size()))) {
    return absl::nullopt;
  }
  for (const auto& detail : status.details()) {
    google::rpc::ErrorInfo info;
    if (detail.UnpackTo(&info) && info.domain() == kErrorDomain) return info;
  }
  return absl::nullopt;
}

absl::optional<Cause> CauseOfReason(absl::string_view reason) {
  if (reason == kReasonNotLeader) return Cause::kNotLeader;
  if (reason == kReasonLostLeadership) return Cause::kLostLeadership;
  if (reason == kReasonOutcomeUnknown) return Cause::kOutcomeUnknown;
  if (reason == kReasonStoreUnavailable) return Cause::kStoreUnavailable;
  if (reason == kReasonStoreFull) return Cause::kStoreFull;
  if (reason == kReasonUnsupported) return Cause::kUnsupported;
  return absl::nullopt;
}

OwnNode OwnNodeOf(absl::string_view text) {
  if (text == kOwnNodeDeleted) return OwnNode::kDeleted;
  if (text == kOwnNodeDecommissioned) return OwnNode::kDecommissioned;
  return OwnNode::kNotTold;
}

// Texts of servers of the existing system, which send no ErrorInfo.
constexpr char kLostLeadershipText[] = "lost leadership";
// Of followers, ours among them: "the leader metropolis-… has not told its address".
constexpr char kNoLeaderAddressText[] = "has not told its address";

// Lost leadership under a code that would otherwise be final.
bool IsDisguisedLostLeadership(const StatusView& status, absl::string_view method) {
  if (!absl::StrContains(status.message, kLostLeadershipText)) return false;
  switch (status.code) {
    case kInvalidArgument:
      return absl::StartsWith(status.message, "while loading node") &&
             (absl::EndsWith(method, ".UpdateNodeRoles") || absl::EndsWith(method, ".DeleteNode") ||
              absl::EndsWith(method, ".UpdateNodeLabels"));
    case kInternal:
      return absl::EndsWith(method, ".ConfigureCluster");
    default:
      return false;
  }
}

// UNAVAILABLE that repeating does not cure.
absl::optional<Cause> FinalUnavailable(const StatusView& status, absl::string_view method) {
  if (absl::EndsWith(method, ".UpdateNodeRoles") &&
      absl::StartsWith(status.message, "could not add node: ")) {
    return Cause::kFailed;  // etcd refused the member
  }
  if (absl::EndsWith(method, ".GetNodes") &&
      (absl::StartsWith(status.message, "couldn't evaluate the filter expression") ||
       absl::StartsWith(status.message, "couldn't create the filter program"))) {
    return Cause::kInvalidArgument;
  }
  return absl::nullopt;
}

// Texts of gRPC itself for a request that never left.
bool IsNotSent(absl::string_view message) {
  return absl::StrContains(message, "failed to connect to all addresses") ||
         absl::StrContains(message, "DNS resolution failed") ||
         absl::StrContains(message, "empty address list");
}

// Statuses that gRPC makes up when a stream ends without trailers. That of a stream that
// was reset depends on the reset's code: with 11, ENHANCE_YOUR_CALM, which a server sends
// that has no memory for it, RESOURCE_EXHAUSTED; with 12 PERMISSION_DENIED. None of them
// says how far the request had come.
bool IsBrokenStream(const StatusView& status) {
  switch (status.code) {
    case kUnknown:
      return absl::StrContains(status.message, "Stream removed");
    case kInternal:
    case kResourceExhausted:
    case kPermissionDenied:
      return absl::StrContains(status.message, "RST_STREAM");
    default:
      return false;
  }
}

Cause CauseOfStatus(const StatusView& status, absl::string_view method, bool cancelled_by_us) {
  if (IsDisguisedLostLeadership(status, method)) return Cause::kLostLeadership;
  if (IsBrokenStream(status)) return Cause::kBroken;
  switch (status.code) {
    case kCancelled:
      return cancelled_by_us ? Cause::kCancelled : Cause::kBroken;
    case kUnavailable:
      if (absl::EndsWith(status.message, kLostLeadershipText)) return Cause::kLostLeadership;
      if (const auto cause = FinalUnavailable(status, method); cause.has_value()) return *cause;
      return IsNotSent(status.message) ? Cause::kNotSent : Cause::kBroken;
    case kUnimplemented:
      return Cause::kUnimplemented;
    case kDeadlineExceeded:
      return Cause::kTimedOut;
    case kUnauthenticated:
      return Cause::kRejectedCredentials;
    case kPermissionDenied:
      return Cause::kDenied;
    case kNotFound:
      return Cause::kNotFound;
    case kFailedPrecondition:
    case kAborted:
    case kAlreadyExists:
      return Cause::kRefused;
    case kInvalidArgument:
    case kOutOfRange:
      return Cause::kInvalidArgument;
    case kResourceExhausted:
      // A filter that takes too much work is what the caller can change.
      return absl::StartsWith(status.message, "filter:") ? Cause::kInvalidArgument : Cause::kFailed;
    default:
      return Cause::kFailed;
  }
}

}  // namespace

const char* ToString(Cause cause) {
  switch (cause) {
    case Cause::kOk:
      return "ok";
    case Cause::kNotSent:
      return "not sent";
    case Cause::kNotLeader:
      return "not the leader";
    case Cause::kLostLeadership:
      return "lost leadership";
    case Cause::kStoreUnavailable:
      return "store unavailable";
    case Cause::kUnimplemented:
      return "unimplemented";
    case Cause::kBroken:
      return "connection broken";
    case Cause::kOutcomeUnknown:
      return "outcome unknown";
    case Cause::kTimedOut:
      return "timed out";
    case Cause::kCancelled:
      return "cancelled";
    case Cause::kRejectedCredentials:
      return "credentials rejected";
    case Cause::kDenied:
      return "denied";
    case Cause::kNotFound:
      return "not found";
    case Cause::kRefused:
      return "refused";
    case Cause::kStoreFull:
      return "store full";
    case Cause::kInvalidArgument:
      return "invalid argument";
    case Cause::kUnsupported:
      return "unsupported";
    case Cause::kFailed:
      return "failed";
  }
  return "unknown cause";
}

bool CallOutcome::maybe_executed() const {
  switch (cause) {
    case Cause::kBroken:
    case Cause::kOutcomeUnknown:
    case Cause::kTimedOut:
    case Cause::kCancelled:
      return true;
    default:
      return false;
  }
}

CallOutcome Classify(const StatusView& status, absl::string_view method, bool cancelled_by_us) {
  CallOutcome outcome;
  if (status.code == kOk) return outcome;
  outcome.detail = std::string(status.message);
  if (const auto info = CuratorErrorInfo(status.details); info.has_value()) {
    const auto& metadata = info->metadata();
    if (const auto it = metadata.find(kLeaderIdKey); it != metadata.end()) {
      outcome.leader_id = it->second;
    }
    if (const auto it = metadata.find(kLeaderAddressKey); it != metadata.end()) {
      outcome.leader_address = it->second;
    }
    if (const auto it = metadata.find(kTermKey); it != metadata.end()) {
      if (!absl::SimpleAtoi(it->second, &outcome.term)) outcome.term = 0;
    }
    if (const auto it = metadata.find(kOwnNodeKey); it != metadata.end()) {
      outcome.own_node = OwnNodeOf(it->second);
    }
    if (const auto cause = CauseOfReason(info->reason()); cause.has_value()) {
      outcome.cause = *cause;
      return outcome;
    }
  }
  outcome.cause = CauseOfStatus(status, method, cancelled_by_us);
  return outcome;
}

ErrorCode ToErrorCode(Cause cause) {
  switch (cause) {
    case Cause::kNotSent:
    case Cause::kBroken:
      return ErrorCode::kUnreachable;
    case Cause::kNotLeader:
    case Cause::kLostLeadership:
    case Cause::kStoreUnavailable:
      return ErrorCode::kNoLeader;
    case Cause::kOutcomeUnknown:
      return ErrorCode::kUnknownOutcome;
    case Cause::kTimedOut:
      return ErrorCode::kTimeout;
    case Cause::kCancelled:
      return ErrorCode::kCancelled;
    case Cause::kRejectedCredentials:
      return ErrorCode::kNoCredentials;
    case Cause::kDenied:
      return ErrorCode::kDenied;
    case Cause::kNotFound:
      return ErrorCode::kNotFound;
    case Cause::kRefused:
    case Cause::kStoreFull:
      return ErrorCode::kRefused;
    case Cause::kInvalidArgument:
      return ErrorCode::kInvalidArgument;
    case Cause::kUnimplemented:
    case Cause::kUnsupported:
      return ErrorCode::kUnsupported;
    case Cause::kOk:
    case Cause::kFailed:
      return ErrorCode::kInternal;
  }
  return ErrorCode::kInternal;
}

DialOutcome ClassifyDial(const StatusView& status, bool tls_done) {
  DialOutcome outcome;
  const absl::string_view text = status.message;
  outcome.detail = std::string(text);
  if (absl::StrContains(text, "DNS resolution failed")) {
    outcome.phase = Phase::kResolve;
    outcome.verdict = Verdict::kUnresolvable;
    outcome.detail = "the name has no address";
    return outcome;
  }
  if (tls_done) {
    // Connected and trusted, then the stream ended: a curator that stops, or one that
    // cannot say where the leader is.
    outcome.phase = Phase::kRole;
    if (absl::EndsWith(text, kNoLeaderAddressText)) {
      outcome.verdict = Verdict::kNoAddress;
      return outcome;
    }
    outcome.verdict = status.code == kDeadlineExceeded ? Verdict::kSilent : Verdict::kUnknown;
    if (outcome.verdict == Verdict::kSilent) outcome.detail = "no answer to GetCurrentLeader";
    return outcome;
  }
  if (absl::StrContains(text, "Connection refused")) {
    outcome.verdict = Verdict::kRefused;
    outcome.detail = "connection refused";
  } else if (absl::StrContains(text, "wrong version number") ||
             absl::StrContains(text, "WRONG_VERSION_NUMBER") ||
             absl::StrContains(text, "http request") || absl::StrContains(text, "no protocols")) {
    outcome.phase = Phase::kTls;
    outcome.verdict = Verdict::kNotTls;
    outcome.detail = "what listens there does not speak TLS";
  } else if (absl::StrContains(text, "No route to host") ||
             absl::StrContains(text, "Network is unreachable") ||
             absl::StrContains(text, "Host is down")) {
    outcome.verdict = Verdict::kUnreachable;
    outcome.detail =
        absl::StrContains(text, "No route") ? "no route to host" : "network unreachable";
  } else if (status.code == kDeadlineExceeded || absl::StrContains(text, "timed out") ||
             absl::StrContains(text, "Timeout") || absl::StrContains(text, "timeout")) {
    outcome.verdict = Verdict::kUnreachable;
    outcome.detail = "no answer in time";
  } else if (absl::StrContains(text, "andshake") || absl::StrContains(text, "Socket closed") ||
             absl::StrContains(text, "EOF")) {
    outcome.phase = Phase::kTls;
    outcome.verdict = Verdict::kNotTls;
    outcome.detail = "closes the connection during the TLS handshake";
  }
  return outcome;
}

bool IsUntrusted(Verdict verdict) {
  return verdict == Verdict::kWrongCa || verdict == Verdict::kWrongNode ||
         verdict == Verdict::kExpired;
}

bool IsUnproven(Verdict verdict) {
  return verdict == Verdict::kUnproven || verdict == Verdict::kFalseLeader;
}

bool MayComeUp(Verdict verdict) {
  return verdict != Verdict::kUnresolvable && !IsUntrusted(verdict);
}

}  // namespace curator::core
