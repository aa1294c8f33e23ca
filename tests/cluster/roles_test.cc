// What a curator serves in which role (protocol section 3).
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "curator/v1/cluster_operations.pb.h"
#include "curator/v1/nodes.pb.h"
#include "google/protobuf/descriptor.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "server/rpc/services.h"
#include "server/store/keys.h"
#include "tests/cluster/two_curators.h"
#include "tests/support/memory_store.h"

namespace curatord {
namespace {

using testing_support::Client;
using testing_support::Context;
using testing_support::FailsWith;
using testing_support::HasCode;
using testing_support::InfoOf;
using testing_support::Succeeded;
using testing_support::TermIn;
using testing_support::TestCluster;
using testing_support::TestCurator;
using testing_support::TestNode;
namespace api = testing_support::api;
namespace mgmt = testing_support::mgmt;

// "/package.Service/Method" of every method that a curator could be asked for.
std::vector<std::string> AllMethods() {
  const google::protobuf::FileDescriptor* const files[] = {
      api::WatchRequest::descriptor()->file(),
      mgmt::GetNodesRequest::descriptor()->file(),
      mgmt::EscrowRequest::descriptor()->file(),
      curator::v1::GetServerStatusRequest::descriptor()->file(),
      curator::v1::TransferLeadershipRequest::descriptor()->file(),
      curator::v1::ListNodesRequest::descriptor()->file(),
      grpc::health::v1::HealthCheckRequest::descriptor()->file(),
      grpc::reflection::v1alpha::ServerReflectionRequest::descriptor()->file(),
  };
  std::vector<std::string> methods;
  for (const auto* file : files) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        methods.push_back(absl::StrCat("/", file->service(s)->full_name(), "/",
                                       file->service(s)->method(m)->name()));
      }
    }
  }
  return methods;
}

bool ServedByFollowers(const std::string& method) {
  return absl::StrContains(method, ".CuratorLocal/") || method == "/curator.v1.ServerStatus/Get" ||
         method == "/grpc.health.v1.Health/Check" || method == "/grpc.health.v1.Health/Watch" ||
         absl::StrContains(method, "/ServerReflectionInfo");
}

using Roles = testing_support::TwoCurators;

TEST_F(Roles, TheListOfServicesIsThatOfTheProtocol) {
  std::set<std::string> in_protocol, listed;
  for (const std::string& method : AllMethods()) {
    in_protocol.insert(method.substr(1, method.rfind('/') - 1));
  }
  for (const ServedService& served : kServedServices) listed.emplace(served.name);
  EXPECT_EQ(listed, in_protocol);
}

TEST_F(Roles, ALeaderServesEveryMethod) {
  StartBoth();
  const Client client = a_->ConnectAsOwner();
  for (const std::string& method : AllMethods()) {
    // It would lead no more; transfer_test.cc has it.
    if (absl::EndsWith(method, "/TransferLeadership")) continue;
    const auto result = CallGeneric(client, method);
    if (result.answered || result.status.error_code() != grpc::StatusCode::UNIMPLEMENTED) continue;
    // A watch without a kind is one by the protocol; the rest is said to be not built.
    if (absl::EndsWith(method, "/Watch")) continue;
    if (absl::EndsWith(method, "/Escrow")) continue;
    EXPECT_EQ(InfoOf(result.status).reason(), "UNSUPPORTED") << method;
  }
}

TEST_F(Roles, AFollowerServesTheNamedFewAndRefusesTheRest) {
  StartBoth();
  const Client client = b_->ConnectAsOwner();
  std::vector<std::string> methods = AllMethods();
  for (const char* unknown : {"/metropolis.proto.api.Management/NoSuchMethod",
                              "/no.such.Service/Method", "/grpc.health.v1.Health/NoSuchMethod"}) {
    methods.push_back(unknown);
  }
  int served = 0;
  for (const std::string& method : methods) {
    SCOPED_TRACE(method);
    const auto result = CallGeneric(client, method);
    if (ServedByFollowers(method)) {
      EXPECT_TRUE(result.answered) << result.status.error_message();
      ++served;
      continue;
    }
    EXPECT_FALSE(result.answered);
    EXPECT_THAT(result.status, FailsWith(grpc::StatusCode::UNIMPLEMENTED, "NOT_LEADER"));
    const auto info = InfoOf(result.status);
    EXPECT_EQ(info.metadata().at("leader_id"), node_a_.id());
    EXPECT_EQ(info.metadata().at("leader_address"), a_->address());
    EXPECT_EQ(info.metadata().at("term"), absl::StrCat(leading_.term));
  }
  EXPECT_EQ(served, 6);
}

