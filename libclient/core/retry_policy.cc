#include "libclient/core/retry_policy.h"

namespace curator::core {

Decision Decide(Cause cause, Idempotency idempotency) {
  const bool repeatable = idempotency != Idempotency::kAtMostOnce;
  switch (cause) {
    case Cause::kOk:
      return Decision::kSucceed;
    case Cause::kNotSent:
    case Cause::kNotLeader:
    case Cause::kLostLeadership:
      return Decision::kTryNextLeader;
    case Cause::kStoreUnavailable:
      return Decision::kTryAgain;
    case Cause::kUnimplemented:
      return Decision::kAskWhetherItLeads;
    case Cause::kBroken:
      return repeatable ? Decision::kTryNextLeader : Decision::kUnknownOutcome;
    case Cause::kOutcomeUnknown:
    case Cause::kTimedOut:
      return repeatable ? Decision::kTryAgain : Decision::kUnknownOutcome;
    case Cause::kCancelled:
    case Cause::kRejectedCredentials:
    case Cause::kDenied:
    case Cause::kNotFound:
    case Cause::kRefused:
    case Cause::kStoreFull:
    case Cause::kInvalidArgument:
    case Cause::kUnsupported:
    case Cause::kFailed:
      return Decision::kFail;
  }
  return Decision::kFail;
}

}  // namespace curator::core
