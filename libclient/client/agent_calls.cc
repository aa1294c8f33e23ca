#include "libclient/client/agent_calls.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "curator/error.h"
#include "libclient/net/cancellation.h"
#include "libclient/net/monotonic.h"
#include "libclient/net/pause.h"
#include "libclient/net/search_error.h"

namespace curator {
namespace {

// One attempt may take this long. Shorter than any failover it would have to ride
// out, so that a leader that went silent is noticed without keepalive pings.
constexpr absl::Duration kAttemptSpan = absl::Seconds(10);

bool IsPowerOfTwo(int count) { return (count & (count - 1)) == 0; }

}  // namespace

bool PauseFor(absl::Duration delay, core::Instant deadline, const std::stop_token& stop) {
  net::PauseFor(std::min(delay, core::Until(deadline, net::Now())), {stop});
  return net::Now() < deadline && !stop.stop_requested();
}

absl::Duration FailureStreak::Add(absl::string_view doing, const absl::Status& status) {
  ++failures_;
  if (IsPowerOfTwo(failures_)) {
    log_(absl::StrCat(doing, " failed",
                      failures_ == 1 ? "" : absl::StrCat(" ", failures_, " times"),
                      ", trying again: ", status.message()));
  }
  return backoff_.Next(absl::Uniform(random_, 0.0, 1.0));
}

void FailureStreak::Reset() {
  failures_ = 0;
  backoff_.Reset();
}

bool IsFinal(const absl::Status& status, Patience patience) {
  switch (DescribeError(status).code) {
    case ErrorCode::kUnreachable:
    case ErrorCode::kNoLeader:
    case ErrorCode::kTimeout:
    case ErrorCode::kUnknownOutcome:
    case ErrorCode::kInternal:
      return false;
    case ErrorCode::kUntrusted:
      return patience == Patience::kUntilRefused && !net::MayBeProvedYet(DescribeError(status));
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kNoCredentials:
    case ErrorCode::kDenied:
    case ErrorCode::kRefused:
    case ErrorCode::kUnsupported:
    case ErrorCode::kCancelled:
      return true;
  }
  return true;
}

absl::Status CallPatiently(net::LeaderFinder& finder, const net::CallContext& context,
                           Patience patience, const FailureStreak::Log& log,
                           absl::string_view method, const google::protobuf::Message& request,
                           google::protobuf::Message* response, net::CallTrace* trace) {
  FailureStreak failures(log);
  net::CallTrace own;
  net::CallTrace& last = trace != nullptr ? *trace : own;
  for (;;) {
    net::CallContext attempt = context;
    attempt.deadline = std::min(context.deadline, core::After(net::Now(), kAttemptSpan));
    last = net::CallTrace();
    absl::Status status = net::CallLeader(finder, attempt, method, request, response, &last);
    // A store that is full says nothing of this node, and will have room again.
    const bool is_final = IsFinal(status, patience) && last.cause != core::Cause::kStoreFull;
    if (status.ok() || is_final || net::Now() >= context.deadline) return status;
    if (DescribeError(status).code == ErrorCode::kTimeout && last.leader.channel != nullptr) {
      finder.ReportBroken(last.leader, "no answer in time");
    }
    if (!PauseFor(failures.Add(method, status), context.deadline,
                  net::TokenOf(context.cancellation)) &&
        context.cancellation.has_value() && context.cancellation->cancelled()) {
      Error error;
      error.code = ErrorCode::kCancelled;
      error.message = "cancelled";
      error.cause = std::string(status.message());
      return MakeError(error);
    }
  }
}

}  // namespace curator
