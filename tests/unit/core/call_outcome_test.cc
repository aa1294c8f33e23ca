#include "libclient/core/call_outcome.h"

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "libclient/core/error_info.h"
#include "libclient/core/retry_policy.h"

namespace curator::core {
namespace {

constexpr char kGetNodes[] = "metropolis.proto.api.Management.GetNodes";
constexpr char kApproveNode[] = "metropolis.proto.api.Management.ApproveNode";
constexpr char kUpdateNodeRoles[] = "metropolis.proto.api.Management.UpdateNodeRoles";
constexpr char kUpdateNodeLabels[] = "metropolis.proto.api.Management.UpdateNodeLabels";
constexpr char kDeleteNode[] = "metropolis.proto.api.Management.DeleteNode";
constexpr char kConfigureCluster[] = "metropolis.proto.api.Management.ConfigureCluster";

enum Code {
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

std::string Details(const std::string& domain, const std::string& reason,
                    const std::map<std::string, std::string>& metadata = {}) {
  google::rpc::ErrorInfo info;
  info.set_domain(domain);
  info.set_reason(reason);
  for (const auto& [key, value] : metadata) (*info.mutable_metadata())[key] = value;
  google::rpc::Status status;
  status.add_details()->PackFrom(info);
  return status.SerializeAsString();
}

Cause CauseOf(int code, absl::string_view message, absl::string_view method = kGetNodes) {
  return Classify({code, message, ""}, method, false).cause;
}

TEST(CallOutcome, ClassifiesPlainCodes) {
  const struct {
    int code;
    Cause cause;
  } cases[] = {
      {0, Cause::kOk},
      {kCancelled, Cause::kBroken},
      {kUnknown, Cause::kFailed},
      {kInvalidArgument, Cause::kInvalidArgument},
      {kDeadlineExceeded, Cause::kTimedOut},
      {kNotFound, Cause::kNotFound},
      {kAlreadyExists, Cause::kRefused},
      {kPermissionDenied, Cause::kDenied},
      {kResourceExhausted, Cause::kFailed},
      {kFailedPrecondition, Cause::kRefused},
      {kAborted, Cause::kRefused},
      {kOutOfRange, Cause::kInvalidArgument},
      {kUnimplemented, Cause::kUnimplemented},
      {kInternal, Cause::kFailed},
      {kUnavailable, Cause::kBroken},
      {kDataLoss, Cause::kFailed},
      {kUnauthenticated, Cause::kRejectedCredentials},
      {99, Cause::kFailed},  // a code we do not know must not hurt
  };
  for (const auto& c : cases) EXPECT_EQ(CauseOf(c.code, "x"), c.cause) << c.code;
}

TEST(CallOutcome, AFilterThatTakesTooMuchIsTheCallersToChange) {
  EXPECT_EQ(CauseOf(kResourceExhausted, "filter: the filter takes too much work, of node x"),
            Cause::kInvalidArgument);
}

// gRPC 1.51 says so of a stream that the other side reset; the code depends on the reset's.
TEST(CallOutcome, AStreamThatWasResetMayHaveBeenExecuted) {
  const struct {
    int code;
    const char* text;
  } cases[] = {
      {kInternal, "Received RST_STREAM with error code 2"},
      {kResourceExhausted, "Received RST_STREAM with error code 11"},
      {kPermissionDenied, "Received RST_STREAM with error code 12"},
      {kUnavailable, "Received RST_STREAM with error code 7"},
      {kCancelled, "Received RST_STREAM with error code 8"},
  };
  for (const auto& c : cases) {
    const CallOutcome outcome = Classify({c.code, c.text, ""}, kApproveNode, false);
    EXPECT_EQ(outcome.cause, Cause::kBroken) << c.text;
    EXPECT_TRUE(outcome.maybe_executed()) << c.text;
  }
}

TEST(CallOutcome, WhatGrpcItselfFindsTooLargeIsNotRepeated) {
  for (const char* text : {"Received message larger than max (5242880 vs. 4194304)",
                           "received initial metadata size exceeds limit"}) {
    EXPECT_EQ(CauseOf(kResourceExhausted, text), Cause::kFailed) << text;
  }
}

TEST(CallOutcome, AStoreThatIsFullHasExecutedNothingAndIsNotAskedAgain) {
  const std::string details = Details(kErrorDomain, kReasonStoreFull);
  const CallOutcome outcome = Classify({kResourceExhausted, "full", details}, kApproveNode, false);
  EXPECT_EQ(outcome.cause, Cause::kStoreFull);
  EXPECT_FALSE(outcome.maybe_executed());
  EXPECT_EQ(Decide(outcome.cause, Idempotency::kIdempotent), Decision::kFail);
  EXPECT_EQ(ToErrorCode(outcome.cause), ErrorCode::kRefused);
}

// To older clients the reason alone.
TEST(CallOutcome, AnOverloadedCuratorIsAskedAgain) {
  const std::string details =
      Details(kErrorDomain, kReasonStoreUnavailable, {{kCauseKey, kCauseOverloaded}});
  const CallOutcome outcome = Classify({kUnavailable, "", details}, kApproveNode, false);
  EXPECT_EQ(outcome.cause, Cause::kStoreUnavailable);
  EXPECT_EQ(Decide(outcome.cause, Idempotency::kAtMostOnce), Decision::kTryAgain);
}

TEST(CallOutcome, CancelledByOurCallerIsFinal) {
  EXPECT_EQ(Classify({kCancelled, "", ""}, kGetNodes, true).cause, Cause::kCancelled);
}

TEST(CallOutcome, ReadsTheReasonsOfOurServers) {
  const struct {
    const char* reason;
    Cause cause;
    bool maybe_executed;
  } cases[] = {
      {kReasonNotLeader, Cause::kNotLeader, false},
      {kReasonLostLeadership, Cause::kLostLeadership, false},
      {kReasonOutcomeUnknown, Cause::kOutcomeUnknown, true},
      {kReasonStoreUnavailable, Cause::kStoreUnavailable, false},
      {kReasonUnsupported, Cause::kUnsupported, false},
  };
  for (const auto& c : cases) {
    for (int code : {kUnavailable, kUnimplemented}) {
      const std::string details = Details(kErrorDomain, c.reason);
      const CallOutcome outcome = Classify({code, "words", details}, kApproveNode, false);
      EXPECT_EQ(outcome.cause, c.cause) << c.reason;
      EXPECT_EQ(outcome.maybe_executed(), c.maybe_executed) << c.reason;
      EXPECT_EQ(outcome.detail, "words");
    }
  }
}

TEST(CallOutcome, ReadsWhoLeadsInstead) {
  const std::string details = Details(
      kErrorDomain, kReasonNotLeader,
      {{kLeaderIdKey, "metropolis-1"}, {kLeaderAddressKey, "10.0.0.1:7835"}, {kTermKey, "77"}});
  const CallOutcome outcome = Classify({kUnimplemented, "", details}, kGetNodes, false);
  EXPECT_EQ(outcome.leader_id, "metropolis-1");
  EXPECT_EQ(outcome.leader_address, "10.0.0.1:7835");
  EXPECT_EQ(outcome.term, 77);
}

TEST(CallOutcome, ReadsWhatBecameOfTheNodeThatCalled) {
  const struct {
    const char* told;
    OwnNode own_node;
  } cases[] = {{kOwnNodeDeleted, OwnNode::kDeleted},
               {kOwnNodeDecommissioned, OwnNode::kDecommissioned},
               {"SOMETHING_NEW", OwnNode::kNotTold}};
  for (const auto& c : cases) {
    const std::string details =
        Details(kErrorDomain, kReasonCertificateRevoked, {{kOwnNodeKey, c.told}});
    const CallOutcome outcome = Classify({kUnauthenticated, "", details}, kGetNodes, false);
    EXPECT_EQ(outcome.cause, Cause::kRejectedCredentials) << c.told;
    EXPECT_EQ(outcome.own_node, c.own_node) << c.told;
  }
  const std::string other = Details(kErrorDomain, kReasonCertificateRevoked);
  EXPECT_EQ(Classify({kUnauthenticated, "", other}, kGetNodes, false).own_node, OwnNode::kNotTold);
}

TEST(CallOutcome, IgnoresForeignAndBrokenDetails) {
  const std::string foreign = Details("example.org", kReasonNotLeader);
  EXPECT_EQ(Classify({kUnavailable, "", foreign}, kGetNodes, false).cause, Cause::kBroken);
  const std::string unknown = Details(kErrorDomain, "SOMETHING_NEW", {{kTermKey, "no number"}});
  EXPECT_EQ(Classify({kNotFound, "", unknown}, kGetNodes, false).cause, Cause::kNotFound);
  EXPECT_EQ(Classify({kNotFound, "", "\xff\xff garbage"}, kGetNodes, false).cause,
            Cause::kNotFound);
}

// One test per text of servers of the existing system.
TEST(CallOutcome, LostLeadershipAsUnavailable) {
  EXPECT_EQ(CauseOf(kUnavailable, "lost leadership"), Cause::kLostLeadership);
  EXPECT_EQ(CauseOf(kUnavailable, "could not retrieve list of nodes: lost leadership"),
            Cause::kLostLeadership);
  EXPECT_EQ(CauseOf(kUnavailable, "lost leadership of something else"), Cause::kBroken);
}

TEST(CallOutcome, LostLeadershipWhileLoadingANode) {
  const std::string text =
      "while loading node metropolis-00: rpc error: code = Unavailable desc = lost leadership";
  for (const char* method : {kUpdateNodeRoles, kDeleteNode, kUpdateNodeLabels}) {
    EXPECT_EQ(CauseOf(kInvalidArgument, text, method), Cause::kLostLeadership) << method;
    EXPECT_EQ(CauseOf(kInvalidArgument, "while loading node metropolis-00: broken", method),
              Cause::kInvalidArgument);
  }
  EXPECT_EQ(CauseOf(kInvalidArgument, text, kApproveNode), Cause::kInvalidArgument);
}

TEST(CallOutcome, LostLeadershipOfConfigureClusterAsInternal) {
  EXPECT_EQ(CauseOf(kInternal, "could not save: lost leadership", kConfigureCluster),
            Cause::kLostLeadership);
  EXPECT_EQ(CauseOf(kInternal, "could not save: lost leadership", kGetNodes), Cause::kFailed);
}

TEST(CallOutcome, RefusedEtcdMemberIsFinal) {
  EXPECT_EQ(CauseOf(kUnavailable, "could not add node: too many learners", kUpdateNodeRoles),
            Cause::kFailed);
  EXPECT_EQ(CauseOf(kUnavailable, "could not add node: too many learners", kGetNodes),
            Cause::kBroken);
}

TEST(CallOutcome, FilterThatFailsAtEvaluationIsOurMistake) {
  EXPECT_EQ(CauseOf(kUnavailable, "couldn't evaluate the filter expression: no such key"),
            Cause::kInvalidArgument);
  EXPECT_EQ(CauseOf(kUnavailable, "couldn't create the filter program"), Cause::kInvalidArgument);
  EXPECT_EQ(CauseOf(kUnavailable, "couldn't create the filter program", kApproveNode),
            Cause::kBroken);
}

// One test per text of gRPC.
TEST(CallOutcome, RequestThatNeverLeft) {
  EXPECT_EQ(CauseOf(kUnavailable,
                    "failed to connect to all addresses; last error: UNKNOWN: "
                    "ipv4:127.0.0.1:1: Failed to connect to remote host: Connection refused"),
            Cause::kNotSent);
  EXPECT_EQ(CauseOf(kUnavailable, "DNS resolution failed for x:7835: not found"), Cause::kNotSent);
}

TEST(CallOutcome, StreamThatEndedWithoutTrailers) {
  EXPECT_EQ(CauseOf(kUnknown, "Stream removed"), Cause::kBroken);
  EXPECT_EQ(CauseOf(kInternal, "Received RST_STREAM with error code 2"), Cause::kBroken);
  EXPECT_EQ(CauseOf(kUnavailable, "Socket closed"), Cause::kBroken);
}

TEST(CallOutcome, ClassifiesDials) {
  const struct {
    const char* text;
    bool tls_done;
    Phase phase;
    Verdict verdict;
  } cases[] = {
      {"failed to connect to all addresses; last error: UNKNOWN: Failed to connect to remote "
       "host: Connection refused",
       false, Phase::kConnect, Verdict::kRefused},
      {"DNS resolution failed for nowhere:7835", false, Phase::kResolve, Verdict::kUnresolvable},
      {"Ssl handshake failed: SSL_ERROR_SSL: error:0A00010B:SSL routines::wrong version number",
       false, Phase::kTls, Verdict::kNotTls},
      {"Failed to connect to remote host: No route to host", false, Phase::kConnect,
       Verdict::kUnreachable},
      {"Failed to connect to remote host: connect() timed out", false, Phase::kConnect,
       Verdict::kUnreachable},
      {"Socket closed", true, Phase::kRole, Verdict::kUnknown},
  };
  for (const auto& c : cases) {
    const DialOutcome outcome = ClassifyDial({kUnavailable, c.text, ""}, c.tls_done);
    EXPECT_EQ(outcome.phase, c.phase) << c.text;
    EXPECT_EQ(outcome.verdict, c.verdict) << c.text;
    EXPECT_FALSE(outcome.detail.empty()) << c.text;
  }
  EXPECT_EQ(ClassifyDial({kDeadlineExceeded, "", ""}, true).verdict, Verdict::kSilent);
}

TEST(RetryPolicy, RepeatsWhatWasNotExecutedWhateverTheMethod) {
  for (Cause cause : {Cause::kNotSent, Cause::kNotLeader, Cause::kLostLeadership}) {
    for (Idempotency idempotency :
         {Idempotency::kNoSideEffects, Idempotency::kIdempotent, Idempotency::kAtMostOnce}) {
      EXPECT_EQ(Decide(cause, idempotency), Decision::kTryNextLeader) << ToString(cause);
    }
  }
}

TEST(RetryPolicy, NeverRepeatsAtMostOnceThatMayHaveBeenExecuted) {
  for (int i = 0; i <= static_cast<int>(Cause::kFailed); ++i) {
    CallOutcome outcome;
    outcome.cause = static_cast<Cause>(i);
    if (!outcome.maybe_executed()) continue;
    const Decision decision = Decide(outcome.cause, Idempotency::kAtMostOnce);
    EXPECT_TRUE(decision == Decision::kUnknownOutcome || decision == Decision::kFail)
        << ToString(outcome.cause);
    if (outcome.cause == Cause::kCancelled) continue;
    const Decision repeated = Decide(outcome.cause, Idempotency::kIdempotent);
    EXPECT_TRUE(repeated == Decision::kTryNextLeader || repeated == Decision::kTryAgain)
        << ToString(outcome.cause);
  }
}

TEST(RetryPolicy, FinalAnswersAreFinal) {
  for (Cause cause :
       {Cause::kRejectedCredentials, Cause::kDenied, Cause::kNotFound, Cause::kRefused,
        Cause::kInvalidArgument, Cause::kUnsupported, Cause::kFailed, Cause::kCancelled}) {
    EXPECT_EQ(Decide(cause, Idempotency::kNoSideEffects), Decision::kFail) << ToString(cause);
  }
}

}  // namespace
}  // namespace curator::core
