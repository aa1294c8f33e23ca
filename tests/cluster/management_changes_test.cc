// Management: what operators change, over the wire. The rules one by one are in
// tests/unit/server; this is that the leader holds to them and keeps what it said.
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/store/keys.h"
#include "tests/cluster/leader_server.h"

namespace curatord {
namespace {

using testing_support::Client;
using testing_support::Context;
using testing_support::FailsWith;
using testing_support::FaultyStore;
using testing_support::HasCode;
using testing_support::Succeeded;
using testing_support::TestNode;
namespace mgmt = testing_support::mgmt;
namespace common = testing_support::common;

class ManagementChanges : public testing_support::LeaderServerTest {
 protected:
  static mgmt::ConfigureClusterRequest CountTo(int value) {
    mgmt::ConfigureClusterRequest request;
    request.mutable_update_mask()->add_paths("kubernetes.node_labels_to_synchronize");
    SetCount(request.mutable_base_config(), value - 1);
    SetCount(request.mutable_new_config(), value);
    return request;
  }
  static void SetCount(common::ClusterConfiguration* configuration, int value) {
    auto* kubernetes = configuration->mutable_kubernetes();
    if (value == 0) return;
    kubernetes->add_node_labels_to_synchronize()->set_regexp(absl::StrCat("counter-", value));
  }
  static grpc::Status Configure(const Client& client, const mgmt::ConfigureClusterRequest& request,
                                mgmt::ConfigureClusterResponse* response = nullptr) {
    Context context;
    mgmt::ConfigureClusterResponse unused;
    return client.management->ConfigureCluster(&context, request,
                                               response == nullptr ? &unused : response);
  }
  static grpc::Status UpdateRoles(const Client& client,
                                  const mgmt::UpdateNodeRolesRequest& request) {
    Context context;
    mgmt::UpdateNodeRolesResponse response;
    return client.management->UpdateNodeRoles(&context, request, &response);
  }
  static grpc::Status UpdateLabels(const Client& client,
                                   const mgmt::UpdateNodeLabelsRequest& request) {
    Context context;
    mgmt::UpdateNodeLabelsResponse response;
    return client.management->UpdateNodeLabels(&context, request, &response);
  }
  common::ClusterConfiguration StoredConfiguration() const {
    common::ClusterConfiguration configuration;
    EXPECT_TRUE(configuration.ParseFromString(
        memory_.contents()[std::string(keys::kClusterConfiguration)].value));
    return configuration;
  }

