#include "libclient/net/leader_call.h"

#include <map>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "libclient/core/backoff.h"
#include "libclient/core/call_outcome.h"
#include "libclient/core/error_info.h"
#include "libclient/core/retry_policy.h"
#include "libclient/identity/key.h"
#include "libclient/net/attempt.h"
#include "libclient/net/cancellation.h"
#include "libclient/net/leader_channels.h"
#include "libclient/net/leader_confirmation.h"
#include "libclient/net/monotonic.h"
#include "libclient/net/pause.h"
#include "libclient/net/search_error.h"

namespace curator::net {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using google::protobuf::MethodOptions;

class LogicalCall;

// One attempt with this leader.
using Attempt = std::function<grpc::Status(LogicalCall& call, const LeaderConnection& leader,
                                           const std::shared_ptr<grpc::Channel>& channel,
                                           const std::string& path, const AttemptOptions& options)>;

core::Idempotency IdempotencyOf(const MethodDescriptor& method) {
  switch (method.options().idempotency_level()) {
    case MethodOptions::NO_SIDE_EFFECTS:
      return core::Idempotency::kNoSideEffects;
    case MethodOptions::IDEMPOTENT:
      return core::Idempotency::kIdempotent;
    default:
      return core::Idempotency::kAtMostOnce;
  }
}

// One logical call: the loop of attempts and what it has learnt so far.
class LogicalCall {
 public:
  // `fallback`: what is called where a leader lacks `method`; null: nothing.
  LogicalCall(LeaderFinder& finder, const CallContext& context, const MethodDescriptor& method,
              const MethodDescriptor* fallback, CallTrace& trace)
      : finder_(finder),
        operation_(finder),
        context_(context),
        preferred_(&method),
        fallback_(fallback),
        stop_(TokenOf(context.cancellation)),
        shutdown_(finder.shutdown_token()),
        request_id_(absl::BytesToHexString(identity::RandomBytes(16))),
        trace_(trace) {}

  // A stream has brought a message: what waited for a leader waits no more.
  void OnStanding(const LeaderConnection& leader) {
    finder_.ReportConfirmed(leader);
    finder_.EarnRetry();
    operation_.CeaseToWait();
  }

  // Of a message of the attempt that is under way. Not OK: whatever becomes of the attempt,
  // the call ends with this.
  bool GoesOn(absl::Status handled) {
    if (handled.ok()) return true;
    abandoned_ = std::move(handled);
    return false;
  }

  // The attempt is one of the fallback.
  bool falls_back() const { return method_ == fallback_; }

  absl::Status Run(const Attempt& attempt) {
    while (true) {
      operation_.Wait();
      absl::StatusOr<LeaderConnection> leader = finder_.WaitForLeader(context_.deadline, stop_);
      if (!leader.ok()) return WithoutLeader(leader.status());
      if (fallback_ != nullptr) {
        method_ = finder_.Lacks(*leader, preferred_->full_name()) ? fallback_ : preferred_;
      }
      const core::CallOutcome outcome = AttemptOnce(attempt, *leader);
      if (outcome.maybe_executed()) trace_.maybe_executed = true;
      trace_.own_node = outcome.own_node;
      trace_.cause = outcome.cause;
      if (!abandoned_.ok()) return abandoned_;

      switch (core::Decide(outcome.cause, idempotency())) {
        case core::Decision::kSucceed:
          finder_.ReportConfirmed(*leader);
          finder_.EarnRetry();
          return absl::OkStatus();
        case core::Decision::kFail:
          return Settle(outcome.cause, outcome);
        case core::Decision::kUnknownOutcome:
          if (outcome.cause == core::Cause::kBroken) finder_.ReportBroken(*leader, outcome.detail);
          return Settle(core::Cause::kOutcomeUnknown, outcome);
        case core::Decision::kAskWhetherItLeads:
          if (fallback_ != nullptr && !falls_back()) {
            // Leader or not, it lacks this one; the other will tell.
            finder_.ReportLacking(*leader, preferred_->full_name());
            continue;
          }
          if (LeadsWithoutTheMethod(*leader)) return Settle(core::Cause::kUnsupported, outcome);
          finder_.ReportRefuted(*leader);
          break;
        case core::Decision::kTryNextLeader:
          Leave(*leader, outcome);
          break;
        case core::Decision::kTryAgain:
          if (Now() >= context_.deadline) return Settle(core::Cause::kTimedOut, outcome);
          Pause(backoff_.Next(Uniform()), leader->superseded);
          break;
      }
      if (!finder_.SpendRetry()) Pause(core::Backoff::kMax * Uniform(), leader->superseded);
    }
  }