TEST_F(Roles, AFollowerTellsEverybodyThatItFollows) {
  StartBoth();
  const Client client = b_->ConnectAs(absl::nullopt);
  EXPECT_THAT(CallGeneric(client, "/metropolis.proto.api.Management/GetNodes").status,
              FailsWith(grpc::StatusCode::UNIMPLEMENTED, "NOT_LEADER"));
}

TEST_F(Roles, WithoutARoleThereIsNoListener) {
  EXPECT_TRUE(testing_support::IsRefused(a_->address()));
  a_->Start();
  a_->WaitToServe(Role::Kind::kLeader);
  EXPECT_FALSE(testing_support::IsRefused(a_->address()));
  // The election alone ends; its listener is still there to serve roles.
  a_->election().Stop();
  a_->WaitFor(Role::Kind::kNone);
  const absl::Time deadline = absl::Now() + testing_support::kEventually;
  while (!testing_support::IsRefused(a_->address()) && absl::Now() < deadline) {
  }
  EXPECT_TRUE(testing_support::IsRefused(a_->address()));
}

TEST_F(Roles, ALeaderNamesItselfToWhoeverAsksAndHoldsTheStreamSlow) {
  StartBoth();
  const Client client = a_->ConnectAs(absl::nullopt);
  Context context(absl::Seconds(2));
  auto stream = client.local->GetCurrentLeader(&context, {});
  api::GetCurrentLeaderResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.leader_node_id(), node_a_.id());
  EXPECT_EQ(response.this_node_id(), node_a_.id());
  EXPECT_EQ(response.leader_host(), a_->host());
  EXPECT_EQ(response.leader_port(), 7835);
  EXPECT_EQ(TermIn(&context), leading_.term);
  // Nothing more, and no end, for as long as we wait.
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_THAT(stream->Finish(), HasCode(grpc::StatusCode::DEADLINE_EXCEEDED));
}

TEST_F(Roles, AFollowerNamesItsLeader) {
  StartBoth();
  const Client client = b_->ConnectAs(absl::nullopt);
  Context context;
  auto stream = client.local->GetCurrentLeader(&context, {});
  api::GetCurrentLeaderResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.leader_node_id(), node_a_.id());
  EXPECT_EQ(response.this_node_id(), node_b_.id());
  EXPECT_EQ(response.leader_host(), a_->host());
  EXPECT_EQ(response.leader_port(), 7835);
  EXPECT_EQ(TermIn(&context), leading_.term);
  context->TryCancel();
}

TEST_F(Roles, ANewLeaderHasItsAddressInItsRecordBeforeItListens) {
  a_->Start();
  const Client client = a_->ConnectAsOwner();
  Context context;
  mgmt::Node node;
  auto stream = client.management->GetNodes(&context, {});
  bool found = false;
  while (stream->Read(&node)) {
    if (node.id() != node_a_.id()) continue;
    found = true;
    EXPECT_EQ(node.status().external_address(), a_->host());
    EXPECT_EQ(node.status().running_curator().port(), 7835);
    EXPECT_GT(node.status().timestamp().seconds(), 0);
  }
  EXPECT_THAT(stream->Finish(), Succeeded());
  EXPECT_TRUE(found);
}

TEST_F(Roles, EveryRoleTellsTheCaAndItsStatus) {
  StartBoth();
  for (TestCurator* curator : {a_.get(), b_.get()}) {
    const Client client = curator->ConnectAs(absl::nullopt);
    api::GetCACertificateResponse ca;
    grpc::Status told;
    const absl::Time deadline = absl::Now() + testing_support::kEventually;
    do {  // a follower serves before it has read the store, and says so
      Context context;
      told = client.local->GetCACertificate(&context, {}, &ca);
    } while (told.error_code() == grpc::StatusCode::UNAVAILABLE && absl::Now() < deadline);
    ASSERT_THAT(told, Succeeded());
    EXPECT_EQ(ca.identity_ca_certificate(), cluster_.pki.ca.der());

    Context refused;
    curator::v1::GetServerStatusResponse status;
    EXPECT_THAT(client.status->Get(&refused, {}, &status),
                HasCode(grpc::StatusCode::UNAUTHENTICATED));
    Context as_owner;
    ASSERT_THAT(curator->ConnectAsOwner().status->Get(&as_owner, {}, &status), Succeeded());
    EXPECT_EQ(status.node_id(), curator->node().id());
    EXPECT_EQ(status.role(),
              curator == a_.get() ? curator::v1::ROLE_LEADER : curator::v1::ROLE_FOLLOWER);
    EXPECT_EQ(status.term(), leading_.term);
    EXPECT_EQ(status.leader_node_id(), node_a_.id());
    EXPECT_EQ(status.leader_address(), a_->address());
    ASSERT_EQ(status.parts_size(), 4);
    for (const auto& part : status.parts()) {
      EXPECT_EQ(part.health(), curator::v1::Part::HEALTH_RUNNING) << part.name();
      EXPECT_EQ(part.restarts(), 0u) << part.name();
    }
  }
}

