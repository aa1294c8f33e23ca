// What an owner that was replaced in the store is told by the leader, and when its streams
// end. Real processes are in tests/security/owner_replace_test.py.
#include <memory>
#include <string>

#include "libclient/identity/certificate.h"
#include "server/pki/cluster_owner.h"
#include "server/store/keys.h"
#include "tests/cluster/leader_server.h"

namespace curatord {
namespace {

using curator::identity::PrivateKey;
using testing_support::Client;
using testing_support::Connect;
using testing_support::Context;
using testing_support::FailsWith;
using testing_support::Succeeded;
using testing_support::TestNode;
namespace api = testing_support::api;
namespace mgmt = testing_support::mgmt;

constexpr auto kUnauthenticated = grpc::StatusCode::UNAUTHENTICATED;
constexpr char kRevoked[] = "CERTIFICATE_REVOKED";

class OwnerThatIsReplaced : public testing_support::LeaderServerTest {
 protected:
  grpc::Status GetInfo(const Client& client) {
    Context context;
    mgmt::GetClusterInfoResponse response;
    return client.management->GetClusterInfo(&context, {}, &response);
  }
  grpc::Status List(const Client& client) {
    Context context;
    auto stream = client.management->GetNodes(&context, {});
    mgmt::Node node;
    while (stream->Read(&node)) {
    }
    return stream->Finish();
  }
  // As `curatord owner replace` does.
  void Replace(const PrivateKey& key) {
    Delete(std::string(keys::kOwnerCertificate));
    PutKey(std::string(keys::kInitialOwner), OwnerRecordOf(key.public_key()));
  }
  grpc::Status TakeOwnership(const PrivateKey& key, std::string* certificate) {
    const Client client = AsKey(key);
    Context context;
    auto stream = client.aaa->Escrow(&context);
    mgmt::EscrowRequest request;
    request.mutable_parameters()->set_requested_identity_name("owner");
    request.mutable_parameters()->set_public_key(key.public_key());
    stream->Write(request);
    mgmt::EscrowResponse response;
    while (stream->Read(&response)) *certificate = response.emitted_certificate();
    return stream->Finish();
  }
  Client With(const std::string& certificate_der, const PrivateKey& key) {
    const auto certificate = curator::identity::Certificate::FromDer(certificate_der);
    EXPECT_TRUE(certificate.ok()) << certificate.status();
    return Connect(address_, cluster_.ca(),
                   *curator::Identity::FromPem(certificate->pem(), key.ToPem()));
  }

  const PrivateKey new_key_ = PrivateKey::Generate();
};

TEST_F(OwnerThatIsReplaced, IsRefusedFromThenOnOnOldConnectionsAndNew) {
  const Client owner = AsOwner();
  ASSERT_THAT(GetInfo(owner), Succeeded());
  Replace(new_key_);
  for (const Client* client : {&owner}) {
    EXPECT_THAT(GetInfo(*client), FailsWith(kUnauthenticated, kRevoked));
    EXPECT_THAT(List(*client), FailsWith(kUnauthenticated, kRevoked));
  }
  EXPECT_THAT(GetInfo(AsOwner()), FailsWith(kUnauthenticated, kRevoked));
}

TEST_F(OwnerThatIsReplaced, LosesItsOpenStreamsAndNobodyElseDoes) {
  const Client owner = AsOwner(), node = AsNode(leader_node_);
  Context owners, nodes;
  api::WatchRequest all;
  all.mutable_nodes_in_cluster();
  auto watch = owner.curator->Watch(&owners, all);
  auto other = node.curator->Watch(&nodes, all);
  api::WatchEvent event;
  ASSERT_TRUE(watch->Read(&event));
  ASSERT_TRUE(other->Read(&event));
  Replace(new_key_);
  while (watch->Read(&event)) {
  }
  EXPECT_THAT(watch->Finish(), FailsWith(kUnauthenticated, kRevoked));
  Put(TestNode());
  EXPECT_TRUE(other->Read(&event));
}

TEST_F(OwnerThatIsReplaced, LeavesTheClusterToTheNewOne) {
  Replace(new_key_);
  std::string certificate;
  EXPECT_THAT(TakeOwnership(cluster_.owner_key, &certificate),
              testing_support::HasCode(grpc::StatusCode::PERMISSION_DENIED));
  ASSERT_THAT(TakeOwnership(new_key_, &certificate), Succeeded());
  EXPECT_THAT(GetInfo(With(certificate, new_key_)), Succeeded());
  EXPECT_THAT(GetInfo(AsOwner()), FailsWith(kUnauthenticated, kRevoked));
}

// As after a change by hand, or by a leader of an earlier version in a race.
TEST_F(OwnerThatIsReplaced, GetsNothingBackIfItsCertificateIsStillStored) {
  PutKey(std::string(keys::kInitialOwner), OwnerRecordOf(new_key_.public_key()));
  EXPECT_THAT(GetInfo(AsOwner()), FailsWith(kUnauthenticated, kRevoked));
  std::string certificate;
  ASSERT_THAT(TakeOwnership(new_key_, &certificate), Succeeded());
  EXPECT_THAT(GetInfo(With(certificate, new_key_)), Succeeded());
  EXPECT_THAT(GetInfo(AsOwner()), FailsWith(kUnauthenticated, kRevoked));
}

TEST_F(OwnerThatIsReplaced, ByADeposedLeaderIsToldThatItLeadsNoMore) {
  Replace(new_key_);
  Depose();
  EXPECT_THAT(GetInfo(AsOwner()), FailsWith(grpc::StatusCode::UNAVAILABLE, "LOST_LEADERSHIP"));
}

}  // namespace
}  // namespace curatord
