// Management: what operators ask of a leader.
#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "metropolis/storage.pb.h"
#include "server/store/keys.h"
#include "tests/cluster/leader_server.h"

namespace curatord {
namespace {

using testing::IsSubsetOf;
using testing_support::Client;
using testing_support::Context;
using testing_support::FailsWith;
using testing_support::FaultyStore;
using testing_support::HasCode;
using testing_support::Succeeded;
using testing_support::TestNode;
namespace mgmt = testing_support::mgmt;
namespace common = testing_support::common;

class Management : public testing_support::LeaderServerTest {
 protected:
  struct Listing {
    std::vector<mgmt::Node> nodes;
    grpc::Status status;
    int64_t term = 0;
  };
  Listing List(const Client& client, const std::string& filter = "") {
    Context context;
    mgmt::GetNodesRequest request;
    request.set_filter(filter);
    auto stream = client.management->GetNodes(&context, request);
    Listing listing;
    mgmt::Node node;
    while (stream->Read(&node)) listing.nodes.push_back(node);
    listing.status = stream->Finish();
    listing.term = testing_support::TermIn(&context);
    return listing;
  }

  const Client owner_ = AsOwner();
};

TEST_F(Management, GetNodesListsAllByIdInTheShapeOfTheProtocol) {
  TestNode node;
  node.record.set_cluster_unlock_key("unlock-secret");
  node.record.mutable_roles()->mutable_consensus_member()->set_ca_certificate("ca");
  for (const char* key : {"zone", "arch", "disk"}) {
    node.record.mutable_labels()->add_pairs()->set_key(key);
  }
  Put(node);
  for (int i = 0; i < 30; ++i) Put(TestNode(common::NODE_STATE_NEW));
  const Listing listing = List(owner_);
  ASSERT_THAT(listing.status, Succeeded());
  EXPECT_EQ(listing.term, term_);
  ASSERT_EQ(listing.nodes.size(), 32u);
  EXPECT_TRUE(std::is_sorted(listing.nodes.begin(), listing.nodes.end(),
                             [](const auto& a, const auto& b) { return a.id() < b.id(); }));
  for (const mgmt::Node& listed : listing.nodes) {
    EXPECT_TRUE(listed.has_roles());
    EXPECT_EQ(listed.pubkey().size(), 32u);
    EXPECT_EQ(listed.SerializeAsString().find("unlock-secret"), std::string::npos);
    if (listed.id() != node.id()) continue;
    EXPECT_TRUE(listed.roles().has_consensus_member());
    EXPECT_EQ(listed.roles().consensus_member().ByteSizeLong(), 0u);
    ASSERT_EQ(listed.labels().pairs_size(), 3);
    EXPECT_EQ(listed.labels().pairs(0).key(), "arch");
    EXPECT_EQ(listed.labels().pairs(2).key(), "zone");
  }
}

TEST_F(Management, GetNodesListsThoseOfWhichTheFilterHolds) {
  TestNode node(common::NODE_STATE_NEW);
  node.record.mutable_status()->set_external_address("10.8.0.2");
  Put(node);
  for (int i = 0; i < 5; ++i) Put(TestNode(common::NODE_STATE_STANDBY));
  const auto select = [&](const std::string& filter) {
    const Listing listing = List(owner_, filter);
    EXPECT_THAT(listing.status, Succeeded()) << filter;
    std::vector<std::string> ids;
    for (const mgmt::Node& listed : listing.nodes) ids.push_back(listed.id());
    return ids;
  };
  const std::vector<std::string> only = {node.id()};
  EXPECT_EQ(select("node.status.external_address==\"10.8.0.2\""), only);
  EXPECT_EQ(select("node.state == NODE_STATE_NEW"), only);
  EXPECT_EQ(select(absl::StrCat("node.id == \"", node.id(), "\"")), only);
  EXPECT_EQ(select("node.state == NODE_STATE_STANDBY && !has(node.roles.kubernetes_worker)").size(),
            5u);
  EXPECT_EQ(select("node.health == HEALTH_HEALTHY || node.time_since_heartbeat > duration('5s')"),
            std::vector<std::string>());
}

TEST_F(Management, GetNodesRefusesAFilterItCannotUseBeforeAnythingIsSent) {
  for (const std::string& filter :
       {std::string("node.stat == 1"), std::string("node.id"), std::string("node.id =="),
        std::string(1 << 20, '('), "node.id == '" + std::string(1 << 20, 'x') + "'"}) {
    const Listing listing = List(owner_, filter);
    EXPECT_THAT(listing.status, HasCode(grpc::StatusCode::INVALID_ARGUMENT));
    EXPECT_TRUE(listing.nodes.empty());
  }
  EXPECT_THAT(List(owner_, "node.stat == 1").status.error_message(), testing::HasSubstr("column"));
}

TEST_F(Management, GetNodesOfAnEmptyClusterIsEmpty) {
  Delete(keys::Node(leader_node_.id()));
  const Listing listing = List(owner_);
  EXPECT_THAT(listing.status, Succeeded());
  EXPECT_TRUE(listing.nodes.empty());
}

TEST_F(Management, GetNodesSendsMoreThanAWindowful) {
  for (int i = 0; i < 3000; ++i) {
    memory_.Put(keys::Node(TestNode().id()), "");  // damaged: not listed
    const TestNode node;
    memory_.Put(keys::Node(node.id()), node.record.SerializeAsString());
  }
  PutKey("/settled", "");
  EXPECT_EQ(List(owner_).nodes.size(), 3001u);
}

TEST_F(Management, GetNodesIsForNodesTooAndForNobodyElse) {
  EXPECT_THAT(List(AsNode(leader_node_)).status, Succeeded());
  EXPECT_THAT(List(AsNobody()).status, HasCode(grpc::StatusCode::UNAUTHENTICATED));
  EXPECT_THAT(List(AsKey(cluster_.owner_key)).status, HasCode(grpc::StatusCode::UNAUTHENTICATED));
}

TEST_F(Management, ReadsOfADeposedLeaderAreRefused) {
  Depose();
  EXPECT_THAT(List(owner_).status, FailsWith(grpc::StatusCode::UNAVAILABLE, "LOST_LEADERSHIP"));
  Context context;
  mgmt::GetClusterInfoResponse response;
  EXPECT_THAT(owner_.management->GetClusterInfo(&context, {}, &response),
              FailsWith(grpc::StatusCode::UNAVAILABLE, "LOST_LEADERSHIP"));
}

TEST_F(Management, ReadsWithoutAStoreAreRefused) {
  store_.SetDown(true);
  EXPECT_THAT(List(owner_).status, FailsWith(grpc::StatusCode::UNAVAILABLE, "STORE_UNAVAILABLE"));
  store_.SetDown(false);
  EXPECT_THAT(List(owner_).status, Succeeded());
}

TEST_F(Management, GetClusterInfoListsAtMost15NodesThatAreUpByPublicKey) {
  std::vector<std::string> up = {leader_node_.public_key()};
  std::map<std::string, std::string> addresses;
  for (int i = 0; i < 20; ++i) {
    TestNode node;
    if (i % 2 == 0) {
      node.record.mutable_status()->set_external_address(absl::StrCat("10.0.0.", i));
      addresses[node.id()] = absl::StrCat("10.0.0.", i);
    }
    Put(node);
    up.push_back(node.public_key());
    Put(TestNode(common::NODE_STATE_STANDBY));
  }
  std::sort(up.begin(), up.end());
  Context context;
  mgmt::GetClusterInfoResponse response;
  ASSERT_THAT(owner_.management->GetClusterInfo(&context, {}, &response), Succeeded());
  ASSERT_EQ(response.cluster_directory().nodes_size(), 15);
  for (int i = 0; i < 15; ++i) {
    const auto& listed = response.cluster_directory().nodes(i);
    EXPECT_EQ(listed.id(), state_.FindNode(listed.id())->id);
    EXPECT_EQ(state_.FindNode(listed.id())->Parse().public_key(), up[static_cast<size_t>(i)]);
    auto address = addresses.find(listed.id());
    ASSERT_EQ(listed.addresses_size(), address == addresses.end() ? 0 : 1);
    if (address == addresses.end()) continue;
    EXPECT_EQ(listed.addresses(0).host(), address->second);
  }
  EXPECT_EQ(response.ca_certificate(), cluster_.pki.ca.der());
  EXPECT_EQ(response.cluster_configuration().SerializeAsString(),
            cluster_.configuration.SerializeAsString());
  EXPECT_EQ(testing_support::TermIn(&context), term_);
}

TEST_F(Management, GetRegisterTicketCreatesItOnFirstUse) {
  Delete(std::string(keys::kRegisterTicket));
  std::string first;
  for (int i = 0; i < 2; ++i) {
    Context context;
    mgmt::GetRegisterTicketResponse response;
    ASSERT_THAT(owner_.management->GetRegisterTicket(&context, {}, &response), Succeeded());
    if (i == 0) first = response.ticket();
    EXPECT_EQ(response.ticket(), first);
  }
  EXPECT_EQ(first.size(), 34u);
  curator::storage::RegisterTicket ticket;
  ASSERT_TRUE(ticket.ParseFromString(first));
  EXPECT_EQ(ticket.opaque().size(), 32u);
  EXPECT_EQ(memory_.contents()[std::string(keys::kRegisterTicket)].value, first);
}

TEST_F(Management, GetRegisterTicketGivesAllWhoAskAtOnceTheSame) {
  Delete(std::string(keys::kRegisterTicket));
  std::vector<std::string> tickets(8);
  std::vector<std::thread> callers;
  for (std::string& ticket : tickets) {
    callers.emplace_back([this, &ticket] {
      Context context;
      mgmt::GetRegisterTicketResponse response;
      EXPECT_THAT(owner_.management->GetRegisterTicket(&context, {}, &response), Succeeded());
      ticket = response.ticket();
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const std::string& ticket : tickets) EXPECT_EQ(ticket, tickets[0]);
}

TEST_F(Management, ApproveNodeIsDurableWhenItIsAnswered) {
  const TestNode node(common::NODE_STATE_NEW);
  Put(node);
  for (int i = 0; i < 2; ++i) {
    Context context;
    mgmt::ApproveNodeRequest request;
    request.set_pubkey(node.public_key());
    mgmt::ApproveNodeResponse response;
    EXPECT_THAT(owner_.management->ApproveNode(&context, request, &response), Succeeded());
    EXPECT_EQ(testing_support::TermIn(&context), term_);
    EXPECT_EQ(Stored(node.id()).fsm_state(), common::NODE_STATE_STANDBY);
  }
}

TEST_F(Management, ChangesAreForUsersOnly) {
  const TestNode node(common::NODE_STATE_NEW);
  Put(node);
  Context context;
  mgmt::ApproveNodeRequest request;
  request.set_pubkey(node.public_key());
  mgmt::ApproveNodeResponse response;
  EXPECT_THAT(AsNode(leader_node_).management->ApproveNode(&context, request, &response),
              HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_EQ(Stored(node.id()).fsm_state(), common::NODE_STATE_NEW);
}

// The caller cannot know, and is told so; what the store did shows afterwards.
TEST_F(Management, AChangeWhoseAnswerWasLostIsOfUnknownOutcomeAndThenShows) {
  const TestNode node(common::NODE_STATE_NEW);
  Put(node);
  store_.FailCommits({FaultyStore::Fault::kLoseAnswer});
  Context context;
  mgmt::ApproveNodeRequest request;
  request.set_pubkey(node.public_key());
  mgmt::ApproveNodeResponse response;
  EXPECT_THAT(owner_.management->ApproveNode(&context, request, &response),
              FailsWith(grpc::StatusCode::UNAVAILABLE, "OUTCOME_UNKNOWN"));
  for (const mgmt::Node& listed : List(owner_).nodes) {
    EXPECT_NE(listed.state(), common::NODE_STATE_NEW) << listed.id();
  }
}

// 1. A change waits for the store. 2. Its caller leaves. 3. The store goes on.
TEST_F(Management, ACallerThatLeavesDoesNotUndoItsChange) {
  const TestNode node(common::NODE_STATE_NEW);
  Put(node);
  store_.FailCommits({FaultyStore::Fault::kHoldRequest});
  {
    Context context;
    mgmt::ApproveNodeRequest request;
    request.set_pubkey(node.public_key());
    mgmt::ApproveNodeResponse response;
    std::thread leaving([&] {
      store_.WaitUntilHeld(1);
      context->TryCancel();
    });
    EXPECT_THAT(owner_.management->ApproveNode(&context, request, &response),
                HasCode(grpc::StatusCode::CANCELLED));
    leaving.join();
  }
  store_.Release();
  // A later write comes after it on the lane.
  Context context;
  mgmt::GetRegisterTicketResponse ticket;
  EXPECT_THAT(owner_.management->GetRegisterTicket(&context, {}, &ticket), Succeeded());
  EXPECT_EQ(Stored(node.id()).fsm_state(), common::NODE_STATE_STANDBY);
}

}  // namespace
}  // namespace curatord
