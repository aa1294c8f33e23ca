#include "server/explained.h"

#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "curator/error.h"
#include "server/log.h"

namespace curatord {
namespace {

constexpr char kWhy[] = "curatord/why";
constexpr char kDo[] = "curatord/do";
constexpr char kLibraryPayload[] = "type.googleapis.com/curator.v1.ErrorReport";

struct Parts {
  std::string what;
  std::string why;
  std::string what_to_do;
};

Parts PartsOf(const absl::Status& status) {
  Parts parts;
  parts.what = std::string(status.message());
  if (status.GetPayload(kLibraryPayload).has_value()) {
    const curator::Error error = curator::DescribeError(status);
    parts.what = error.message;
    parts.why = error.cause;
    parts.what_to_do = absl::StrJoin(error.hints, "; ");
  }
  if (auto why = status.GetPayload(kWhy); why.has_value()) parts.why = std::string(*why);
  if (auto what_to_do = status.GetPayload(kDo); what_to_do.has_value()) {
    parts.what_to_do = std::string(*what_to_do);
  }
  return parts;
}

}  // namespace

absl::Status Explained(absl::Status status, absl::string_view why, absl::string_view what_to_do) {
  if (status.ok()) return status;
  status.SetPayload(kWhy, absl::Cord(why));
  status.SetPayload(kDo, absl::Cord(what_to_do));
  return status;
}

std::string ExplainedText(const absl::Status& status) {
  const Parts parts = PartsOf(status);
  std::string text = absl::StrCat("error: ", parts.what, "\n");
  if (!parts.why.empty()) absl::StrAppend(&text, "  why:   ", parts.why, "\n");
  if (!parts.what_to_do.empty()) absl::StrAppend(&text, "  do:    ", parts.what_to_do, "\n");
  return text;
}

void LogExplained(const absl::Status& status) {
  const Parts parts = PartsOf(status);
  LogError(parts.what, {{"why", parts.why}, {"do", parts.what_to_do}});
}

int ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return 0;
  if (status.GetPayload(kLibraryPayload).has_value()) {
    switch (curator::DescribeError(status).code) {
      case curator::ErrorCode::kInvalidArgument:
        return 2;
      case curator::ErrorCode::kNotFound:
        return 3;
      case curator::ErrorCode::kNoCredentials:
        return 4;
      case curator::ErrorCode::kDenied:
        return 5;
      case curator::ErrorCode::kUnreachable:
        return 6;
      case curator::ErrorCode::kUntrusted:
        return 7;
      case curator::ErrorCode::kNoLeader:
        return 8;
      case curator::ErrorCode::kRefused:
        return 9;
      case curator::ErrorCode::kTimeout:
        return 10;
      case curator::ErrorCode::kUnsupported:
        return 12;
      case curator::ErrorCode::kUnknownOutcome:
        return 14;
      case curator::ErrorCode::kCancelled:
      case curator::ErrorCode::kInternal:
        return 1;
    }
  }
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return 2;
    case absl::StatusCode::kNotFound:
      return 3;
    case absl::StatusCode::kUnauthenticated:
      return 4;
    case absl::StatusCode::kPermissionDenied:
      return 5;
    case absl::StatusCode::kUnavailable:
      return 6;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
      return 9;
    default:
      return 1;
  }
}

}  // namespace curatord
