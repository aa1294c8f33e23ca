#include "server/store/etcd_call.h"

#include <algorithm>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "server/store/etcd_outcome.h"
#include "server/store/grpc_deadline.h"

namespace curatord {
namespace {

// An attempt without an answer for so long makes us ask whether the endpoint is
// there at all.
constexpr absl::Duration kPatience = absl::Milliseconds(500);
constexpr absl::Duration kAskTimeout = absl::Milliseconds(500);
// What a new leader of etcd has of the old one's proposals it carries out at once;
// the rest most likely went down with the old one; if not, it may yet be executed.
constexpr absl::Duration kLostWithTheLeader = absl::Milliseconds(500);
// etcd gives up by itself after 7 s.
constexpr absl::Duration kLongestAttempt = absl::Seconds(10);
// Two attempts are made without a pause between them; more than that is no failover.
constexpr int kAttemptsAtOnce = 2;
constexpr absl::Duration kFirstPause = absl::Milliseconds(20);
constexpr absl::Duration kLongestPause = absl::Milliseconds(500);
// Tokens refused in a row: etcd and we disagree about something else.
constexpr int kTokensToTry = 3;

// One attempt under way.
class Attempt {
 public:
  Attempt(const EtcdCall& call, const EtcdSession& session, absl::Time deadline) {
    AddEtcdMetadata(session, &context_);
    context_.set_deadline(GrpcDeadlineAfter(deadline - absl::Now()));
    call.start(*session.endpoint, &context_, [this](grpc::Status status) {
      absl::MutexLock lock(&mutex_);
      status_ = std::move(status);
      done_ = true;
    });
  }

  bool AwaitFor(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&done_), timeout);
  }
  grpc::Status Cancel() ABSL_LOCKS_EXCLUDED(mutex_) {
    context_.TryCancel();
    return Finish();
  }
  grpc::Status Finish() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(&done_));
    return status_;
  }

 private:
  grpc::ClientContext context_;
  absl::Mutex mutex_;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mutex_);
};

struct AttemptEnd {
  grpc::Status status;
  bool endpoint_failed = false;  // it did not answer, not even when asked for its health
};

// Ends early if the endpoint turns out to be silent, or, for what may be done
// elsewhere, not to serve.
AttemptEnd RunAttempt(EtcdSessions* sessions, const EtcdCall& call, const EtcdSession& session,
                      absl::Time deadline) {
  const uint64_t term_before = sessions->raft_term();
  absl::Time new_leader_at = absl::InfiniteFuture();  // serves since then
  Attempt attempt(call, session, deadline);
  for (;;) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) return {attempt.Finish()};
    // A third each for waiting, asking, and another endpoint.
    if (attempt.AwaitFor(std::min(kPatience, left / 3))) return {attempt.Finish()};
    uint64_t term_now = 0;
    const EtcdSessions::Health health =
        sessions->Ask(*session.endpoint, std::min(kAskTimeout, left / 3), &term_now);
    if (health == EtcdSessions::Health::kServes && term_now > term_before) {
      new_leader_at = std::min(new_leader_at, absl::Now());
    }
    const bool lost = absl::Now() - new_leader_at >= kLostWithTheLeader;
    const bool give_up =
        lost || health == EtcdSessions::Health::kSilent ||
        (health == EtcdSessions::Health::kDoesNotServe && call.repeat == EtcdRepeat::kAlways);
    if (!give_up) continue;
    const grpc::Status status = attempt.Cancel();
    if (status.error_code() != grpc::StatusCode::CANCELLED) return {status};
    if (lost) {
      return {grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "lost with etcd's leader")};
    }
    return {grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED,
                         health == EtcdSessions::Health::kSilent ? "silent" : "knows no leader"),
            /*endpoint_failed=*/true};
  }
}

}  // namespace

void AddEtcdMetadata(const EtcdSession& session, grpc::ClientContext* context) {
  context->AddMetadata("hasleader", "true");
  if (!session.token.empty()) context->AddMetadata("token", session.token);
}

EtcdCallResult CallEtcd(EtcdSessions* sessions, const EtcdCall& call, absl::Time deadline) {
  EtcdCallResult result;
  int refused_tokens = 0;
  absl::Status last;  // why the attempt before did not do it
  for (int attempts = 0;; ++attempts) {
    if (attempts >= kAttemptsAtOnce) {
      const absl::Duration pause =
          kFirstPause * static_cast<double>(1 << std::min(attempts - kAttemptsAtOnce, 10));
      sessions->Pause(std::min(deadline, absl::Now() + std::min(pause, kLongestPause)));
    }
    if (absl::Now() >= deadline) {
      result.status = absl::UnavailableError(
          last.ok() ? absl::StrCat(call.what, ": the deadline passed")
                    : absl::StrCat("the deadline passed; before that ", last.message()));
      return result;
    }
    absl::StatusOr<EtcdSessionPtr> session = sessions->Await(deadline);
    if (!session.ok()) {
      result.status = absl::Status(session.status().code(),
                                   absl::StrCat(call.what, ": ", session.status().message()));
      return result;
    }
    const std::string& address = (*session)->endpoint->address;
    const AttemptEnd end =
        RunAttempt(sessions, call, **session, std::min(deadline, absl::Now() + kLongestAttempt));
    const EtcdCause cause = ClassifyEtcd(end.status);
    const std::string text = EtcdCauseText(end.status);
    last = EtcdError(cause, absl::StrCat(call.what, ": etcd ", address), text);
    switch (cause) {
      case EtcdCause::kOk:
        result.status = sessions->CheckHeader(call.header(), address);
        if (!result.status.ok()) sessions->OnFailure(*session, result.status.message());
        return result;
      case EtcdCause::kMaybeExecuted:
        // A deadline that passed says nothing of the endpoint.
        if (end.endpoint_failed || end.status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED) {
          sessions->OnFailure(*session, text);
        }
        if (call.repeat == EtcdRepeat::kIfNotExecuted) {
          result.status = last;
          return result;
        }
        result.maybe_executed_before = true;
        break;
      case EtcdCause::kLeaderChanged:
        if (call.repeat == EtcdRepeat::kIfNotExecuted) {
          result.status = absl::UnknownError(last.message());
          return result;
        }
        break;
      case EtcdCause::kNotSent:
      case EtcdCause::kNoLeader:
        sessions->OnFailure(*session, text);
        break;
      case EtcdCause::kTokenRefused:
      case EtcdCause::kCredentialsRefused:  // etcd wants a user, and did not before
        sessions->OnTokenRefused(*session);
        if (++refused_tokens < kTokensToTry) break;
        result.status = absl::UnauthenticatedError(last.message());
        return result;
      case EtcdCause::kOverloaded:
      case EtcdCause::kFutureRevision:
        break;
      case EtcdCause::kAuthDisabled:
      case EtcdCause::kDenied:
      case EtcdCause::kLeaseEnded:
      case EtcdCause::kCompacted:
      case EtcdCause::kInvalid:
      case EtcdCause::kNoSpace:
      case EtcdCause::kDamaged:
      case EtcdCause::kNotEtcd:
        result.status = last;
        return result;
    }
  }
}

}  // namespace curatord