 private:
  core::CallOutcome AttemptOnce(const Attempt& attempt, const LeaderConnection& leader) {
    ++trace_.attempts;
    trace_.leader = leader;
    trace_.sent_term = std::max(trace_.sent_term, leader.term);
    AttemptOptions options;
    options.deadline = context_.deadline;
    options.stops = {stop_, shutdown_};
    // A request that must not be repeated is left to run its course.
    if (idempotency() != core::Idempotency::kAtMostOnce) options.stops.push_back(leader.superseded);
    options.metadata = {{core::kRequestIdMetadata, request_id_}};
    const std::string path =
        absl::StrCat("/", method_->service()->full_name(), "/", method_->name());
    const std::unique_ptr<LeaderChannels::Place> place =
        leader.channels->Take(options.deadline, options.stops);
    const grpc::Status status = attempt(*this, leader, place->channel(), path, options);
    const std::string message = status.error_message();
    const std::string details = status.error_details();
    const bool cancelled_by_us = stop_.stop_requested() || shutdown_.stop_requested();
    return core::Classify({status.error_code(), message, details}, method_->full_name(),
                          cancelled_by_us);
  }

  void Leave(const LeaderConnection& leader, const core::CallOutcome& outcome) {
    if (outcome.cause == core::Cause::kNotLeader || outcome.cause == core::Cause::kLostLeadership) {
      finder_.ReportRefuted(leader, outcome.leader_id, outcome.leader_address);
    } else {
      finder_.ReportBroken(leader, outcome.detail);
    }
  }

  // UNIMPLEMENTED is what a follower of the existing system answers to all, and
  // a leader to what it lacks. Only a node that says so again on a new
  // connection, on which it claimed to lead and then proved it, lacks it.
  bool LeadsWithoutTheMethod(const LeaderConnection& leader) {
    const uint64_t before = std::exchange(lacks_[leader.node_id], leader.dial_id);
    if (before == 0 || before == leader.dial_id) return false;
    const absl::optional<Identity>& identity = finder_.options().identity;
    if (!identity.has_value() || identity->is_ephemeral()) return true;  // cannot ask
    AttemptOptions options;
    options.deadline = context_.deadline;
    options.stops = {stop_, shutdown_, leader.superseded};
    return ConfirmLeads(leader.channel, options);
  }

  absl::Status WithoutLeader(const absl::Status& status) {
    Error error = DescribeError(status);
    error.method = MethodName();
    error.attempts = trace_.attempts;
    error.sent = trace_.maybe_executed;
    error.waited = core::Elapsed(began_at_, Now());
    if (trace_.maybe_executed && error.code != ErrorCode::kCancelled &&
        idempotency() != core::Idempotency::kNoSideEffects) {
      error.code = ErrorCode::kUnknownOutcome;
      error.cause = absl::StrCat("the answer was lost, and then: ", error.message);
      error.message = absl::StrCat("it is not known whether ", MethodName(), " was carried out");
      error.hints = {"look at the state before trying again"};
    }
    return MakeError(error);
  }

