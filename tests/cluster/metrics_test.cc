// What a curator counts: each call once, however it ends, and takeovers.
#include <functional>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "server/store/store.h"
#include "tests/cluster/two_curators.h"

namespace curatord {
namespace {

using testing_support::Client;
using testing_support::Context;
using testing_support::HasCode;
using testing_support::kEventually;
using testing_support::TestCluster;
using testing_support::TestCurator;
using testing_support::TestNode;
namespace api = testing_support::api;
namespace mgmt = testing_support::mgmt;

// Of one line of a scrape; 0 if it is not there.
double Sample(const TestCurator& curator, const std::string& name) {
  for (absl::string_view line : absl::StrSplit(curator.metrics().Text(), '\n')) {
    double value = 0;
    if (absl::ConsumePrefix(&line, name + " ") && absl::SimpleAtod(line, &value)) return value;
  }
  return 0;
}

double Counted(const TestCurator& curator, const std::string& method, const std::string& code) {
  return Sample(curator,
                absl::StrCat("curator_rpcs_total{method=\"", method, "\",code=\"", code, "\"}"));
}

bool Eventually(const std::function<bool()>& condition) {
  const absl::Time deadline = absl::Now() + kEventually;
  while (!condition()) {
    if (absl::Now() > deadline) return false;
  }
  return true;
}

class MetricsTest : public testing_support::TwoCurators {
 protected:
  MetricsTest() { StartBoth(); }
};

TEST_F(MetricsTest, CountsACallOnceUnderItsCode) {
  const std::string method = "metropolis.proto.api.Management/GetClusterInfo";
  mgmt::GetClusterInfoResponse response;
  mgmt::GetRegisterTicketResponse ticket;
  Context served;
  EXPECT_TRUE(a_->ConnectAsOwner().management->GetClusterInfo(&served, {}, &response).ok());
  Context refused;
  EXPECT_THAT(a_->ConnectAs(absl::nullopt).management->GetRegisterTicket(&refused, {}, &ticket),
              HasCode(grpc::StatusCode::UNAUTHENTICATED));
  EXPECT_EQ(Counted(*a_, method, "OK"), 1);
  EXPECT_EQ(Counted(*a_, "metropolis.proto.api.Management/GetRegisterTicket", "UNAUTHENTICATED"),
            1);
}

TEST_F(MetricsTest, CountsWhatAFollowerRefusesAndWhatNobodyServes) {
  const std::string method = "metropolis.proto.api.Management/GetNodes";
  CallGeneric(b_->ConnectAsOwner(), "/" + method);
  EXPECT_EQ(Counted(*b_, method, "UNIMPLEMENTED"), 1);
  for (TestCurator* curator : {a_.get(), b_.get()}) {
    const Client client = curator->ConnectAsOwner();
    CallGeneric(client, "/no.such.Service/A");
    CallGeneric(client, "/no.such.Service/B");
    EXPECT_EQ(Counted(*curator, "other", "UNIMPLEMENTED"), 2);
  }
}

TEST_F(MetricsTest, CountsAStreamOnceWhenItEnds) {
  const std::string method = "metropolis.node.core.curator.proto.api.CuratorLocal/GetCurrentLeader";
  const double before = Counted(*a_, method, "CANCELLED");
  const Client client = a_->ConnectAs(absl::nullopt);
  Context context;
  auto stream = client.local->GetCurrentLeader(&context, {});
  api::GetCurrentLeaderResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(Counted(*a_, method, "CANCELLED"), before);
  context->TryCancel();
  EXPECT_TRUE(Eventually([&] { return Counted(*a_, method, "CANCELLED") == before + 1; }));
}

TEST_F(MetricsTest, ShowsTheRoleAndTheNodesOfALeader) {
  EXPECT_EQ(Sample(*a_, "curator_role{role=\"leader\"}"), 1);
  EXPECT_EQ(Sample(*b_, "curator_role{role=\"follower\"}"), 1);
  EXPECT_EQ(Sample(*b_, "curator_role{role=\"leader\"}"), 0);
  EXPECT_EQ(Sample(*a_, "curator_term"), leading_.term);
  EXPECT_EQ(Sample(*b_, "curator_term"), leading_.term);
  EXPECT_TRUE(Eventually(
      [&] { return Sample(*a_, "curator_nodes{state=\"up\",health=\"unknown\"}") == 2; }));
  EXPECT_FALSE(absl::StrContains(b_->metrics().Text(), "curator_nodes"));
}

TEST_F(MetricsTest, ShowsATakeoverInTheNewLeadersHistogram) {
  EXPECT_EQ(Sample(*a_, "curator_takeover_seconds_count"), 0) << "the first took nothing over";
  a_->Stop();
  b_->WaitToServe(Role::Kind::kLeader);
  // It is counted once the server stands, which may have answered us already.
  EXPECT_TRUE(Eventually([&] { return Sample(*b_, "curator_takeover_seconds_count") == 1; }));
  EXPECT_GT(Sample(*b_, "curator_takeover_seconds_sum"), 0);
  EXPECT_EQ(Sample(*b_, "curator_leadership_changes_total"), 1);
  EXPECT_TRUE(Eventually([&] { return Sample(*b_, "curator_listener_restarts_total") == 1; }));
  EXPECT_EQ(Sample(*b_, "curator_listener_restart_seconds_count"), 1);
  EXPECT_EQ(Sample(*a_, "curator_role{role=\"none\"}"), 1);
}

}  // namespace
}  // namespace curatord
