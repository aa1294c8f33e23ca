// The register ticket is replaced: who registers with the old one, and who stays.
#include <string>

#include "curator/v1/cluster_operations.grpc.pb.h"
#include "libclient/identity/key.h"
#include "tests/cluster/leader_server.h"

namespace curatord {
namespace {

using curator::identity::PrivateKey;
using curator::identity::Sha256;
using testing_support::Client;
using testing_support::Context;
using testing_support::FailsWith;
using testing_support::HasCode;
using testing_support::Succeeded;
namespace api = testing_support::api;
namespace mgmt = testing_support::mgmt;
namespace v1 = curator::v1;

class RegisterTicket : public testing_support::LeaderServerTest {
 protected:
  grpc::Status Rotate(const Client& client, const std::string& replaces) {
    Context context;
    v1::RotateRegisterTicketRequest request;
    request.set_replaces_sha256(Sha256(replaces));
    response_.Clear();
    return v1::ClusterOperations::NewStub(client.channel)
        ->RotateRegisterTicket(&context, request, &response_);
  }
  grpc::Status Register(const PrivateKey& key, const std::string& ticket) {
    Context context;
    api::RegisterNodeRequest request;
    request.set_register_ticket(ticket);
    request.set_join_key(PrivateKey::Generate().public_key());
    api::RegisterNodeResponse response;
    return AsKey(key).curator->RegisterNode(&context, request, &response);
  }
  std::string Ticket() {
    Context context;
    mgmt::GetRegisterTicketResponse response;
    EXPECT_THAT(AsOwner().management->GetRegisterTicket(&context, {}, &response), Succeeded());
    return response.ticket();
  }

  const PrivateKey key_ = PrivateKey::Generate();
  v1::RotateRegisterTicketResponse response_;
};

TEST_F(RegisterTicket, ThatWasReplacedRegistersNobodyAndTheNewOneDoes) {
  ASSERT_THAT(Register(key_, cluster_.ticket), Succeeded());
  ASSERT_THAT(Rotate(AsOwner(), cluster_.ticket), Succeeded());
  EXPECT_TRUE(response_.replaced());
  EXPECT_EQ(Ticket(), response_.ticket());
  EXPECT_THAT(Register(PrivateKey::Generate(), cluster_.ticket),
              HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_THAT(Register(PrivateKey::Generate(), response_.ticket()), Succeeded());
  EXPECT_THAT(Register(key_, response_.ticket()), Succeeded());  // registered before: it stays
}

TEST_F(RegisterTicket, IsReplacedOnceByWhoeverAsksTwice) {
  ASSERT_THAT(Rotate(AsOwner(), cluster_.ticket), Succeeded());
  const std::string ticket = response_.ticket();
  ASSERT_THAT(Rotate(AsOwner(), cluster_.ticket), Succeeded());
  EXPECT_FALSE(response_.replaced());
  EXPECT_EQ(response_.ticket(), ticket);
}

TEST_F(RegisterTicket, IsReplacedByNoNode) {
  EXPECT_THAT(Rotate(AsNode(leader_node_), cluster_.ticket),
              HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_THAT(Rotate(AsNobody(), cluster_.ticket), HasCode(grpc::StatusCode::UNAUTHENTICATED));
  EXPECT_EQ(Ticket(), cluster_.ticket);
}

TEST_F(RegisterTicket, StandsSinceItWasMade) {
  ASSERT_THAT(Rotate(AsOwner(), cluster_.ticket), Succeeded());
  Context context;
  v1::RegisterTicketFacts facts;
  ASSERT_THAT(v1::ClusterOperations::NewStub(AsOwner().channel)
                  ->DescribeRegisterTicket(&context, {}, &facts),
              Succeeded());
  EXPECT_EQ(facts.sha256(), Sha256(response_.ticket()));
  EXPECT_EQ(facts.since().seconds(), response_.facts().since().seconds());
}

TEST_F(RegisterTicket, RegistersAHonestNodeHoweverManyTryWithAWrongOne) {
  for (int i = 0; i < 50; ++i) {
    EXPECT_THAT(Register(PrivateKey::Generate(), "wrong"),
                HasCode(grpc::StatusCode::PERMISSION_DENIED));
  }
  EXPECT_THAT(Register(key_, cluster_.ticket), Succeeded());
}

}  // namespace
}  // namespace curatord