  absl::Status Settle(core::Cause cause, const core::CallOutcome& outcome) {
    if (cause == core::Cause::kTimedOut && idempotency() != core::Idempotency::kNoSideEffects) {
      cause = core::Cause::kOutcomeUnknown;
    }
    Error error;
    error.code = core::ToErrorCode(cause);
    error.method = MethodName();
    error.attempts = trace_.attempts;
    error.sent = true;
    error.waited = core::Elapsed(began_at_, Now());
    const std::string& leader = trace_.leader.node_id;
    switch (error.code) {
      case ErrorCode::kTimeout:
        error.endpoints = finder_.Reports();
        error.message = absl::StrCat(leader, " did not answer ", MethodName(), " in time");
        error.cause = "the leader is connected, but slow or stuck";
        error.hints = {"try again with more time"};
        break;
      case ErrorCode::kUnknownOutcome:
        error.endpoints = finder_.Reports();
        error.message = absl::StrCat("it is not known whether ", MethodName(), " was carried out");
        error.cause = absl::StrCat("the answer of ", leader, " was lost: ", outcome.detail);
        error.hints = {"look at the state before trying again"};
        break;
      case ErrorCode::kUnsupported:
        error.message = absl::StrCat("this server does not offer ", MethodName());
        error.cause = outcome.detail;
        break;
      case ErrorCode::kCancelled:
        error.message = "cancelled";
        break;
      case ErrorCode::kNoCredentials:
        error.cause = outcome.detail;
        if (!finder_.options().identity.has_value()) {
          error.message =
              absl::StrCat(leader, " asks for a client certificate, and none was given");
          break;
        }
        error.message = absl::StrCat(leader, " does not accept our certificate");
        error.hints = {
            "check the client certificate: it must be of this cluster, in date, and not replaced"};
        error.endpoints = finder_.Reports();
        MarkRejected(error.endpoints);
        break;
      case ErrorCode::kDenied:
        error.message = absl::StrCat("not permitted: ", outcome.detail);
        error.cause = absl::StrCat("the leader knows who asks, and ", MethodName(),
                                   " is not for this certificate or key");
        error.hints = {"use the certificate or key of somebody who may"};
        break;
      default:
        error.message = outcome.detail;
        if (cause == core::Cause::kStoreFull) {
          error.cause = "nothing was changed: the store takes no writes until it has room again";
          error.hints = {
              "make room in the store: of etcd, compact and defragment it, then disarm "
              "its alarm"};
        }
        break;
    }
    return MakeError(error);
  }

  void MarkRejected(std::vector<EndpointReport>& endpoints) const {
    for (EndpointReport& endpoint : endpoints) {
      if (endpoint.address != trace_.leader.endpoint.ToString()) continue;
      endpoint.phase = Phase::kRpc;
      endpoint.verdict = Verdict::kRejectedOurCertificate;
      endpoint.detail.clear();  // of what it said before
    }
  }

  // As people know it: "Management.GetNodes".
  std::string MethodName() const {
    return absl::StrCat(method_->service()->name(), ".", method_->name());
  }

  void Pause(absl::Duration delay, const std::stop_token& superseded) {
    PauseFor(std::min(delay, core::Until(context_.deadline, Now())),
             {stop_, shutdown_, superseded});
  }

  core::Idempotency idempotency() const { return IdempotencyOf(*method_); }

  double Uniform() { return absl::Uniform<double>(random_, 0, 1); }

  LeaderFinder& finder_;
  LeaderFinder::Operation operation_;
  const CallContext& context_;
  const MethodDescriptor* const preferred_;
  const MethodDescriptor* const fallback_;
  // Of the attempt; before the first, what every server has.
  const MethodDescriptor* method_ = fallback_ != nullptr ? fallback_ : preferred_;
  const std::stop_token stop_;
  const std::stop_token shutdown_;
  const std::string request_id_;
  const core::Instant began_at_ = Now();
  CallTrace& trace_;

  absl::Status abandoned_;
  core::Backoff backoff_;
  std::map<std::string, uint64_t> lacks_;  // node id to dial that said UNIMPLEMENTED
  absl::BitGen random_;
};

// Fails if there is no method of that name with these messages.
absl::StatusOr<const MethodDescriptor*> FindMethod(absl::string_view name, const Message& request,
                                                   const Message& response) {
  const MethodDescriptor* method =
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(std::string(name));
  if (method != nullptr && method->input_type() == request.GetDescriptor() &&
      method->output_type() == response.GetDescriptor()) {
    return method;
  }
  Error error;
  error.message = absl::StrCat("no method ", name, " takes ", request.GetTypeName(), " and gives ",
                               response.GetTypeName());
  return MakeError(error);
}

absl::Status Call(LeaderFinder& finder, const CallContext& context, absl::string_view method,
                  const Message& request, const Message& response, CallTrace* trace,
                  const Attempt& attempt) {
  const absl::StatusOr<const MethodDescriptor*> found = FindMethod(method, request, response);
  if (!found.ok()) return found.status();
  CallTrace own;
  return LogicalCall(finder, context, **found, nullptr, trace != nullptr ? *trace : own)
      .Run(attempt);
}

}  // namespace