TEST_F(Roles, TheFollowerLeadsWhenTheLeaderStopsAndStreamsAreCut) {
  StartBoth();
  const Client client = a_->ConnectAsOwner();
  const Client node = a_->ConnectAs(cluster_.NodeIdentity(node_b_));
  Context leader_context, watch_context, heartbeat_context, follower_context;
  auto leader_stream = client.local->GetCurrentLeader(&leader_context, {});
  api::GetCurrentLeaderResponse leader;
  ASSERT_TRUE(leader_stream->Read(&leader));
  api::WatchRequest all;
  all.mutable_nodes_in_cluster();
  auto watch = client.curator->Watch(&watch_context, all);
  api::WatchEvent event;
  ASSERT_TRUE(watch->Read(&event));
  auto heartbeat = node.curator->Heartbeat(&heartbeat_context);
  api::HeartbeatResponse beat;
  ASSERT_TRUE(heartbeat->Write({}) && heartbeat->Read(&beat));
  const Client follower = b_->ConnectAs(absl::nullopt);
  auto follower_stream = follower.local->GetCurrentLeader(&follower_context, {});
  ASSERT_TRUE(follower_stream->Read(&leader));

  a_->Stop();
  EXPECT_FALSE(leader_stream->Read(&leader));
  EXPECT_THAT(leader_stream->Finish(), HasCode(grpc::StatusCode::UNAVAILABLE));
  while (watch->Read(&event)) {
  }
  EXPECT_THAT(watch->Finish(), HasCode(grpc::StatusCode::UNAVAILABLE));
  EXPECT_FALSE(heartbeat->Read(&beat));
  EXPECT_THAT(heartbeat->Finish(), HasCode(grpc::StatusCode::UNAVAILABLE));
  EXPECT_FALSE(follower_stream->Read(&leader));
  EXPECT_THAT(follower_stream->Finish(), HasCode(grpc::StatusCode::UNAVAILABLE));

  const Role next = b_->WaitToServe(Role::Kind::kLeader);
  EXPECT_NE(next.term, leading_.term);
  Context context;
  mgmt::GetRegisterTicketResponse ticket;
  EXPECT_THAT(b_->ConnectAsOwner().management->GetRegisterTicket(&context, {}, &ticket),
              Succeeded());
  EXPECT_EQ(ticket.ticket(), cluster_.ticket);
}

// A deposed leader that has not noticed answers nothing and changes nothing.
TEST_F(Roles, AWriteToADeposedLeaderIsNotApplied) {
  StartBoth();
  const Client client = a_->ConnectAsOwner();
  Context connect;
  mgmt::GetClusterInfoResponse info;
  ASSERT_THAT(client.management->GetClusterInfo(&connect, {}, &info), Succeeded());
  TestNode fresh(metropolis::proto::common::NODE_STATE_NEW);
  const absl::Time deadline = absl::Now() + testing_support::kEventually;
  // In one transaction: the node to be approved is there, and the leader is not.
  std::vector<Operation> operations = cluster_.ContentsOf(fresh);
  operations.push_back(Operation::Delete(leading_.lock_key));
  ASSERT_TRUE(stores_[1]->Commit({}, operations, deadline).ok());
  mgmt::ApproveNodeRequest request;
  request.set_pubkey(fresh.public_key());
  mgmt::ApproveNodeResponse response;
  Context context(testing_support::kEventually, /*wait_for_ready=*/false);
  // Refused by the fence, by the role that followed, or cut in between.
  const grpc::Status status = client.management->ApproveNode(&context, request, &response);
  EXPECT_FALSE(status.ok());
  auto stored = stores_[1]->Range(keys::Node(fresh.id()), deadline);
  ASSERT_TRUE(stored.ok());
  EXPECT_EQ(stored->kvs[0].create_revision, stored->kvs[0].mod_revision);
}

}  // namespace
}  // namespace curatord
