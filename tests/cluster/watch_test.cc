// Curator.Watch, both kinds (protocol section 4).
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/store/keys.h"
#include "tests/cluster/leader_server.h"

namespace curatord {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;
using testing_support::Client;
using testing_support::Context;
using testing_support::FailsWith;
using testing_support::HasCode;
using testing_support::TestNode;
using Event = testing_support::api::WatchEvent;
namespace api = testing_support::api;
namespace common = testing_support::common;

// One watch, read event by event.
class Watching {
 public:
  Watching(const Client& client, const api::WatchRequest& request)
      : stream_(client.curator->Watch(&context_, request)) {}
  // The rest would hold up the server's shutdown.
  ~Watching() {
    context_->TryCancel();
    Event event;
    while (stream_->Read(&event)) {
    }
    stream_->Finish();
  }

  // Fails the test if the watch ends instead.
  Event Next() {
    Event event;
    EXPECT_TRUE(stream_->Read(&event)) << "the watch ended";
    return event;
  }
  // Events up to the one that is marked, which must be the only one marked.
  std::vector<Event> Backlog() {
    std::vector<Event> events;
    do {
      events.push_back(Next());
    } while (events.back().progress() != Event::PROGRESS_LAST_BACKLOGGED &&
             !testing::Test::HasFailure());
    return events;
  }
  grpc::Status End() {
    Event event;
    while (stream_->Read(&event)) {
    }
    return stream_->Finish();
  }
  Context& context() { return context_; }

 private:
  Context context_;
  std::unique_ptr<grpc::ClientReader<Event>> stream_;
};

std::vector<std::string> IdsIn(const std::vector<Event>& events) {
  std::vector<std::string> ids;
  for (const Event& event : events) {
    for (const auto& node : event.nodes()) ids.push_back(node.id());
  }
  return ids;
}

class Watch : public testing_support::LeaderServerTest {
 protected:
  static api::WatchRequest All() {
    api::WatchRequest request;
    request.mutable_nodes_in_cluster();
    return request;
  }
  static api::WatchRequest One(const std::string& id) {
    api::WatchRequest request;
    request.mutable_node_in_cluster()->set_node_id(id);
    return request;
  }
  grpc::Status Refusal(const api::WatchRequest& request) {
    Context context;
    auto stream = owner_.curator->Watch(&context, request);
    Event event;
    EXPECT_FALSE(stream->Read(&event));
    return stream->Finish();
  }

