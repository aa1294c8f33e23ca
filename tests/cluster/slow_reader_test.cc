// Clients that take what they asked for slowly, or not at all: nobody else waits for
// them. How little they cost is in tests/bench/slow_reader.py.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpcpp/create_channel.h"
#include "libclient/identity/tls_credentials.h"
#include "tests/cluster/leader_server.h"

namespace curatord {
namespace {

using testing_support::Client;
using testing_support::Context;
using testing_support::Succeeded;
using testing_support::TestNode;
namespace api = testing_support::api;
namespace mgmt = testing_support::mgmt;
namespace common = testing_support::common;

class SlowReader : public testing_support::LeaderServerTest {
 protected:
  // Megabytes in all: no window takes that while nobody reads.
  SlowReader() {
    for (int i = 0; i < 400; ++i) {
      TestNode node;
      for (int label = 0; label < 128; ++label) {
        auto* pair = node.record.mutable_labels()->add_pairs();
        pair->set_key(absl::StrCat(label, std::string(60, 'k')));
        pair->set_value(std::string(63, 'v'));
      }
      Put(node);
      if (last_ == nullptr || node.id() > last_->id()) last_ = std::make_unique<TestNode>(node);
    }
    while (waiting_.size() < kApprovals) {
      TestNode node(common::NODE_STATE_NEW);
      if (node.id() > last_->id()) continue;
      Put(node);
      waiting_.push_back(std::move(node));
    }
  }

  void ApproveAll() {
    const Client approver = AsOwner();
    for (const TestNode& node : waiting_) {
      Context context;
      mgmt::ApproveNodeRequest request;
      request.set_pubkey(node.public_key());
      mgmt::ApproveNodeResponse response;
      ASSERT_THAT(approver.management->ApproveNode(&context, request, &response), Succeeded());
    }
  }

  // Of a window that stays as it is. gRPC would measure the line, and on loopback take
  // all there is ahead of a reader that does not read.
  std::shared_ptr<grpc::Channel> Channel() const {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    curator::identity::ChannelTrust trust;
    trust.ca = cluster_.ca();
    return grpc::CreateCustomChannel(
        address_,
        curator::identity::MakeChannelCredentials(
            trust, cluster_.OwnerIdentity(), std::make_shared<curator::identity::PeerRecord>()),
        arguments);
  }

  static constexpr size_t kApprovals = 1000;
  std::unique_ptr<TestNode> last_;  // of all, by id
  std::vector<TestNode> waiting_;   // to be approved
};

TEST_F(SlowReader, OfGetNodesKeepsNobodyWaiting) {
  const auto slow = mgmt::Management::NewStub(Channel());
  Context context;
  auto stream = slow->GetNodes(&context, {});
  mgmt::Node node;
  ASSERT_TRUE(stream->Read(&node));
  ApproveAll();
  {
    Context beating;
    auto beats = AsNode(*last_).curator->Heartbeat(&beating);
    api::HeartbeatResponse beat;
    ASSERT_TRUE(beats->Write({}) && beats->Read(&beat));
    beats->WritesDone();
    ASSERT_THAT(beats->Finish(), Succeeded());
  }
  size_t listed = 1, listed_as_new = node.state() == common::NODE_STATE_NEW;
  while (stream->Read(&node)) {
    ++listed;
    listed_as_new += node.state() == common::NODE_STATE_NEW;
  }
  EXPECT_THAT(stream->Finish(), Succeeded());
  EXPECT_EQ(listed, 1 + 400 + kApprovals);
  EXPECT_EQ(listed_as_new, kApprovals) << "they are listed as they were when it began";
  EXPECT_EQ(node.id(), last_->id());
  EXPECT_EQ(node.health(), mgmt::Node::HEALTH_HEALTHY)
      << "its message was made before its heartbeat: the reader was not slow";
}

TEST_F(SlowReader, OfAWatchKeepsNobodyWaitingAndSeesTheNewestOfEachNode) {
  const auto slow = api::Curator::NewStub(Channel());
  Context context;
  api::WatchRequest request;
  request.mutable_nodes_in_cluster();
  auto stream = slow->Watch(&context, request);
  api::WatchEvent event;
  ASSERT_TRUE(stream->Read(&event));
  ApproveAll();
  std::map<std::string, common::NodeState> seen;
  auto take = [&seen](const api::WatchEvent& taken) {
    for (const auto& node : taken.nodes()) seen[node.id()] = node.state();
  };
  auto all_standby = [this, &seen] {
    return std::all_of(waiting_.begin(), waiting_.end(), [&seen](const TestNode& node) {
      auto it = seen.find(node.id());
      return it != seen.end() && it->second == common::NODE_STATE_STANDBY;
    });
  };
  take(event);
  int events = 1;
  for (; !all_standby(); ++events) {
    ASSERT_TRUE(stream->Read(&event));
    take(event);
  }
  EXPECT_LT(events, 300) << "a thousand changes were queued for a reader that did not read";
  context->TryCancel();
  while (stream->Read(&event)) {
  }
  stream->Finish();
}

}  // namespace
}  // namespace curatord
