// Which streams end when a certificate does not count any more, and how many there may be.
#include "server/leader/member_streams.h"

#include <memory>
#include <string>
#include <vector>

#include "server/limits.h"
#include "server/nodes/node_record.h"
#include "server/pki/cluster_owner.h"
#include "tests/unit/server/decision_fixture.h"

namespace curatord {
namespace {

using testing_support::kUnauthenticated;
using testing_support::TestNode;
namespace common = metropolis::proto::common;

class MemberStreamsTest : public testing_support::DecisionTest {
 protected:
  MemberStreamsTest() { Add(node_); }

  Caller CallerOf(const TestNode& node) const {
    Caller caller;
    caller.kind = Caller::Kind::kNode;
    caller.name = node.id();
    caller.certificate = *View().Find(keys::NodeCertificate(node.id()));
    caller.must_be_member = true;
    return caller;
  }
  Caller Owner() const {
    Caller caller;
    caller.kind = Caller::Kind::kUser;
    caller.name = "owner";
    caller.public_key = cluster_.owner_key.public_key();
    caller.certificate = cluster_.owner_certificate.der();
    caller.must_be_member = true;
    return caller;
  }
  // A stream that counts how often it was ended, and takes a place.
  struct Stream {
    int ended = 0;
    MemberStreams::Place place;
    int operator*() const { return ended; }
  };
  // Null if there is no place.
  std::shared_ptr<Stream> TryToOpen(const Caller& caller) {
    auto stream = std::make_shared<Stream>();
    absl::StatusOr<MemberStreams::Place> place =
        streams_->Add(caller, stream, [raw = stream.get()](const absl::Status& status) {
          EXPECT_EQ(status.code(), kUnauthenticated) << status;
          ++raw->ended;
        });
    if (!place.ok()) {
      EXPECT_EQ(place.status().code(), absl::StatusCode::kResourceExhausted) << place.status();
      return nullptr;
    }
    stream->place = *std::move(place);
    return stream;
  }
  Stream& Open(const Caller& caller) {
    open_.push_back(TryToOpen(caller));
    EXPECT_NE(open_.back(), nullptr);
    return *open_.back();
  }
  void DeleteRecord(const TestNode& node) { Apply({Operation::Delete(keys::Node(node.id()))}); }

  const TestNode node_;
  std::vector<std::shared_ptr<Stream>> open_;
  const std::shared_ptr<MemberStreams> streams_ = MemberStreams::Watch(&state_);
};

TEST_F(MemberStreamsTest, EndAllOfANodeThatIsDeleted) {
  const TestNode other;
  Add(other);
  const Stream &one = Open(CallerOf(node_)), &two = Open(CallerOf(node_)),
               &others = Open(CallerOf(other));
  DeleteRecord(node_);
  EXPECT_EQ(*one, 1);
  EXPECT_EQ(*two, 1);
  EXPECT_EQ(*others, 0);
}

// As it is when a leader is new: nobody has looked at any change before.
TEST_F(MemberStreamsTest, EndIfTheDeletionIsTheFirstChange) {
  const Stream& stream = Open(CallerOf(node_));
  DeleteRecord(node_);
  EXPECT_EQ(*stream, 1);
}

TEST_F(MemberStreamsTest, StayWhileTheNodeOnlyChanges) {
  const Stream& stream = Open(CallerOf(node_));
  TestNode changed = node_;
  changed.record.mutable_status()->set_external_address("10.0.0.1");
  Add(changed);
  EXPECT_EQ(*stream, 0);
}

TEST_F(MemberStreamsTest, EndWhenTheNodeIsNotUpAnyMore) {
  const Stream& stream = Open(CallerOf(node_));
  TestNode changed = node_;
  changed.record.set_fsm_state(common::NODE_STATE_DECOMMISSIONED);
  Add(changed);
  EXPECT_EQ(*stream, 1);
}

TEST_F(MemberStreamsTest, EndWhenTheNodeHasAnotherCertificate) {
  const Stream& stream = Open(CallerOf(node_));
  Apply({Operation::Put(keys::NodeCertificate(node_.id()), "another"),
         Operation::Put(keys::Node(node_.id()), SerializeNode(node_.record))});
  EXPECT_EQ(*stream, 1);
}

// 1. Its caller is admitted. 2. The node is deleted. 3. The stream is added.
TEST_F(MemberStreamsTest, EndIfTheNodeWasDeletedBeforeTheyWereAdded) {
  const Caller admitted = CallerOf(node_);
  DeleteRecord(node_);
  EXPECT_EQ(Open(admitted).ended, 1);
}

TEST_F(MemberStreamsTest, ThatAreGoneAreNotEnded) {
  const Caller caller = CallerOf(node_);
  bool ended = false;
  auto stream = std::make_shared<int>(0);
  const auto place = streams_->Add(caller, stream, [&ended](const absl::Status&) { ended = true; });
  stream.reset();
  DeleteRecord(node_);
  EXPECT_FALSE(ended);
}

TEST_F(MemberStreamsTest, OfTheOwnerEndWhenItIsReplaced) {
  const Stream &owners = Open(Owner()), &nodes = Open(CallerOf(node_));
  Apply({Operation::Put(std::string(keys::kInitialOwner), OwnerRecordOf(std::string(32, 'x')))});
  EXPECT_EQ(*owners, 1);
  EXPECT_EQ(*nodes, 0);
}

TEST_F(MemberStreamsTest, OfTheOwnerEndWhenItsCertificateIsTakenAway) {
  const Stream& stream = Open(Owner());
  Apply({Operation::Delete(std::string(keys::kOwnerCertificate))});
  EXPECT_EQ(*stream, 1);
}

TEST_F(MemberStreamsTest, OfTheOwnerStayWhileNodesChangeAndWhenItTakesOwnershipAgain) {
  const Stream& stream = Open(Owner());
  DeleteRecord(node_);
  Apply({Operation::Put(std::string(keys::kOwnerCertificate), cluster_.owner_certificate.der())});
  EXPECT_EQ(*stream, 0);
}

TEST_F(MemberStreamsTest, OfTheOwnerEndIfItWasReplacedBeforeTheyWereAdded) {
  const Caller admitted = Owner();
  Apply({Operation::Delete(std::string(keys::kOwnerCertificate))});
  EXPECT_EQ(Open(admitted).ended, 1);
}

TEST_F(MemberStreamsTest, AreNoMoreThanANodeMayHave) {
  const TestNode other;
  Add(other);
  for (size_t i = 0; i < kMaxStreamsOfNode; ++i) Open(CallerOf(node_));
  EXPECT_EQ(TryToOpen(CallerOf(node_)), nullptr);
  EXPECT_NE(TryToOpen(CallerOf(other)), nullptr);
  EXPECT_NE(TryToOpen(Owner()), nullptr);
  open_.pop_back();
  EXPECT_NE(TryToOpen(CallerOf(node_)), nullptr);
}

TEST_F(MemberStreamsTest, AreNoMoreThanAnOwnerMayHave) {
  for (size_t i = 0; i < kMaxStreamsOfOwner; ++i) Open(Owner());
  EXPECT_EQ(TryToOpen(Owner()), nullptr);
  open_.clear();
  EXPECT_NE(TryToOpen(Owner()), nullptr);
}

}  // namespace
}  // namespace curatord
