// Changes of one node: applied, unchanged, refused, and what became of a lost answer.
#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "libclient/identity/node_id.h"
#include "tests/unit/net/client_fixture.h"

namespace curator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::Call;
using testing_support::ClientTest;
using testing_support::kSlack;
using testing_support::ScriptedCurator;
using testing_support::Verdictless;
using testing_support::WireNode;
namespace management = metropolis::proto::api;
namespace common = metropolis::proto::common;

class NodeOperations : public ClientTest {
 protected:
  NodeOperations() {
    leader_.SetNodes({wire_});
    leader_.Lead(7);
    client_ = NewClient({leader_.address()});
  }

  void AddWireLabel(const std::string& key, const std::string& value) {
    auto& pair = *wire_.mutable_labels()->add_pairs();
    pair.set_key(key);
    pair.set_value(value);
    leader_.SetNodes({wire_});
  }

  // `method` is answered so, once `effect` has taken place; all else is OK.
  void Answer(const std::string& method, const Verdictless& answer,
              std::function<void()> effect = {}) {
    leader_.SetHandler([=](const Call& call) -> Verdictless {
      if (call.method != method) return grpc::Status::OK;
      if (effect) effect();
      return answer;
    });
  }

  const std::string key_ = std::string(32, 'k');
  const std::string id_ = identity::NodeIdFromPublicKey(key_);
  management::Node wire_ = WireNode(key_, common::NODE_STATE_UP);
  ScriptedCurator& leader_ = AddCurator();
  std::unique_ptr<Client> client_;
  const CallOptions soon_ = Within(kSlack);
  const Verdictless never_answers_ = absl::nullopt;
};

TEST_F(NodeOperations, LabelsAreSentAsOneChangeAndToldBeforeAndAfter) {
  AddWireLabel("zone", "a");
  AddWireLabel("disk", "ssd");
  LabelChange change;
  change.set = {{"zone", "b"}, {"empty", ""}};
  change.remove = {"disk", "absent"};
  const auto result = client_->UpdateNodeLabels(id_, change, soon_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kApplied);
  EXPECT_EQ(result->before.labels, (Labels{{"disk", "ssd"}, {"zone", "a"}}));
  EXPECT_EQ(result->after.labels, (Labels{{"empty", ""}, {"zone", "b"}}));
  const auto request = leader_.LastRequest<management::UpdateNodeLabelsRequest>("UpdateNodeLabels");
  EXPECT_EQ(request.id(), id_);
  ASSERT_EQ(request.upsert_size(), 2);
  EXPECT_EQ(request.upsert(0).key(), "empty");
  EXPECT_EQ(request.upsert(1).value(), "b");
  EXPECT_THAT(request.delete_(), ElementsAre("absent", "disk"));
}

// A node cannot have such a key, but only the server says so.
TEST_F(NodeOperations, LabelsThatWouldChangeNothingAreStillJudgedByTheServer) {
  LabelChange change;
  change.remove = {"no key"};
  auto result = client_->UpdateNodeLabels(id_, change, soon_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kUnchanged);
  Answer("UpdateNodeLabels", grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "bad key"));
  EXPECT_EQ(ErrorOf(client_->UpdateNodeLabels(id_, change, soon_).status()).code,
            ErrorCode::kInvalidArgument);
}

TEST_F(NodeOperations, AContradictionIsNotSent) {
  LabelChange labels;
  labels.set = {{"zone", "a"}};
  labels.remove = {"zone"};
  EXPECT_EQ(ErrorOf(client_->UpdateNodeLabels(id_, labels, soon_).status()).code,
            ErrorCode::kInvalidArgument);
  RoleChange roles;
  roles.add = roles.remove = {NodeRole::kKubernetesWorker};
  EXPECT_EQ(ErrorOf(client_->UpdateNodeRoles(id_, roles, soon_).status()).code,
            ErrorCode::kInvalidArgument);
  EXPECT_THAT(leader_.calls(), IsEmpty());
}

TEST_F(NodeOperations, NeedANodeIdOfANodeThatExists) {
  const std::string unknown = "metropolis-" + std::string(32, '0');
  for (const auto& [id, code] : {std::pair{std::string("x"), ErrorCode::kInvalidArgument},
                                 std::pair{unknown, ErrorCode::kNotFound}}) {
    EXPECT_EQ(ErrorOf(client_->UpdateNodeLabels(id, {}, soon_).status()).code, code);
    EXPECT_EQ(ErrorOf(client_->UpdateNodeRoles(id, {}, soon_).status()).code, code);
    EXPECT_EQ(ErrorOf(client_->DeleteNode(id, {}, soon_).status()).code, code);
    EXPECT_EQ(ErrorOf(client_->DecommissionNode(id, soon_).status()).code, code);
  }
  EXPECT_EQ(leader_.CountCalls("DeleteNode"), 0);
}

