// What the listener takes and does not take, and from whom.
#include <atomic>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "grpcpp/client_context.h"
#include "server/store/keys.h"
#include "tests/cluster/two_curators.h"

namespace curatord {
namespace {

using testing_support::Client;
using testing_support::Context;
using testing_support::HasCode;
using testing_support::IsRefused;
using testing_support::kEventually;
using testing_support::Succeeded;
using testing_support::TestCurator;
using testing_support::TwoCurators;
namespace mgmt = testing_support::mgmt;

class ConnectionsTest : public TwoCurators {
 protected:
  void StartAlone() {
    a_->Start();
    a_->WaitToServe(Role::Kind::kLeader);
  }
  grpc::Status GetNodes(const Client& client, const std::string& filter,
                        grpc_compression_algorithm compression = GRPC_COMPRESS_NONE) {
    Context context;
    context->set_compression_algorithm(compression);
    mgmt::GetNodesRequest request;
    request.set_filter(filter);
    const auto reader = client.management->GetNodes(&context, request);
    mgmt::Node node;
    while (reader->Read(&node)) {
    }
    return reader->Finish();
  }
};

TEST_F(ConnectionsTest, WhoShowsAMembersCertificateIsNoStrangerAnyMore) {
  StartAlone();
  const Client stranger = a_->ConnectAs(absl::nullopt);
  Context as_stranger;
  testing_support::api::GetCACertificateResponse ca;
  ASSERT_THAT(stranger.local->GetCACertificate(&as_stranger, {}, &ca), Succeeded());
  const Client owner = a_->ConnectAsOwner();
  Context as_owner;
  mgmt::GetClusterInfoResponse info;
  ASSERT_THAT(owner.management->GetClusterInfo(&as_owner, {}, &info), Succeeded());
  EXPECT_GE(a_->connections().counts().members, 1);
  EXPECT_GE(a_->connections().counts().strangers, 1);
}

TEST_F(ConnectionsTest, ARequestThatIsTooLongIsRefusedAndTheNextOneIsNot) {
  StartAlone();
  const Client client = a_->ConnectAsOwner();
  ASSERT_THAT(GetNodes(client, ""), Succeeded());  // no stranger any more
  EXPECT_THAT(GetNodes(client, "\"" + std::string(2 << 20, 'x') + "\" == \"\""),
              HasCode(grpc::StatusCode::RESOURCE_EXHAUSTED));
  EXPECT_THAT(GetNodes(client, ""), Succeeded());
}

TEST_F(ConnectionsTest, ACompressedRequestIsRefused) {
  StartAlone();
  const Client client = a_->ConnectAsOwner();
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    EXPECT_THAT(GetNodes(client, std::string(1000, ' '), algorithm),
                HasCode(grpc::StatusCode::UNIMPLEMENTED));
  }
}

// Hundreds of requests as long as requests may be, one after the other, by the same caller.
TEST_F(ConnectionsTest, LongRequestsThatAreCompletePayForThemselvesSlow) {
  StartAlone();
  const Client client = a_->ConnectAsOwner();
  ASSERT_THAT(GetNodes(client, ""), Succeeded());  // no stranger any more
  const std::string filter = std::string(500 << 10, ' ') + "true";
  for (int i = 0; i < 40; ++i) {
    const grpc::Status status = GetNodes(client, filter);
    ASSERT_NE(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
  }
  EXPECT_EQ(a_->connections().turned_away().count(TurnedAway::kUnpaid), 0u);
}

TEST_F(ConnectionsTest, BetweenTwoRolesNobodyIsRefused) {
  StartBoth();
  std::atomic<bool> done{false};
  std::atomic<int> connects{0};
  std::atomic<int> refused{0};
  std::thread connecting([&] {
    while (!done) {
      if (IsRefused(b_->address())) ++refused;
      ++connects;
    }
  });
  // Becomes the leader.
  a_->Stop();
  b_->WaitToServe(Role::Kind::kLeader);
  done = true;
  connecting.join();
  EXPECT_EQ(refused, 0) << "of " << connects;
}

TEST_F(ConnectionsTest, WithoutARoleEverybodyIsRefused) {
  StartAlone();
  EXPECT_FALSE(IsRefused(a_->address()));
  a_->election().Stop();
  a_->WaitFor(Role::Kind::kNone);
  const absl::Time deadline = absl::Now() + kEventually;
  while (!IsRefused(a_->address()) && absl::Now() < deadline) {
  }
  EXPECT_TRUE(IsRefused(a_->address()));
}

}  // namespace
}  // namespace curatord
