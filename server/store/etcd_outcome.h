// What became of one attempt at a call to etcd: the only place that looks at
// etcd's status codes and texts. Pure.
#ifndef SERVER_STORE_ETCD_OUTCOME_H_
#define SERVER_STORE_ETCD_OUTCOME_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/status.h"

namespace curatord {

enum class EtcdCause {
  kOk,
  // Certainly not executed; another endpoint, or the same a little later, may do it.
  kNotSent,        // no connection was made
  kNoLeader,       // the member knows no leader: cut off, or an election is under way
  kOverloaded,     // etcd put it off at the door
  kTokenRefused,   // the token ended, or is of an older state of the users
  kLeaderChanged,  // of a read: etcd gave it up
  // The request may have been executed; the answer was lost, or etcd gave up waiting.
  kMaybeExecuted,
  // Certainly not executed, and no endpoint will do better.
  kCredentialsRefused,  // user and password are wrong, or etcd wants some and we have none
  kAuthDisabled,        // of Authenticate: etcd has no users
  kDenied,              // the user may not touch these keys
  kLeaseEnded,
  kCompacted,       // the revision is gone
  kFutureRevision,  // the revision is not there yet
  kInvalid,         // too large, too many, malformed
  kNoSpace,         // etcd's own limit of its data
  kDamaged,         // etcd says its data is corrupt
  kNotEtcd,         // something else answers there
};

EtcdCause ClassifyEtcd(const grpc::Status& status);

// The cause in a few words for people, without gRPC's wrapping: "Connection refused".
std::string EtcdCauseText(const grpc::Status& status);

// The code of store.h for a cause that is final, or with which the deadline came.
// `what` comes first in the message: "etcd h1:2379".
absl::Status EtcdError(EtcdCause cause, absl::string_view what, absl::string_view text);

}  // namespace curatord

#endif  // SERVER_STORE_ETCD_OUTCOME_H_
