// How often a node may write of itself: a burst, then so many a second; the rest waits
// and is answered when it is written.
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"
#include "server/limits.h"
#include "tests/cluster/leader_server.h"

namespace curatord {
namespace {

using testing_support::Client;
using testing_support::Context;
using testing_support::HasCode;
using testing_support::Succeeded;
using testing_support::TestNode;
namespace api = testing_support::api;

class StatusPace : public testing_support::LeaderServerTest {
 protected:
  StatusPace() { Put(node_); }

  grpc::Status Report(const std::string& address,
                      absl::Duration timeout = testing_support::kEventually) {
    Context context(timeout);
    api::UpdateNodeStatusRequest request;
    request.set_node_id(node_.id());
    request.mutable_status()->set_external_address(address);
    api::UpdateNodeStatusResponse response;
    return client_.curator->UpdateNodeStatus(&context, request, &response);
  }
  void SpendTheBurst() {
    for (int64_t i = 0; i < Limits().node_write_burst; ++i) {
      ASSERT_THAT(Report("10.0.0.1"), Succeeded());
    }
  }

  const TestNode node_;
  const Client client_ = AsNode(node_);
};

TEST_F(StatusPace, WritesOnceForManyThatWaitSlow) {
  SpendTheBurst();
  const size_t before = store_.commits().size();
  std::deque<grpc::Status> answers(50);
  std::vector<std::thread> reports;
  for (grpc::Status& answer : answers) {
    reports.emplace_back([&] { answer = Report("10.0.0.2"); });
  }
  for (std::thread& report : reports) report.join();
  for (const grpc::Status& answer : answers) EXPECT_THAT(answer, Succeeded());
  EXPECT_EQ(Stored(node_.id()).status().external_address(), "10.0.0.2");
  // However long the threads took to get there.
  EXPECT_LT(store_.commits().size() - before, answers.size() / 2);
}

TEST_F(StatusPace, AnInvalidReportIsRefusedAtOnceAndReplacesNoneThatWaits) {
  SpendTheBurst();
  grpc::Status waiting;
  std::thread reports([&] { waiting = Report("10.0.0.3"); });
  EXPECT_THAT(Report("nowhere"), HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  reports.join();
  EXPECT_THAT(waiting, Succeeded());
}

TEST_F(StatusPace, AReportThatWaitsEndsWhenItsCallerLeaves) {
  SpendTheBurst();
  for (int i = 0; i < 3; ++i) {
    const grpc::Status status = Report("10.0.0.4", absl::Milliseconds(1));
    EXPECT_TRUE(status.ok() || status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  }
}

TEST_F(StatusPace, AReportThatWaitsEndsWhenItsNodeIsDeleted) {
  SpendTheBurst();
  // Those that come before the deletion are written, the last one cannot be.
  grpc::Status status;
  std::thread reports([&] {
    while (status.ok()) status = Report("10.0.0.5");
  });
  Delete("/nodes/" + node_.id());
  reports.join();
  EXPECT_THAT(status, HasCode(grpc::StatusCode::NOT_FOUND));
}

TEST_F(StatusPace, NetworkingCountsAsWellSlow) {
  ASSERT_THAT(Report("10.0.0.1"), Succeeded());
  const auto update = [&] {
    Context context;
    api::UpdateNodeClusterNetworkingRequest request;
    request.mutable_clusternet()->set_wireguard_pubkey(absl::Base64Escape(std::string(32, 'w')));
    request.mutable_clusternet()->add_prefixes()->set_cidr("10.0.0.1/32");
    api::UpdateNodeClusterNetworkingResponse response;
    return client_.curator->UpdateNodeClusterNetworking(&context, request, &response);
  };
  const absl::Time began = absl::Now();
  const int64_t beyond = 2;
  for (int64_t i = 1; i < Limits().node_write_burst + beyond; ++i) {
    ASSERT_THAT(update(), Succeeded());
  }
  EXPECT_GE(absl::Now() - began, absl::Seconds(1) * (beyond - 1) / Limits().node_writes_per_second);
}

}  // namespace
}  // namespace curatord