TEST_F(NodeOperations, RolesThatAreNotNamedStayUnset) {
  wire_.mutable_roles()->mutable_consensus_member();
  leader_.SetNodes({wire_});
  RoleChange change;
  change.add = {NodeRole::kKubernetesWorker};
  change.remove = {NodeRole::kConsensusMember};
  auto result = client_->UpdateNodeRoles(id_, change, soon_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kApplied);
  EXPECT_THAT(result->before.roles, ElementsAre(NodeRole::kConsensusMember));
  EXPECT_THAT(result->after.roles, ElementsAre(NodeRole::kKubernetesWorker));
  const auto request = leader_.LastRequest<management::UpdateNodeRolesRequest>("UpdateNodeRoles");
  EXPECT_TRUE(request.kubernetes_worker());
  EXPECT_TRUE(request.has_consensus_member());
  EXPECT_FALSE(request.consensus_member());
  EXPECT_FALSE(request.has_kubernetes_controller());

  change.add = {NodeRole::kConsensusMember};
  change.remove = {NodeRole::kKubernetesController};
  result = client_->UpdateNodeRoles(id_, change, soon_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kUnchanged);
  EXPECT_EQ(leader_.CountCalls("UpdateNodeRoles"), 1);
}

TEST_F(NodeOperations, DeletingSendsOnlyTheBypassesThatAreGiven) {
  for (const bool roles : {false, true}) {
    for (const bool up : {false, true}) {
      const auto result = client_->DeleteNode(id_, {roles, up}, soon_);
      ASSERT_TRUE(result.ok()) << result.status();
      EXPECT_EQ(result->outcome, ChangeOutcome::kApplied);
      EXPECT_EQ(result->before.id, id_);
      const auto request = leader_.LastRequest<management::DeleteNodeRequest>("DeleteNode");
      EXPECT_EQ(request.id(), id_);
      EXPECT_EQ(request.has_safety_bypass_has_roles(), roles);
      EXPECT_EQ(request.has_safety_bypass_not_decommissioned(), up);
    }
  }
}

TEST_F(NodeOperations, ARefusalIsPassedOn) {
  Answer("DeleteNode", grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "it is UP"));
  const Error error = ErrorOf(client_->DeleteNode(id_, {}, soon_).status());
  EXPECT_EQ(error.code, ErrorCode::kRefused);
  EXPECT_EQ(error.message, "it is UP");
}

TEST_F(NodeOperations, DecommissioningTwiceChangesNothing) {
  auto result = client_->DecommissionNode(id_, soon_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kApplied);
  EXPECT_EQ(result->state, DecommissionState::kRequested);
  EXPECT_EQ(result->before.state, NodeState::kUp);
  leader_.SetDecommission(v1::Decommission::STATE_IN_PROGRESS);
  result = client_->DecommissionNode(id_, soon_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kUnchanged);
  EXPECT_EQ(result->state, DecommissionState::kInProgress);
  EXPECT_EQ(*client_->GetDecommission(id_, soon_), DecommissionState::kInProgress);
  wire_.set_state(common::NODE_STATE_DECOMMISSIONED);
  leader_.SetNodes({wire_});
  result = client_->DecommissionNode(id_, soon_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kUnchanged);
  EXPECT_EQ(result->state, DecommissionState::kDone);
  EXPECT_EQ(leader_.CountCalls("DecommissionNode"), 1);
}

TEST_F(NodeOperations, AServerThatCannotDecommissionIsUnsupported) {
  leader_.SetHandler([](const Call& call) -> Verdictless {
    return call.method == "DecommissionNode" || call.method == "GetDecommission"
               ? grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "")
               : grpc::Status::OK;
  });
  const Error error = ErrorOf(client_->DecommissionNode(id_, soon_).status());
  EXPECT_EQ(error.code, ErrorCode::kUnsupported);
  EXPECT_EQ(error.method, "Management.DecommissionNode");
}

