// What went wrong, in a form both people and programs can use.
//
// Every function of libcurator returns absl::Status or absl::StatusOr. The
// status code is the nearest of absl's; the whole story travels as a payload
// of the status and is read with DescribeError. Thread-safe.
#ifndef CURATOR_ERROR_H_
#define CURATOR_ERROR_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace curator {

// Causes, not transport codes. Each says how it is left.
enum class ErrorCode {
  kInternal,         // unexpected; report it
  kInvalidArgument,  // the request itself is wrong; change it
  kNotFound,         // a named object does not exist
  kNoCredentials,    // client certificate missing, expired or rejected
  kDenied,           // authenticated, not permitted
  kUnreachable,      // no endpoint answered; may come back
  kUntrusted,        // CA or node identity mismatch, or trust undecided
  kNoLeader,         // curators answer, none leads; may come back
  kRefused,          // precondition or conflict; look at the state
  kTimeout,          // a leader was connected but the deadline passed
  kUnsupported,      // this server lacks the call
  kUnknownOutcome,   // sent, answer lost, reading back failed: look first
  kCancelled,        // the caller cancelled
};

// How far a connection to one endpoint got, in this order.
enum class Phase { kResolve, kConnect, kTls, kIdentity, kRole, kRpc };

// What one endpoint turned out to be. One vocabulary for errors, doctor,
// cluster status and Probe; docs/guide.md explains each to operators.
enum class Verdict {
  kUnresolvable,            // the name has no address
  kUnreachable,             // no answer in time
  kRefused,                 // host up, nothing listens
  kNotTls,                  // something else listens
  kWrongCa,                 // certificate of another cluster
  kWrongNode,               // certificate of another node than expected
  kExpired,                 // certificate out of date
  kRejectedOurCertificate,  // it does not accept ours
  kFollower,                // follows leader_id
  kLeader,                  // confirmed by a call that only a leader serves
  kStaleLeader,             // calls itself leader, but has lost the lease
  kUnproven,                // says that it leads, without the proof that it does
  kFalseLeader,             // says that it leads, with a proof that is wrong, old or another's
  kNoAddress,               // follows leader_id, of which no address is known
  kSilent,                  // TLS stands, RPCs do not come back
  kUnknown,                 // not asked yet, or gave an answer we do not understand (detail)
};

struct EndpointReport {
  std::string address;  // host:port as dialled
  Phase phase = Phase::kResolve;
  Verdict verdict = Verdict::kUnknown;
  std::string detail;  // cause, one lower-case fragment
  std::string node_id;
  std::string leader_id;
  absl::Duration elapsed;
  int tries = 0;
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;             // what happened
  std::string cause;               // why, probably
  std::vector<std::string> hints;  // what to do; without a program's name
  std::string method;              // "Management.GetNodes", empty if none was called
  int attempts = 0;
  bool sent = false;  // a request may have reached a server
  absl::Duration waited;
  std::vector<EndpointReport> endpoints;  // none where the leader itself refused
};

// True where trying the same again later can succeed.
bool IsRetryable(ErrorCode code);

// Names of cli.md: "NO_LEADER", "wrong-ca", "identity".
const char* ToString(ErrorCode code);
const char* ToString(Verdict verdict);
const char* ToString(Phase phase);

// `status` must not be OK. A status that is not libcurator's own becomes an
// Error with the nearest code and its message.
Error DescribeError(const absl::Status& status);

absl::Status MakeError(const Error& error);

}  // namespace curator

#endif  // CURATOR_ERROR_H_
