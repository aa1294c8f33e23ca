// Cause and idempotency to decision: the one place that decides.
#ifndef LIBCLIENT_CORE_RETRY_POLICY_H_
#define LIBCLIENT_CORE_RETRY_POLICY_H_

#include "libclient/core/call_outcome.h"

namespace curator::core {

// As the method declares itself (protobuf idempotency_level).
enum class Idempotency {
  kNoSideEffects,  // reads
  kIdempotent,     // applying it twice is applying it once
  kAtMostOnce,     // declares nothing
};

enum class Decision {
  kSucceed,
  kFail,           // final, the cause says why
  kTryNextLeader,  // this connection is done for; as soon as a leader is known
  kTryAgain,       // same leader, after a backoff
  kAskWhetherItLeads,
  kUnknownOutcome,  // must not be repeated: read back, or say so
};

Decision Decide(Cause cause, Idempotency idempotency);

}  // namespace curator::core

#endif  // LIBCLIENT_CORE_RETRY_POLICY_H_
