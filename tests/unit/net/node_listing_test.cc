// Listings: through Nodes.List where the leader has it, through GetNodes elsewhere.
#include "absl/strings/str_cat.h"
#include "libclient/identity/node_id.h"
#include "tests/unit/net/client_fixture.h"

namespace curator {
namespace {

using testing_support::Call;
using testing_support::ClientTest;
using testing_support::kSlack;
using testing_support::ScriptedCurator;
using testing_support::Verdictless;
using testing_support::WireNode;
namespace common = metropolis::proto::common;

constexpr char kList[] = "/curator.v1.Nodes/List";

class NodeListing : public ClientTest {
 protected:
  NodeListing() {
    curator_.SetNodes({WireNode(key_, common::NODE_STATE_UP),
                       WireNode(std::string(32, 'l'), common::NODE_STATE_NEW)});
  }

  // How often a listing found that the server lacks Nodes.List.
  int Refusals() const { return curator_.lacking().Of(kList); }
  void ExpectToList(Client& client) {
    const auto list = client.ListNodes("node.id != ''", soon_);
    ASSERT_TRUE(list.ok()) << list.status();
    EXPECT_EQ(list->nodes.size(), 2u);
    EXPECT_EQ(list->leader_id, curator_.node_id());
  }

  const std::string key_ = std::string(32, 'k');
  ScriptedCurator& curator_ = AddCurator();
  const CallOptions soon_ = Within(kSlack);
};

TEST_F(NodeListing, AsksALeaderOnceWhetherItHasTheServiceAndThenListsWithoutIt) {
  curator_.Lead(7);
  const auto client = NewClient({curator_.address()});
  for (int i = 1; i <= 3; ++i) {
    ExpectToList(*client);
    EXPECT_EQ(Refusals(), 1);
    EXPECT_EQ(curator_.CountCalls("GetNodes"), i);
  }
  const auto node = client->GetNode(identity::NodeIdFromPublicKey(key_), soon_);
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ(node->state, NodeState::kUp);
  EXPECT_EQ(Refusals(), 1);
  const auto request = curator_.LastRequest<metropolis::proto::api::GetNodesRequest>("GetNodes");
  EXPECT_EQ(request.filter(), "");
}

// It may be another program by now.
TEST_F(NodeListing, AsksAgainAfterARestart) {
  curator_.Lead(7);
  const auto client = NewClient({curator_.address()});
  ExpectToList(*client);
  curator_.Restart();
  // A call may still choose the connection that broke, whose channel then reaches the new
  // server, before its end is noticed.
  const absl::Time deadline = absl::Now() + kSlack;
  do {
    ExpectToList(*client);
  } while (Refusals() < 2 && absl::Now() < deadline);
  EXPECT_EQ(Refusals(), 2);
}

TEST_F(NodeListing, DoesNotAskAServerOfTheExistingSystem) {
  curator_.Lead();  // tells no term
  const auto client = NewClient({curator_.address()});
  ExpectToList(*client);
  EXPECT_EQ(Refusals(), 0);
}

// A follower of the existing system lacks everything, and says no more than that.
TEST_F(NodeListing, GoesOnToTheLeaderWhereAllIsLacking) {
  ScriptedCurator& false_leader = AddCurator();
  false_leader.ClaimFalsely(6);
  curator_.Lead(7);
  const auto client = NewClient({false_leader.address(), curator_.address()});
  ExpectToList(*client);
}

TEST_F(NodeListing, TellsAFailureOfTheFallbackUnderItsOwnName) {
  curator_.Lead(7);
  curator_.SetHandler([](const Call&) -> Verdictless {
    return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "column 1: no");
  });
  const auto list = NewClient({curator_.address()})->ListNodes("no", soon_);
  const Error error = ErrorOf(list.status());
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error.method, "Management.GetNodes");
}

TEST_F(NodeListing, ThatIsLargerThanItMayBeEndsAsAnErrorThatSaysSo) {
  curator_.Lead(7);
  CallOptions little = soon_;
  little.listing_bytes = 900;  // of the two nodes each counts 400 and more
  const auto client = NewClient({curator_.address()});
  const Error error = ErrorOf(client->ListNodes(little).status());
  EXPECT_EQ(error.code, ErrorCode::kRefused);
  EXPECT_THAT(error.message, testing::HasSubstr("the list of nodes is larger than"));
  EXPECT_FALSE(error.cause.empty());
  EXPECT_FALSE(error.hints.empty());
  EXPECT_EQ(curator_.CountCalls("GetNodes"), 1) << "it is no better the second time";
  little.listing_bytes = 2000;
  EXPECT_TRUE(client->ListNodes(little).ok());
}

TEST_F(NodeListing, TheBoundIsTheSameForWhatAWatchRemembers) {
  metropolis::node::core::curator::proto::api::WatchEvent backlog;
  for (char c = 'a'; c < 'e'; ++c) {
    backlog.add_nodes()->set_id(absl::StrCat("metropolis-", std::string(32, c)));
  }
  curator_.SetBacklog({backlog});
  curator_.Lead(7);
  CallOptions little = soon_;
  little.listing_bytes = 1000;
  const absl::Status ended =
      NewClient({curator_.address()})->WatchNodes([](const NodeEvent&) {}, little);
  EXPECT_EQ(ErrorOf(ended).code, ErrorCode::kRefused);
}

}  // namespace
}  // namespace curator