CallContext::CallContext(const CallOptions& options)
    : deadline(core::After(Now(), options.timeout)),
      cancellation(options.cancellation),
      listing_bytes(options.listing_bytes) {}

CallContext CallContext::LeavingTime(absl::Duration at_most) const {
  CallContext earlier = *this;
  if (deadline == core::kNever) return earlier;
  const absl::Duration left = core::Until(deadline, Now());
  earlier.deadline = core::After(Now(), left - std::min(at_most, left / 5));
  return earlier;
}

absl::Status CallLeader(LeaderFinder& finder, const CallContext& context, absl::string_view method,
                        const Message& request, Message* response, CallTrace* trace) {
  return Call(finder, context, method, request, *response, trace,
              [&](LogicalCall&, const LeaderConnection&, const auto& channel,
                  const std::string& path, const AttemptOptions& options) {
                return AttemptUnary(channel, path, options, request, response);
              });
}

absl::Status CallLeaderStream(LeaderFinder& finder, const CallContext& context,
                              absl::string_view method, const Message& request, Message* buffer,
                              std::function<void()> restart, std::function<absl::Status()> add,
                              CallTrace* trace) {
  return Call(finder, context, method, request, *buffer, trace,
              [&](LogicalCall& call, const LeaderConnection&, const auto& channel,
                  const std::string& path, const AttemptOptions& options) {
                restart();
                return AttemptStream(
                    channel, path, options, request, [buffer] { return buffer; },
                    [&] { return call.GoesOn(add()); });
              });
}

absl::Status CallLeaderStream(LeaderFinder& finder, const CallContext& context,
                              const StreamCall& preferred, const StreamCall& fallback,
                              CallTrace* trace) {
  const auto find = [](const StreamCall& call) {
    return FindMethod(call.method, call.request, *call.buffer());
  };
  const absl::StatusOr<const MethodDescriptor*> method = find(preferred);
  if (!method.ok()) return method.status();
  const absl::StatusOr<const MethodDescriptor*> other = find(fallback);
  if (!other.ok()) return other.status();
  CallTrace own;
  return LogicalCall(finder, context, **method, *other, trace != nullptr ? *trace : own)
      .Run([&](LogicalCall& call, const LeaderConnection&, const auto& channel,
               const std::string& path, const AttemptOptions& options) {
        const StreamCall& chosen = call.falls_back() ? fallback : preferred;
        chosen.restart();
        return AttemptStream(channel, path, options, chosen.request, chosen.buffer,
                             [&] { return call.GoesOn(chosen.add()); });
      });
}

absl::Status FollowLeader(LeaderFinder& finder, const CallContext& context,
                          absl::string_view method, const Message& request, Message* buffer,
                          std::function<void(const LeaderConnection&)> begin,
                          std::function<absl::StatusOr<absl::Duration>()> on_message,
                          CallTrace* trace) {
  return Call(finder, context, method, request, *buffer, trace,
              [&](LogicalCall& call, const LeaderConnection& leader, const auto& channel,
                  const std::string& path, const AttemptOptions& options) {
                begin(leader);
                grpc::Status status = AttemptFollow(
                    channel, path, options, request, buffer, finder.options().connect_timeout,
                    [&]() -> absl::optional<absl::Duration> {
                      call.OnStanding(leader);
                      const absl::StatusOr<absl::Duration> next = on_message();
                      if (call.GoesOn(next.status())) return *next;
                      return absl::nullopt;
                    });
                if (!status.ok()) return status;
                return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the leader ended the stream");
              });
}

}  // namespace curator::net