  const Client owner_ = AsOwner();
};

TEST_F(ManagementChanges, ConfigureClusterCountsByCompareAndSet) {
  for (int value = 1; value <= 3; ++value) {
    mgmt::ConfigureClusterResponse response;
    ASSERT_THAT(Configure(owner_, CountTo(value), &response), Succeeded());
    EXPECT_EQ(response.resulting_config().SerializeAsString(),
              StoredConfiguration().SerializeAsString());
    EXPECT_THAT(Configure(owner_, CountTo(value)), HasCode(grpc::StatusCode::FAILED_PRECONDITION));
    Context context;
    mgmt::GetClusterInfoResponse info;
    ASSERT_THAT(owner_.management->GetClusterInfo(&context, {}, &info), Succeeded());
    EXPECT_EQ(info.cluster_configuration().kubernetes().node_labels_to_synchronize(0).regexp(),
              absl::StrCat("counter-", value));
  }
  EXPECT_EQ(StoredConfiguration().tpm_mode(), cluster_.configuration.tpm_mode());
}

// They share transactions, and still exactly one of them is first.
TEST_F(ManagementChanges, ConfigureClusterLetsOneOfManyWhoRaceThrough) {
  std::vector<grpc::Status> results(8);
  std::vector<std::thread> callers;
  for (grpc::Status& result : results) {
    callers.emplace_back([this, &result] { result = Configure(owner_, CountTo(1)); });
  }
  for (std::thread& caller : callers) caller.join();
  int succeeded = 0;
  for (const grpc::Status& result : results) {
    if (result.ok()) {
      ++succeeded;
    } else {
      EXPECT_THAT(result, HasCode(grpc::StatusCode::FAILED_PRECONDITION));
    }
  }
  EXPECT_EQ(succeeded, 1);
}

// What an existing client could not tell from a refusal by a leader that is none.
TEST_F(ManagementChanges, OnADeposedLeaderAreRefusedAsLost) {
  Depose();
  const std::string before = StoredConfiguration().SerializeAsString();
  EXPECT_THAT(Configure(owner_, CountTo(7)),
              FailsWith(grpc::StatusCode::UNAVAILABLE, "LOST_LEADERSHIP"));
  mgmt::UpdateNodeRolesRequest roles;
  roles.set_id(TestNode().id());
  EXPECT_THAT(UpdateRoles(owner_, roles),
              FailsWith(grpc::StatusCode::UNAVAILABLE, "LOST_LEADERSHIP"));
  mgmt::UpdateNodeLabelsRequest labels;
  labels.set_id(TestNode().id());
  EXPECT_THAT(UpdateLabels(owner_, labels),
              FailsWith(grpc::StatusCode::UNAVAILABLE, "LOST_LEADERSHIP"));
  EXPECT_EQ(StoredConfiguration().SerializeAsString(), before);
}

// 1. The store does as asked, its answer is lost. 2. The same request is refused,
// because it was carried out.
TEST_F(ManagementChanges, ConfigureClusterOfUnknownOutcomeCannotApplyTwice) {
  store_.FailCommits({FaultyStore::Fault::kLoseAnswer});
  EXPECT_THAT(Configure(owner_, CountTo(1)),
              FailsWith(grpc::StatusCode::UNAVAILABLE, "OUTCOME_UNKNOWN"));
  EXPECT_THAT(Configure(owner_, CountTo(1)), HasCode(grpc::StatusCode::FAILED_PRECONDITION));
  EXPECT_THAT(Configure(owner_, CountTo(2)), Succeeded());
}

TEST_F(ManagementChanges, UpdateNodeRolesIsDurableWhenItIsAnswered) {
  mgmt::UpdateNodeRolesRequest request;
  request.set_pubkey(leader_node_.public_key());
  request.set_consensus_member(true);
  request.set_kubernetes_controller(true);
  ASSERT_THAT(UpdateRoles(owner_, request), Succeeded());
  EXPECT_TRUE(Stored(leader_node_.id()).roles().has_kubernetes_controller());
  EXPECT_FALSE(Stored(leader_node_.id()).roles().consensus_member().peer_certificate().empty());
  request.clear_kubernetes_controller();
  request.set_consensus_member(false);
  EXPECT_THAT(UpdateRoles(owner_, request), HasCode(grpc::StatusCode::FAILED_PRECONDITION));
  request.clear_node();
  EXPECT_THAT(UpdateRoles(owner_, request), HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  request.set_id(TestNode().id());
  EXPECT_THAT(UpdateRoles(owner_, request), HasCode(grpc::StatusCode::NOT_FOUND));
}

TEST_F(ManagementChanges, UpdateNodeLabelsIsDurableWhenItIsAnswered) {
  mgmt::UpdateNodeLabelsRequest request;
  request.set_id(leader_node_.id());
  auto* pair = request.add_upsert();
  pair->set_key("example.com/zone");
  pair->set_value("a");
  ASSERT_THAT(UpdateLabels(owner_, request), Succeeded());
  ASSERT_EQ(Stored(leader_node_.id()).labels().pairs_size(), 1);
  EXPECT_EQ(Stored(leader_node_.id()).labels().pairs(0).value(), "a");
  request.add_delete_("example.com/zone");
  EXPECT_THAT(UpdateLabels(owner_, request), HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  request.clear_upsert();
  ASSERT_THAT(UpdateLabels(owner_, request), Succeeded());
  EXPECT_EQ(Stored(leader_node_.id()).labels().pairs_size(), 0);
  request.clear_delete_();
  for (int i = 0; i < 129; ++i) request.add_upsert()->set_key(absl::StrCat("l", i));
  EXPECT_THAT(UpdateLabels(owner_, request), HasCode(grpc::StatusCode::OUT_OF_RANGE));
  EXPECT_EQ(Stored(leader_node_.id()).labels().pairs_size(), 0);
}

// However much of it there was: the text of an error has to fit into headers.
TEST_F(ManagementChanges, AnswerBadInputReadably) {
  mgmt::UpdateNodeLabelsRequest request;
  request.set_id(std::string(1 << 20, 'i'));
  EXPECT_THAT(UpdateLabels(owner_, request), HasCode(grpc::StatusCode::NOT_FOUND));
  request.set_id(leader_node_.id());
  request.add_upsert()->set_key(std::string(1 << 20, ' '));
  EXPECT_THAT(UpdateLabels(owner_, request), HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  mgmt::ConfigureClusterRequest configure = CountTo(1);
  configure.mutable_update_mask()->add_paths(std::string(1 << 20, 'p'));
  EXPECT_THAT(Configure(owner_, configure), HasCode(grpc::StatusCode::INVALID_ARGUMENT));
}

TEST_F(ManagementChanges, AreForUsersOnly) {
  mgmt::UpdateNodeRolesRequest roles;
  roles.set_id(leader_node_.id());
  roles.set_kubernetes_worker(true);
  mgmt::UpdateNodeLabelsRequest labels;
  labels.set_id(leader_node_.id());
  labels.add_upsert()->set_key("a");
  const Client node = AsNode(leader_node_), nobody = AsNobody();
  EXPECT_THAT(UpdateRoles(node, roles), HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_THAT(UpdateLabels(node, labels), HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_THAT(Configure(node, CountTo(1)), HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_THAT(UpdateRoles(nobody, roles), HasCode(grpc::StatusCode::UNAUTHENTICATED));
  EXPECT_FALSE(Stored(leader_node_.id()).roles().has_kubernetes_worker());
}

}  // namespace
}  // namespace curatord
