// What became of one attempt: the only place that looks at status codes and,
// where servers of the existing system leave no other way, at message texts.
// Pure: gRPC statuses come in as numbers and bytes.
#ifndef LIBCLIENT_CORE_CALL_OUTCOME_H_
#define LIBCLIENT_CORE_CALL_OUTCOME_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "curator/error.h"

namespace curator::core {

enum class Cause {
  kOk,
  kNotSent,              // no connection stood. Not executed; look for a leader
  kNotLeader,            // it says that it does not lead. Not executed; look for the leader
  kLostLeadership,       // it led until just now. Not executed; look for the leader
  kStoreUnavailable,     // it leads but cannot reach its store. Not executed; wait, try again
  kUnimplemented,        // a follower, or a leader that lacks the method; ask whether it leads
  kBroken,               // connection or server went away. Maybe executed
  kOutcomeUnknown,       // the server itself does not know. Maybe executed
  kTimedOut,             // no answer in time. Maybe executed
  kCancelled,            // by our caller. Maybe executed; final
  kRejectedCredentials,  // from here on: final answers, nothing more to try
  kDenied,
  kNotFound,
  kRefused,
  kStoreFull,  // its store has no room; somebody has to make some
  kInvalidArgument,
  kUnsupported,
  kFailed,
};
const char* ToString(Cause cause);

// A grpc::Status, taken apart.
struct StatusView {
  int code = 0;  // grpc::StatusCode
  absl::string_view message;
  absl::string_view details;  // google.rpc.Status, serialized; may be empty
};

// What a refusal says of the node that called.
enum class OwnNode {
  kNotTold,
  kDeleted,         // the cluster does not know it any more
  kDecommissioned,  // it has left the cluster, as it was asked to
};

struct CallOutcome {
  Cause cause = Cause::kOk;
  std::string detail;  // the server's words, or the transport's
  // Told by kNotLeader of our servers; empty or 0 elsewhere.
  std::string leader_id;
  std::string leader_address;
  int64_t term = 0;
  OwnNode own_node = OwnNode::kNotTold;

  bool maybe_executed() const;
};

// `method` is the full name with dots. `cancelled_by_us`: our caller gave up;
// else a CANCELLED is a server shutting down.
CallOutcome Classify(const StatusView& status, absl::string_view method, bool cancelled_by_us);

// The public code of a cause that ended a call.
ErrorCode ToErrorCode(Cause cause);

// Why a dial of one endpoint failed, before its certificate was judged (that
// verdict comes from the verifier). `tls_done`: a handshake has completed.
struct DialOutcome {
  Phase phase = Phase::kConnect;
  Verdict verdict = Verdict::kUnknown;
  std::string detail;
};
DialOutcome ClassifyDial(const StatusView& status, bool tls_done);

// Can an endpoint with this verdict still come up by itself? Untrusted and
// unresolvable ones cannot: a search that finds nothing else fails at once.
bool MayComeUp(Verdict verdict);
bool IsUntrusted(Verdict verdict);
// It says that it leads, and is not believed. It may be replaced by one that is.
bool IsUnproven(Verdict verdict);

}  // namespace curator::core

#endif  // LIBCLIENT_CORE_CALL_OUTCOME_H_