  const Client owner_ = AsOwner();
};

TEST_F(Watch, NeedsAKindAndAnId) {
  EXPECT_THAT(Refusal({}), HasCode(grpc::StatusCode::UNIMPLEMENTED));
  EXPECT_THAT(Refusal(One("")), HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_THAT(Refusal(One("a/b")), HasCode(grpc::StatusCode::INVALID_ARGUMENT));
}

TEST_F(Watch, OfAllBeginsWithAllAndMarksTheEndOfThatOnce) {
  const TestNode a(common::NODE_STATE_NEW), b(common::NODE_STATE_STANDBY);
  Put(a);
  Put(b);
  Watching watch(owner_, All());
  const std::vector<Event> backlog = watch.Backlog();
  ASSERT_EQ(backlog.size(), 1u);
  EXPECT_THAT(IdsIn(backlog), UnorderedElementsAre(leader_node_.id(), a.id(), b.id()));
  EXPECT_EQ(backlog[0].node_tombstones_size(), 0);
  Put(a);
  const Event change = watch.Next();
  EXPECT_EQ(change.progress(), Event::PROGRESS_UNSPECIFIED);
  EXPECT_THAT(IdsIn({change}), ElementsAre(a.id()));
}

TEST_F(Watch, OfAllInAnEmptyClusterMarksAnEmptyEvent) {
  Delete(keys::Node(leader_node_.id()));
  Watching watch(owner_, All());
  const Event first = watch.Next();
  EXPECT_EQ(first.nodes_size(), 0);
  EXPECT_EQ(first.progress(), Event::PROGRESS_LAST_BACKLOGGED);
  const TestNode node;
  Put(node);
  const Event second = watch.Next();
  EXPECT_THAT(IdsIn({second}), ElementsAre(node.id()));
  EXPECT_EQ(second.progress(), Event::PROGRESS_UNSPECIFIED);
}

TEST_F(Watch, OfAllCutsALargeBacklogAndLosesNothing) {
  std::vector<std::string> ids = {leader_node_.id()};
  for (int i = 0; i < 15; ++i) {
    TestNode node;
    node.record.mutable_roles()->mutable_consensus_member()->set_initial_crl(
        std::string(400'000, 'c'));
    ids.push_back(node.id());
    Put(node);
  }
  Watching watch(owner_, All());
  const std::vector<Event> backlog = watch.Backlog();
  EXPECT_GE(backlog.size(), 3u);  // 6 MB
  for (const Event& event : backlog) EXPECT_LT(event.ByteSizeLong(), 3u << 20);
  EXPECT_THAT(IdsIn(backlog), testing::UnorderedElementsAreArray(ids));
}

TEST_F(Watch, TellsDeletionsByTombstones) {
  const TestNode node;
  Put(node);
  Watching all(owner_, All());
  Watching one(owner_, One(node.id()));
  all.Backlog();
  EXPECT_THAT(IdsIn({one.Next()}), ElementsAre(node.id()));
  Delete(keys::Node(node.id()));
  for (Watching* watch : {&all, &one}) {
    const Event event = watch->Next();
    EXPECT_EQ(event.nodes_size(), 0);
    ASSERT_EQ(event.node_tombstones_size(), 1);
    EXPECT_EQ(event.node_tombstones(0).node_id(), node.id());
  }
  Put(node);
  for (Watching* watch : {&all, &one}) {
    EXPECT_THAT(IdsIn({watch->Next()}), ElementsAre(node.id()));
  }
}

TEST_F(Watch, OfANodeWaitsUntilItExistsAndMarksNoProgress) {
  const TestNode node, other;
  Watching watch(owner_, One(node.id()));
  Put(other);
  Put(node);
  const Event event = watch.Next();
  EXPECT_THAT(IdsIn({event}), ElementsAre(node.id()));
  EXPECT_EQ(event.progress(), Event::PROGRESS_UNSPECIFIED);
  EXPECT_EQ(event.node_tombstones_size(), 0);
}

// A watcher that reads slowly may miss what was in between, never what is.
TEST_F(Watch, OfANodeEndsUpAtTheNewestState) {
  TestNode node;
  Put(node);
  Watching watch(owner_, One(node.id()));
  watch.Next();
  constexpr int kChanges = 200;
  for (int i = 1; i <= kChanges; ++i) {
    node.record.mutable_status()->set_external_address(absl::StrCat("10.0.0.", i));
    Put(node);
  }
  const std::string newest = absl::StrCat("10.0.0.", kChanges);
  int events = 0;
  std::string seen;
  while (seen != newest && !HasFailure()) {
    seen = watch.Next().nodes(0).status().external_address();
    ++events;
  }
  EXPECT_EQ(seen, newest);
  EXPECT_LE(events, kChanges);
}

TEST_F(Watch, ShowsNodesInFullButNoSecrets) {
  TestNode node;
  node.record.set_cluster_unlock_key("unlock-secret");
  node.record.mutable_roles()->mutable_consensus_member()->set_ca_certificate("ca");
  node.record.mutable_status()->set_external_address("10.0.0.1");
  Put(node);
  const TestNode bare;
  Put(bare);
  Watching watch(AsNode(leader_node_), One(node.id()));  // nodes may, too
  const Event event = watch.Next();
  EXPECT_EQ(event.nodes(0).roles().consensus_member().ca_certificate(), "ca");
  EXPECT_EQ(event.nodes(0).status().external_address(), "10.0.0.1");
  EXPECT_EQ(event.nodes(0).state(), common::NODE_STATE_UP);
  EXPECT_EQ(event.SerializeAsString().find("unlock-secret"), std::string::npos);
  Watching watch_bare(owner_, One(bare.id()));
  const Event of_bare = watch_bare.Next();
  EXPECT_TRUE(of_bare.nodes(0).has_roles());
  EXPECT_TRUE(of_bare.nodes(0).has_labels());
  EXPECT_FALSE(of_bare.nodes(0).has_status());
}

TEST_F(Watch, SaysTheTerm) {
  Watching watch(owner_, All());
  watch.Next();
  EXPECT_EQ(testing_support::TermIn(&watch.context()), term_);
}

TEST_F(Watch, OfADeposedLeaderIsRefused) {
  Depose();
  EXPECT_THAT(Refusal(All()), FailsWith(grpc::StatusCode::UNAVAILABLE, "LOST_LEADERSHIP"));
}

// What a watcher puts together is what a lister sees, whoever writes meanwhile.
TEST_F(Watch, PutTogetherIsTheListing) {
  std::vector<TestNode> nodes(20);
  std::thread writer([&] {
    for (int round = 0; round < 30; ++round) {
      for (size_t i = 0; i < nodes.size(); ++i) {
        if ((i + static_cast<size_t>(round)) % 3 == 0) {
          memory_.Delete(keys::Node(nodes[i].id()));
        } else {
          nodes[i].record.mutable_status()->set_external_address(absl::StrCat("10.0.0.", round));
          memory_.Put(keys::Node(nodes[i].id()), nodes[i].record.SerializeAsString());
        }
      }
    }
    TestNode last(common::NODE_STATE_NEW);
    last.record.mutable_status()->set_external_address("last");
    memory_.Put(keys::Node(last.id()), last.record.SerializeAsString());
  });
  Watching watch(owner_, All());
  std::map<std::string, std::string> watched;
  for (bool last = false; !last && !HasFailure();) {
    const Event event = watch.Next();
    for (const auto& tombstone : event.node_tombstones()) watched.erase(tombstone.node_id());
    for (const auto& node : event.nodes()) {
      watched[node.id()] = node.status().external_address();
      last = last || node.status().external_address() == "last";
    }
  }
  writer.join();
  std::map<std::string, std::string> listed;
  for (const NodeRecordPtr& record : state_.Nodes()) {
    listed[record->id] = record->Parse().status().external_address();
  }
  EXPECT_EQ(watched, listed);
}

}  // namespace
}  // namespace curatord
