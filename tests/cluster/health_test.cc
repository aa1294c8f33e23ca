// grpc.health.v1 on a leader and on its follower, as a checker without a certificate
// sees it.
#include <memory>
#include <string>

#include "server/store/store.h"
#include "tests/cluster/two_curators.h"

namespace curatord {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using testing_support::Client;
using testing_support::Context;
using testing_support::HasCode;
using testing_support::Succeeded;
using testing_support::TestCluster;
using testing_support::TestCurator;
using testing_support::TestNode;

constexpr char kManagement[] = "metropolis.proto.api.Management";
constexpr char kCurator[] = "metropolis.node.core.curator.proto.api.Curator";

class HealthTest : public testing_support::TwoCurators {
 protected:
  HealthTest() { StartBoth(); }

  static HealthCheckResponse::ServingStatus Check(const Client& client,
                                                  const std::string& service) {
    HealthCheckRequest request;
    request.set_service(service);
    HealthCheckResponse response;
    Context context;
    EXPECT_THAT(client.health->Check(&context, request, &response), Succeeded()) << service;
    return response.status();
  }
};

TEST_F(HealthTest, ALeaderServesAndAFollowerDoesNotServeWhatOnlyALeaderDoes) {
  const Client leader = a_->ConnectAs(absl::nullopt);
  const Client follower = b_->ConnectAs(absl::nullopt);
  for (const char* service : {"", "curator.v1.ServerStatus"}) {
    EXPECT_EQ(Check(leader, service), HealthCheckResponse::SERVING) << service;
    EXPECT_EQ(Check(follower, service), HealthCheckResponse::SERVING) << service;
  }
  for (const char* service :
       {kManagement, kCurator, "curator.v1.ClusterOperations", "curator.v1.Nodes"}) {
    EXPECT_EQ(Check(leader, service), HealthCheckResponse::SERVING) << service;
    EXPECT_EQ(Check(follower, service), HealthCheckResponse::NOT_SERVING) << service;
  }
}

TEST_F(HealthTest, AnUnknownServiceIsNotFound) {
  for (const TestCurator* curator : {a_.get(), b_.get()}) {
    HealthCheckRequest request;
    request.set_service("no.such.Service");
    HealthCheckResponse response;
    Context context;
    EXPECT_THAT(curator->ConnectAs(absl::nullopt).health->Check(&context, request, &response),
                HasCode(grpc::StatusCode::NOT_FOUND));
  }
}

TEST_F(HealthTest, AWatchOfAnUnknownServiceSaysSo) {
  HealthCheckRequest request;
  request.set_service("no.such.Service");
  Context context;
  const Client client = a_->ConnectAs(absl::nullopt);
  auto watch = client.health->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVICE_UNKNOWN);
  context->TryCancel();
}

TEST_F(HealthTest, AWatchSeesTheFollowerBecomeTheLeader) {
  HealthCheckRequest request;
  request.set_service(kManagement);
  const Client client = b_->ConnectAs(absl::nullopt);
  Context context;
  auto watch = client.health->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);

  a_->Stop();
  EXPECT_FALSE(watch->Read(&response)) << "another role is another server";
  EXPECT_THAT(watch->Finish(), HasCode(grpc::StatusCode::UNAVAILABLE));
  b_->WaitToServe(Role::Kind::kLeader);
  EXPECT_EQ(Check(b_->ConnectAs(absl::nullopt), kManagement), HealthCheckResponse::SERVING);
}

}  // namespace
}  // namespace curatord
