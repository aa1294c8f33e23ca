// A request that comes again with the same curator-request-id is answered as before.
#include <string>

#include "libclient/core/error_info.h"
#include "server/leader/answered_requests.h"
#include "server/limits.h"
#include "tests/cluster/leader_server.h"

namespace curatord {
namespace {

using testing_support::Client;
using testing_support::Context;
using testing_support::HasCode;
using testing_support::Succeeded;
using testing_support::TestNode;
namespace api = testing_support::api;
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

TEST_F(RepeatedRequest, OfAKeyThatAnybodyCanMakeIsCarriedOutAgain) {
  const curator::identity::PrivateKey key = curator::identity::PrivateKey::Generate();
  const auto register_as = [&](const std::string& ticket) {
    Context context;
    context->AddMetadata(curator::core::kRequestIdMetadata, "one");
    api::RegisterNodeRequest request;
    request.set_register_ticket(ticket);
    request.set_join_key(std::string(32, 'j'));
    request.set_have_local_tpm(true);
    api::RegisterNodeResponse response;
    return AsKey(key).curator->RegisterNode(&context, request, &response);
  };
  PutKey("/global/register_ticket", "the ticket");
  ASSERT_THAT(register_as("another"), HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_THAT(register_as("the ticket"), Succeeded());
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
  requests.Finish("a", "", "done");
  EXPECT_EQ(answers, 2);
  EXPECT_TRUE(requests.Begin("a", count));
  EXPECT_EQ(answers, 3);
}

TEST(AnsweredRequests, ForgetsWhatMayBeTriedAgain) {
  AnsweredRequests requests;
  const auto ignore = [](const absl::StatusOr<std::string>&) {};
  EXPECT_FALSE(requests.Begin("a", ignore));
  requests.Finish("a", "", absl::UnavailableError("the store did not answer"));
  EXPECT_FALSE(requests.Begin("a", ignore));
}

// Whether it is remembered. One that is not is begun, and must be finished.
bool Remembers(AnsweredRequests* requests, const std::string& key) {
  return requests->Begin(key, [](const absl::StatusOr<std::string>&) {});
}

void Answer(AnsweredRequests* requests, const std::string& key, const std::string& node = "",
            const std::string& answer = "") {
  ASSERT_FALSE(Remembers(requests, key));
  requests->Finish(key, node, answer);
}

TEST(AnsweredRequests, ForgetsTheOldestWhenThereAreManyOrTheyAreLarge) {
  AnsweredRequests many;
  for (size_t i = 0; i <= kAnswersRemembered; ++i) Answer(&many, std::to_string(i));
  EXPECT_FALSE(Remembers(&many, "0"));
  EXPECT_TRUE(Remembers(&many, "1"));
  AnsweredRequests large;
  const std::string half(kAnswerBytesRemembered / 2, 'x');
  Answer(&large, "a", "", half);
  Answer(&large, "b", "", half);
  EXPECT_FALSE(Remembers(&large, "a"));
  EXPECT_TRUE(Remembers(&large, "b"));
}

TEST(AnsweredRequests, OneNodeFlushesItsOwnAlone) {
  AnsweredRequests requests;
  Answer(&requests, "owner's");
  Answer(&requests, "another node's", "b");
  for (size_t i = 0; i < 2 * kAnswersRemembered; ++i) Answer(&requests, std::to_string(i), "a");
  EXPECT_TRUE(Remembers(&requests, "owner's"));
  EXPECT_TRUE(Remembers(&requests, "another node's"));
  const size_t first_kept = 2 * kAnswersRemembered - kAnswersRememberedOfANode;
  EXPECT_TRUE(Remembers(&requests, std::to_string(first_kept)));
  EXPECT_FALSE(Remembers(&requests, std::to_string(first_kept - 1)));
}

TEST(AnsweredRequests, ForgetsAnotherCallersOlderOneBeforeANewerOne) {
  AnsweredRequests requests;
  Answer(&requests, "old", "b");
  for (size_t i = 1; i < kAnswersRemembered; ++i) Answer(&requests, std::to_string(i));
  Answer(&requests, "new", "a");
  EXPECT_FALSE(Remembers(&requests, "old"));
  EXPECT_TRUE(Remembers(&requests, "1"));
  EXPECT_TRUE(Remembers(&requests, "new"));
}

}  // namespace
}  // namespace curatord
