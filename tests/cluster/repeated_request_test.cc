// A request that comes again with the same curator-request-id is answered as before.
#include <string>

#include "libclient/core/error_info.h"
#include "server/leader/answered_requests.h"
#include "tests/cluster/leader_server.h"

namespace curatord {
namespace {

using testing_support::Client;
using testing_support::Context;
using testing_support::HasCode;
using testing_support::Succeeded;
using testing_support::TestNode;
namespace mgmt = testing_support::mgmt;
namespace common = testing_support::common;

class RepeatedRequest : public testing_support::LeaderServerTest {
 protected:
  grpc::Status Approve(const Client& client, const std::string& request_id) {
    Context context;
    if (!request_id.empty()) {
      context->AddMetadata(curator::core::kRequestIdMetadata, request_id);
    }
    mgmt::ApproveNodeRequest request;
    request.set_pubkey(node_.public_key());
    mgmt::ApproveNodeResponse response;
    return client.management->ApproveNode(&context, request, &response);
  }

  TestNode node_{common::NODE_STATE_NEW};
};

TEST_F(RepeatedRequest, IsAnsweredAsBeforeWhateverHasHappenedSince) {
  Put(node_);
  const Client client = AsOwner();
  ASSERT_THAT(Approve(client, "one"), Succeeded());
  node_.record.set_fsm_state(common::NODE_STATE_DECOMMISSIONED);
  Put(node_);
  EXPECT_THAT(Approve(client, "one"), Succeeded());
  EXPECT_THAT(Approve(client, "two"), HasCode(grpc::StatusCode::FAILED_PRECONDITION));
  EXPECT_THAT(Approve(client, ""), HasCode(grpc::StatusCode::FAILED_PRECONDITION));
}

TEST_F(RepeatedRequest, RefusalsAreRememberedToo) {
  const Client client = AsOwner();
  ASSERT_THAT(Approve(client, "one"), HasCode(grpc::StatusCode::NOT_FOUND));
  Put(node_);
  EXPECT_THAT(Approve(client, "one"), HasCode(grpc::StatusCode::NOT_FOUND));
  EXPECT_THAT(Approve(client, "two"), Succeeded());
}

TEST_F(RepeatedRequest, TellsAnotherCallerNothing) {
  Put(node_);
  ASSERT_THAT(Approve(AsOwner(), "one"), Succeeded());
  EXPECT_THAT(Approve(AsNode(leader_node_), "one"), HasCode(grpc::StatusCode::PERMISSION_DENIED));
}

TEST(AnsweredRequests, OneThatIsUnderWayAnswersAllThatWait) {
  AnsweredRequests requests;
  int answers = 0;
  const auto count = [&answers](const absl::StatusOr<std::string>& answer) {
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(*answer, "done");
    ++answers;
  };
  EXPECT_FALSE(requests.Begin("a", count));
  EXPECT_TRUE(requests.Begin("a", count));
  EXPECT_TRUE(requests.Begin("a", count));
  EXPECT_EQ(answers, 0);
  requests.Finish("a", "done");
  EXPECT_EQ(answers, 2);
  EXPECT_TRUE(requests.Begin("a", count));
  EXPECT_EQ(answers, 3);
}

TEST(AnsweredRequests, ForgetsWhatMayBeTriedAgain) {
  AnsweredRequests requests;
  const auto ignore = [](const absl::StatusOr<std::string>&) {};
  EXPECT_FALSE(requests.Begin("a", ignore));
  requests.Finish("a", absl::UnavailableError("the store did not answer"));
  EXPECT_FALSE(requests.Begin("a", ignore));
}

TEST(AnsweredRequests, ForgetsTheOldestWhenThereAreManyOrTheyAreLarge) {
  const auto ignore = [](const absl::StatusOr<std::string>&) {};
  AnsweredRequests many;
  for (size_t i = 0; i <= AnsweredRequests::kMaxAnswers; ++i) {
    ASSERT_FALSE(many.Begin(std::to_string(i), ignore));
    many.Finish(std::to_string(i), "");
  }
  EXPECT_FALSE(many.Begin("0", ignore));
  EXPECT_TRUE(many.Begin("1", ignore));
  AnsweredRequests large;
  EXPECT_FALSE(large.Begin("a", ignore));
  large.Finish("a", std::string(AnsweredRequests::kMaxBytes / 2, 'x'));
  EXPECT_FALSE(large.Begin("b", ignore));
  large.Finish("b", std::string(AnsweredRequests::kMaxBytes / 2, 'x'));
  EXPECT_FALSE(large.Begin("a", ignore));
}

}  // namespace
}  // namespace curatord