TEST_F(NodeOperations, ADecommissioningWhoseAnswerIsLostIsAskedForAgain) {
  int asked = 0;
  leader_.SetHandler([&asked](const Call& call) -> Verdictless {
    if (call.method != "DecommissionNode" || ++asked > 1) return grpc::Status::OK;
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "who knows");
  });
  const auto result = client_->DecommissionNode(id_, soon_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kApplied);
  EXPECT_EQ(leader_.CountCalls("DecommissionNode"), 2);
}

TEST_F(NodeOperations, ALostAnswerIsAppliedIfTheNodeIsGone) {
  Answer("DeleteNode", grpc::Status(grpc::StatusCode::UNAVAILABLE, "who knows"),
         [this] { leader_.SetNodes({}); });
  const auto result = client_->DeleteNode(id_, {}, soon_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kApplied);
  EXPECT_EQ(leader_.CountCalls("DeleteNode"), 1);
}

TEST_F(NodeOperations, ALostAnswerShowsInLabelsAndRoles) {
  Answer("UpdateNodeLabels", never_answers_, [this] { AddWireLabel("zone", "a"); });
  LabelChange labels;
  labels.set = {{"zone", "a"}};
  auto result = client_->UpdateNodeLabels(id_, labels, Within(absl::Seconds(1)));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kApplied);
  EXPECT_EQ(result->after.labels, labels.set);

  Answer("UpdateNodeRoles", never_answers_, [this] {
    wire_.mutable_roles()->mutable_kubernetes_worker();
    leader_.SetNodes({wire_});
  });
  RoleChange roles;
  roles.add = {NodeRole::kKubernetesWorker};
  result = client_->UpdateNodeRoles(id_, roles, Within(absl::Seconds(1)));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(result->after.roles, ElementsAre(NodeRole::kKubernetesWorker));
}

TEST_F(NodeOperations, UnderTheSameTermALostAnswerStaysUnknown) {
  Answer("DeleteNode", grpc::Status(grpc::StatusCode::UNAVAILABLE, "who knows"));
  const Error error = ErrorOf(client_->DeleteNode(id_, {}, soon_).status());
  EXPECT_EQ(error.code, ErrorCode::kUnknownOutcome);
  EXPECT_THAT(error.cause, HasSubstr("still UP, not deleted, but the request may yet arrive"));
  EXPECT_EQ(leader_.CountCalls("DeleteNode"), 1);
}

// The leader dies with the request: the next one says that the node is as it was,
// so what was sent under the earlier term cannot be written any more.
TEST_F(NodeOperations, IsMadeAgainUnderALaterTermThatDoesNotShowIt) {
  ScriptedCurator& successor = AddCurator();
  successor.SetNodes({wire_});
  successor.Follow(leader_);
  client_ = NewClient({leader_.address(), successor.address()});
  absl::Notification asked;
  Answer("DeleteNode", never_answers_, [&asked] {
    if (!asked.HasBeenNotified()) asked.Notify();
  });
  std::thread failover([&] {
    asked.WaitForNotification();
    leader_.Stop();
    successor.Stop();
    successor.Lead(8);
  });
  const auto result = client_->DeleteNode(id_, {}, Within(absl::Seconds(30)));
  if (!asked.HasBeenNotified()) asked.Notify();
  failover.join();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kApplied);
  EXPECT_EQ(leader_.CountCalls("DeleteNode"), 1);
  EXPECT_EQ(successor.CountCalls("DeleteNode"), 1);
}

TEST_F(NodeOperations, WithoutTermsItIsNotMadeAgain) {
  leader_.Lead(0);
  Answer("DeleteNode", grpc::Status(grpc::StatusCode::UNAVAILABLE, "who knows"));
  EXPECT_EQ(ErrorOf(client_->DeleteNode(id_, {}, soon_).status()).code, ErrorCode::kUnknownOutcome);
  EXPECT_EQ(leader_.CountCalls("DeleteNode"), 1);
}

TEST_F(NodeOperations, AListIsFilteredByTheServer) {
  ASSERT_TRUE(client_->ListNodes("node.state == NODE_STATE_UP", soon_).ok());
  EXPECT_EQ(leader_.LastRequest<management::GetNodesRequest>("GetNodes").filter(),
            "node.state == NODE_STATE_UP");
  ASSERT_TRUE(client_->ListNodes(soon_).ok());
  EXPECT_EQ(leader_.LastRequest<management::GetNodesRequest>("GetNodes").filter(), "");
  Answer("GetNodes", grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "syntax error"));
  EXPECT_EQ(ErrorOf(client_->ListNodes("node.", soon_).status()).code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace curator
