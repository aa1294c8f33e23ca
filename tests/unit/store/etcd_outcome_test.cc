#include "server/store/etcd_outcome.h"

#include <gtest/gtest.h>

#include <string>

namespace curatord {
namespace {

struct Case {
  grpc::StatusCode code;
  std::string text;
  EtcdCause cause;
  absl::StatusCode error;
  std::string shown;
};

TEST(EtcdOutcome, ClassifiesWhatEtcdAndGrpcSay) {
  using enum EtcdCause;
  using Error = absl::StatusCode;
  const Case cases[] = {
      {grpc::UNAVAILABLE, "etcdserver: no leader", kNoLeader, Error::kUnavailable, "no leader"},
      {grpc::RESOURCE_EXHAUSTED, "etcdserver: too many requests", kOverloaded, Error::kUnavailable,
       "too many requests"},
      {grpc::UNAVAILABLE, "etcdserver: request timed out", kMaybeExecuted, Error::kUnknown,
       "request timed out"},
      {grpc::UNAVAILABLE, "etcdserver: request timed out, possibly due to previous leader failure",
       kMaybeExecuted, Error::kUnknown,
       "request timed out, possibly due to previous leader failure"},
      {grpc::UNAVAILABLE, "etcdserver: leader changed", kLeaderChanged, Error::kUnavailable,
       "leader changed"},
      {grpc::UNAVAILABLE, "etcdserver: server stopped", kMaybeExecuted, Error::kUnknown,
       "server stopped"},
      {grpc::UNAVAILABLE, "etcdserver: rpc not supported for learner", kNoLeader,
       Error::kUnavailable, "rpc not supported for learner"},
      {grpc::UNAUTHENTICATED, "etcdserver: invalid auth token", kTokenRefused, Error::kUnavailable,
       "invalid auth token"},
      {grpc::INVALID_ARGUMENT, "etcdserver: revision of auth store is old", kTokenRefused,
       Error::kUnavailable, "revision of auth store is old"},
      {grpc::INVALID_ARGUMENT, "etcdserver: authentication failed, invalid user ID or password",
       kCredentialsRefused, Error::kUnauthenticated,
       "authentication failed, invalid user ID or password"},
      {grpc::INVALID_ARGUMENT, "etcdserver: user name is empty", kCredentialsRefused,
       Error::kUnauthenticated, "it wants a user: give user=NAME&password-file=FILE"},
      {grpc::FAILED_PRECONDITION, "etcdserver: authentication is not enabled", kAuthDisabled,
       Error::kFailedPrecondition, "authentication is not enabled"},
      {grpc::PERMISSION_DENIED, "etcdserver: permission denied", kDenied, Error::kPermissionDenied,
       "permission denied"},
      {grpc::NOT_FOUND, "etcdserver: requested lease not found", kLeaseEnded, Error::kNotFound,
       "requested lease not found"},
      {grpc::OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted", kCompacted,
       Error::kOutOfRange, "mvcc: required revision has been compacted"},
      {grpc::OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision",
       kFutureRevision, Error::kUnavailable, "mvcc: required revision is a future revision"},
      {grpc::RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded", kNoSpace,
       Error::kResourceExhausted, "mvcc: database space exceeded"},
      {grpc::INVALID_ARGUMENT, "etcdserver: request is too large", kInvalid,
       Error::kInvalidArgument, "request is too large"},
      {grpc::INVALID_ARGUMENT, "etcdserver: too many operations in txn request", kInvalid,
       Error::kInvalidArgument, "too many operations in txn request"},
      {grpc::RESOURCE_EXHAUSTED, "grpc: received message larger than max (2097168 vs. 2097152)",
       kInvalid, Error::kInvalidArgument,
       "grpc: received message larger than max (2097168 vs. 2097152)"},
      {grpc::DATA_LOSS, "etcdserver: corrupt cluster", kDamaged, Error::kDataLoss,
       "corrupt cluster"},
      {grpc::UNAVAILABLE,
       "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:2379: Failed to "
       "connect to remote host: Connection refused",
       kNotSent, Error::kUnavailable, "Connection refused"},
      {grpc::UNAVAILABLE, "Socket closed", kMaybeExecuted, Error::kUnknown, "Socket closed"},
      {grpc::UNAVAILABLE, "recvmsg:Connection reset by peer", kMaybeExecuted, Error::kUnknown,
       "recvmsg:Connection reset by peer"},
      {grpc::DEADLINE_EXCEEDED, "", kMaybeExecuted, Error::kUnknown, "no answer in time"},
      {grpc::CANCELLED, "CANCELLED", kMaybeExecuted, Error::kUnknown, "CANCELLED"},
      {grpc::UNIMPLEMENTED, "unknown service etcdserverpb.KV", kNotEtcd, Error::kFailedPrecondition,
       "unknown service etcdserverpb.KV"},
      {grpc::INTERNAL, "Received RST_STREAM with error code 2", kMaybeExecuted, Error::kUnknown,
       "Received RST_STREAM with error code 2"},
  };
  for (const Case& each : cases) {
    const grpc::Status status(each.code, each.text);
    EXPECT_EQ(ClassifyEtcd(status), each.cause) << each.text;
    EXPECT_EQ(EtcdCauseText(status), each.shown);
    EXPECT_EQ(EtcdError(each.cause, "etcd h1:2379", each.shown).code(), each.error) << each.text;
  }
  EXPECT_EQ(ClassifyEtcd(grpc::Status::OK), kOk);
}

}  // namespace
}  // namespace curatord
