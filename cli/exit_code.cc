#include "cli/exit_code.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace curator::cli {
namespace {

constexpr char kPayload[] = "curatorctl/exit-code";

}  // namespace

const char* ToString(ExitCode code) {
  switch (code) {
    case ExitCode::kOk:
      return "OK";
    case ExitCode::kError:
      return "ERROR";
    case ExitCode::kUsage:
      return "USAGE";
    case ExitCode::kNotFound:
      return "NOT_FOUND";
    case ExitCode::kNoCredentials:
      return "NO_CREDENTIALS";
    case ExitCode::kDenied:
      return "DENIED";
    case ExitCode::kUnreachable:
      return "UNREACHABLE";
    case ExitCode::kUntrusted:
      return "UNTRUSTED";
    case ExitCode::kNoLeader:
      return "NO_LEADER";
    case ExitCode::kRefused:
      return "REFUSED";
    case ExitCode::kTimeout:
      return "TIMEOUT";
    case ExitCode::kPartial:
      return "PARTIAL";
    case ExitCode::kUnsupported:
      return "UNSUPPORTED";
    case ExitCode::kNotConfirmed:
      return "NOT_CONFIRMED";
    case ExitCode::kUnknownOutcome:
      return "UNKNOWN_OUTCOME";
    case ExitCode::kUnhealthy:
      return "UNHEALTHY";
    case ExitCode::kInterrupted:
      return "INTERRUPTED";
    case ExitCode::kClosedPipe:
      return "CLOSED_PIPE";
    case ExitCode::kTerminated:
      return "TERMINATED";
  }
  return "ERROR";
}

const std::vector<ExitCodeMeaning>& ExitCodeMeanings() {
  static const auto* meanings = new std::vector<ExitCodeMeaning>{
      {ExitCode::kOk, "done, or already so", ""},
      {ExitCode::kError, "unexpected failure", "?"},
      {ExitCode::kUsage, "bad flag, argument, filter or config file", "no"},
      {ExitCode::kNotFound, "a named object does not exist", "no"},
      {ExitCode::kNoCredentials, "client certificate missing, expired or rejected", "no"},
      {ExitCode::kDenied, "authenticated, not permitted", "no"},
      {ExitCode::kUnreachable, "no endpoint answered", "yes"},
      {ExitCode::kUntrusted, "CA or node identity mismatch, or trust undecided", "no"},
      {ExitCode::kNoLeader, "curators answer, none leads", "yes"},
      {ExitCode::kRefused, "precondition or conflict", "no"},
      {ExitCode::kTimeout, "deadline passed with the condition unmet", "yes"},
      {ExitCode::kPartial, "some items of a bulk command failed", "per item"},
      {ExitCode::kUnsupported, "this server lacks the call", "no"},
      {ExitCode::kNotConfirmed, "declined, or a question with no terminal to ask", "no"},
      {ExitCode::kUnknownOutcome, "sent, answer lost, reading back failed", "look first"},
      {ExitCode::kUnhealthy, "doctor, cluster status, --fail-empty: something is wrong", ""},
      {ExitCode::kInterrupted, "SIGINT", ""},
      {ExitCode::kClosedPipe, "closed pipe (quietly)", ""},
      {ExitCode::kTerminated, "SIGTERM", ""},
  };
  return *meanings;
}

bool IsRetryable(ExitCode code) {
  return code == ExitCode::kUnreachable || code == ExitCode::kNoLeader ||
         code == ExitCode::kTimeout;
}

ExitCode FromErrorCode(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInternal:
      return ExitCode::kError;
    case ErrorCode::kInvalidArgument:
      return ExitCode::kUsage;
    case ErrorCode::kNotFound:
      return ExitCode::kNotFound;
    case ErrorCode::kNoCredentials:
      return ExitCode::kNoCredentials;
    case ErrorCode::kDenied:
      return ExitCode::kDenied;
    case ErrorCode::kUnreachable:
      return ExitCode::kUnreachable;
    case ErrorCode::kUntrusted:
      return ExitCode::kUntrusted;
    case ErrorCode::kNoLeader:
      return ExitCode::kNoLeader;
    case ErrorCode::kRefused:
      return ExitCode::kRefused;
    case ErrorCode::kTimeout:
      return ExitCode::kTimeout;
    case ErrorCode::kUnsupported:
      return ExitCode::kUnsupported;
    case ErrorCode::kUnknownOutcome:
      return ExitCode::kUnknownOutcome;
    case ErrorCode::kCancelled:
      return ExitCode::kInterrupted;
  }
  return ExitCode::kError;
}

absl::Status Failure(ExitCode code, const Error& error) {
  absl::Status status = MakeError(error);
  status.SetPayload(kPayload, absl::Cord(absl::StrCat(static_cast<int>(code))));
  return status;
}

absl::Status Failure(ExitCode code, std::string message, std::string cause,
                     std::vector<std::string> hints) {
  Error error;
  error.message = std::move(message);
  error.cause = std::move(cause);
  error.hints = std::move(hints);
  return Failure(code, error);
}

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return ExitCode::kOk;
  if (const absl::optional<absl::Cord> payload = status.GetPayload(kPayload); payload.has_value()) {
    int number = 0;
    if (absl::SimpleAtoi(std::string(*payload), &number)) return static_cast<ExitCode>(number);
  }
  return FromErrorCode(DescribeError(status).code);
}

}  // namespace curator::cli
