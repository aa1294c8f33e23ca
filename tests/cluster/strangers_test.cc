// Calls that anybody may make: what memory refuses, or answers, takes no place on the
// write lane, and is confirmed all the same.
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "libclient/core/error_info.h"
#include "tests/cluster/leader_server.h"

namespace curatord {
namespace {

using curator::identity::PrivateKey;
using testing_support::Client;
using testing_support::Context;
using testing_support::FailsWith;
using testing_support::HasCode;
using testing_support::Succeeded;
using testing_support::TestNode;
using Fault = testing_support::FaultyStore::Fault;
namespace api = testing_support::api;
namespace mgmt = testing_support::mgmt;
namespace common = testing_support::common;

class Strangers : public testing_support::LeaderServerTest {
 protected:
  static grpc::Status Register(const Client& client, const std::string& ticket) {
    Context context;
    api::RegisterNodeRequest request;
    request.set_register_ticket(ticket);
    request.set_join_key(std::string(32, 'j'));
    api::RegisterNodeResponse response;
    return client.curator->RegisterNode(&context, request, &response);
  }
  static grpc::Status Commit(const Client& client) {
    Context context;
    api::CommitNodeRequest request;
    request.set_storage_security(common::NODE_STORAGE_SECURITY_ENCRYPTED);
    request.set_cluster_unlock_key(std::string(32, 'u'));
    api::CommitNodeResponse response;
    return client.curator->CommitNode(&context, request, &response);
  }
  static grpc::Status Join(const Client& client) {
    Context context;
    api::JoinNodeResponse response;
    return client.curator->JoinNode(&context, {}, &response);
  }

  const PrivateKey key_ = PrivateKey::Generate();
};

TEST_F(Strangers, DoNotWaitForTheLane) {
  TestNode is_new(common::NODE_STATE_NEW), up;
  Put(is_new);
  Put(up);
  store_.OnCommit([](const std::vector<Operation>& operations) {
    return operations.empty() ? Fault::kNone : Fault::kHoldRequest;
  });
  std::thread writer([this, &is_new] {
    Context context;
    mgmt::ApproveNodeRequest request;
    request.set_pubkey(is_new.public_key());
    mgmt::ApproveNodeResponse response;
    EXPECT_THAT(AsOwner().management->ApproveNode(&context, request, &response), Succeeded());
  });
  store_.WaitUntilHeld(1);
  const Client stranger = AsKey(key_);
  EXPECT_THAT(Register(AsNobody(), cluster_.ticket), HasCode(grpc::StatusCode::UNAUTHENTICATED));
  EXPECT_THAT(Register(stranger, "another"), HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_THAT(Commit(AsNobody()), HasCode(grpc::StatusCode::UNAUTHENTICATED));
  EXPECT_THAT(Commit(stranger), HasCode(grpc::StatusCode::NOT_FOUND));
  EXPECT_THAT(Commit(AsKey(is_new.key)), HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_THAT(Join(AsNobody()), HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_THAT(Join(stranger), HasCode(grpc::StatusCode::NOT_FOUND));
  EXPECT_THAT(Join(AsKey(up.join_key)), Succeeded());
  store_.OnCommit(nullptr);
  store_.Release();
  writer.join();
}

TEST_F(Strangers, AreRefusedOnTheTruthAlone) {
  const Client stranger = AsKey(key_);
  ASSERT_THAT(Register(stranger, "another"), HasCode(grpc::StatusCode::PERMISSION_DENIED));
  Depose();
  for (const grpc::Status& status :
       {Register(stranger, "another"), Commit(stranger), Join(stranger)}) {
    EXPECT_THAT(status,
                FailsWith(grpc::StatusCode::UNAVAILABLE, curator::core::kReasonLostLeadership));
  }
}

// What memory lacks may have come by the time that it is confirmed.
TEST_F(Strangers, AreDecidedAboutAnewOnceMemoryIsConfirmed) {
  store_.FailCommits({Fault::kHoldRequest});
  grpc::Status status;
  std::thread registers([&] { status = Register(AsKey(key_), "the new ticket"); });
  store_.WaitUntilHeld(1);
  PutKey("/global/register_ticket", "the new ticket");
  store_.Release();
  registers.join();
  EXPECT_THAT(status, Succeeded());
}

}  // namespace
}  // namespace curatord
