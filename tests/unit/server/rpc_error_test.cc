#include "server/rpc/rpc_error.h"

#include <string>

#include "absl/strings/match.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "libclient/core/error_info.h"
#include "server/rpc/malformed_request.h"

namespace curatord {
namespace {

namespace core = curator::core;

// What a client finds in the details; empty if there is none.
google::rpc::ErrorInfo InfoOf(const grpc::Status& status) {
  google::rpc::ErrorInfo info;
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  if (details.details_size() == 1) {
    EXPECT_EQ(details.code(), static_cast<int>(status.error_code()));
    EXPECT_EQ(details.message(), status.error_message());
    EXPECT_TRUE(details.details(0).UnpackTo(&info));
  }
  return info;
}

TEST(RpcError, OkIsOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok()); }

TEST(RpcError, WithoutACauseHasNoDetails) {
  const grpc::Status status = ToGrpcStatus(absl::NotFoundError("no node x"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no node x");
  EXPECT_TRUE(status.error_details().empty());
}

TEST(RpcError, OfLostLeadershipIsWhatExistingClientsKnow) {
  const grpc::Status status = ToGrpcStatus(LostLeadershipError(42));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(absl::EndsWith(status.error_message(), "lost leadership"));
  const auto info = InfoOf(status);
  EXPECT_EQ(info.domain(), core::kErrorDomain);
  EXPECT_EQ(info.reason(), core::kReasonLostLeadership);
  EXPECT_EQ(info.metadata().at(core::kTermKey), "42");
}

TEST(RpcError, OfAFollowerNamesTheLeader) {
  const grpc::Status status = ToGrpcStatus(NotLeaderError("metropolis-a", "10.0.0.1:7835", 7));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  const auto info = InfoOf(status);
  EXPECT_EQ(info.reason(), core::kReasonNotLeader);
  EXPECT_EQ(info.metadata().at(core::kLeaderIdKey), "metropolis-a");
  EXPECT_EQ(info.metadata().at(core::kLeaderAddressKey), "10.0.0.1:7835");
  EXPECT_EQ(info.metadata().at(core::kTermKey), "7");
}

TEST(RpcError, LeavesOutWhatIsNotKnown) {
  const auto info = InfoOf(ToGrpcStatus(NotLeaderError("metropolis-a", "", 7)));
  EXPECT_EQ(info.metadata().count(core::kLeaderAddressKey), 0u);
}

TEST(RpcError, TellsUnknownFromNotExecuted) {
  const grpc::Status unknown = ToGrpcStatus(OutcomeUnknownError(7, "timeout"));
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(InfoOf(unknown).reason(), core::kReasonOutcomeUnknown);
  EXPECT_TRUE(absl::StrContains(unknown.error_message(), "timeout"));
  const grpc::Status unreached = ToGrpcStatus(StoreUnavailableError("refused"));
  EXPECT_EQ(unreached.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(InfoOf(unreached).reason(), core::kReasonStoreUnavailable);
}

TEST(RpcError, OfAMethodThatIsNotBuiltIsNotThatOfAFollower) {
  const grpc::Status status = ToGrpcStatus(UnsupportedError("no such thing here"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(InfoOf(status).reason(), core::kReasonUnsupported);
}

TEST(MalformedRequest, IsWhatGrpcRefusesWithoutAWordThoughTheMethodExists) {
  const grpc::Status wordless(grpc::StatusCode::UNIMPLEMENTED, "");
  EXPECT_TRUE(IsOfMalformedRequest("/metropolis.proto.api.Management/GetNodes", wordless));
  EXPECT_FALSE(IsOfMalformedRequest("/metropolis.proto.api.Management/NoSuch", wordless));
  EXPECT_FALSE(IsOfMalformedRequest("/metropolis.proto.api.Management/GetNodes",
                                    ToGrpcStatus(UnsupportedError("not here"))));
  EXPECT_FALSE(IsOfMalformedRequest("/metropolis.proto.api.Management/GetNodes",
                                    grpc::Status(grpc::StatusCode::INTERNAL, "")));
}

}  // namespace
}  // namespace curatord
