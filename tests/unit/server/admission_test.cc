// Whose certificate counts, and which streams end when one does not any more. What a
// node is told is in tests/cluster/departure_test.cc.
#include "server/leader/admission.h"

#include <memory>
#include <string>

#include "server/nodes/node_record.h"
#include "tests/unit/server/decision_fixture.h"

namespace curatord {
namespace {

using testing_support::kUnauthenticated;
using testing_support::TestNode;
namespace common = metropolis::proto::common;

class NodeStreamsTest : public testing_support::DecisionTest {
 protected:
  NodeStreamsTest() { Add(node_); }

  Caller CallerOf(const TestNode& node) const {
    Caller caller;
    caller.kind = Caller::Kind::kNode;
    caller.name = node.id();
    caller.certificate = *View().Find(keys::NodeCertificate(node.id()));
    caller.must_be_member = true;
    return caller;
  }
  // A stream of `caller` that counts how often it was ended.
  std::shared_ptr<int> Open(const Caller& caller) {
    auto ended = std::make_shared<int>(0);
    streams_->Add(caller, ended, [raw = ended.get()](const absl::Status& status) {
      EXPECT_EQ(status.code(), kUnauthenticated) << status;
      ++*raw;
    });
    return ended;
  }
  void DeleteRecord(const TestNode& node) { Apply({Operation::Delete(keys::Node(node.id()))}); }

  const TestNode node_;
  const std::shared_ptr<NodeStreams> streams_ = NodeStreams::Watch(&state_);
};

TEST_F(NodeStreamsTest, EndAllOfANodeThatIsDeleted) {
  const TestNode other;
  Add(other);
  const auto one = Open(CallerOf(node_)), two = Open(CallerOf(node_)),
             others = Open(CallerOf(other));
  DeleteRecord(node_);
  EXPECT_EQ(*one, 1);
  EXPECT_EQ(*two, 1);
  EXPECT_EQ(*others, 0);
}

// As it is when a leader is new: nobody has looked at any change before.
TEST_F(NodeStreamsTest, EndIfTheDeletionIsTheFirstChange) {
  const auto stream = Open(CallerOf(node_));
  DeleteRecord(node_);
  EXPECT_EQ(*stream, 1);
}

TEST_F(NodeStreamsTest, StayWhileTheNodeOnlyChanges) {
  const auto stream = Open(CallerOf(node_));
  TestNode changed = node_;
  changed.record.mutable_status()->set_external_address("10.0.0.1");
  Add(changed);
  EXPECT_EQ(*stream, 0);
}

TEST_F(NodeStreamsTest, EndWhenTheNodeIsNotUpAnyMore) {
  const auto stream = Open(CallerOf(node_));
  TestNode changed = node_;
  changed.record.set_fsm_state(common::NODE_STATE_DECOMMISSIONED);
  Add(changed);
  EXPECT_EQ(*stream, 1);
}

TEST_F(NodeStreamsTest, EndWhenTheNodeHasAnotherCertificate) {
  const auto stream = Open(CallerOf(node_));
  Apply({Operation::Put(keys::NodeCertificate(node_.id()), "another"),
         Operation::Put(keys::Node(node_.id()), SerializeNode(node_.record))});
  EXPECT_EQ(*stream, 1);
}

// 1. Its caller is admitted. 2. The node is deleted. 3. The stream is added.
TEST_F(NodeStreamsTest, EndIfTheNodeWasDeletedBeforeTheyWereAdded) {
  const Caller admitted = CallerOf(node_);
  DeleteRecord(node_);
  EXPECT_EQ(*Open(admitted), 1);
}

TEST_F(NodeStreamsTest, ThatAreGoneAreNotEnded) {
  const Caller caller = CallerOf(node_);
  bool ended = false;
  auto stream = std::make_shared<int>(0);
  streams_->Add(caller, stream, [&ended](const absl::Status&) { ended = true; });
  stream.reset();
  DeleteRecord(node_);
  EXPECT_FALSE(ended);
}

TEST_F(NodeStreamsTest, OfUsersAreNotWatched) {
  Caller user;
  user.kind = Caller::Kind::kUser;
  user.name = node_.id();  // whatever a user is called
  user.must_be_member = true;
  const auto stream = Open(user);
  DeleteRecord(node_);
  EXPECT_EQ(*stream, 0);
}

}  // namespace
}  // namespace curatord
