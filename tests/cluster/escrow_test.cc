// AAA.Escrow in all its orders (protocol section 4).
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/verification.h"
#include "server/store/keys.h"
#include "tests/cluster/leader_server.h"

namespace curatord {
namespace {

using curator::identity::PrivateKey;
using metropolis::proto::api::EscrowRequest;
using metropolis::proto::api::EscrowResponse;
using testing_support::Client;
using testing_support::Context;
using testing_support::FailsWith;
using testing_support::HasCode;
using testing_support::Succeeded;

class Escrow : public testing_support::LeaderServerTest {
 protected:
  Escrow() {
    Delete(std::string(keys::kOwnerCertificate));
    request_.mutable_parameters()->set_requested_identity_name("owner");
    request_.mutable_parameters()->set_public_key(cluster_.owner_key.public_key());
  }

  // One exchange: what came back in all, and how it ended.
  grpc::Status Ask(const Client& client) {
    responses_.clear();
    Context context;
    auto stream = client.aaa->Escrow(&context);
    stream->Write(request_);
    EscrowResponse response;
    while (stream->Read(&response)) responses_.push_back(response);
    return stream->Finish();
  }

  EscrowRequest request_;
  std::vector<EscrowResponse> responses_;
};

TEST_F(Escrow, GivesTheOwnerACertificate) {
  EXPECT_THAT(Ask(AsKey(cluster_.owner_key)), Succeeded());
  ASSERT_EQ(responses_.size(), 1u);
  ASSERT_EQ(responses_[0].fulfilled_size(), 1);
  EXPECT_EQ(responses_[0].fulfilled(0).kind(),
            EscrowResponse::ProofRequest::KIND_REFRESH_CERTIFICATE);
  EXPECT_EQ(responses_[0].needed_size(), 0);
  auto certificate = curator::identity::Certificate::FromDer(responses_[0].emitted_certificate());
  ASSERT_TRUE(certificate.ok()) << certificate.status();
  const auto verified = VerifyUserCertificate(*certificate, cluster_.pki.ca, absl::Now());
  EXPECT_TRUE(verified.ok()) << verified.detail;
  EXPECT_EQ(verified.name, "owner");
  EXPECT_EQ(certificate->public_key(), cluster_.owner_key.public_key());
}

TEST_F(Escrow, RepeatedGivesTheSameCertificate) {
  ASSERT_THAT(Ask(AsKey(cluster_.owner_key)), Succeeded());
  const std::string first = responses_[0].emitted_certificate();
  ASSERT_THAT(Ask(AsKey(cluster_.owner_key)), Succeeded());
  EXPECT_EQ(responses_[0].emitted_certificate(), first);
  EXPECT_EQ(memory_.contents()[std::string(keys::kOwnerCertificate)].value, first);
}

TEST_F(Escrow, NeedsParametersFirst) {
  request_.Clear();
  EXPECT_THAT(Ask(AsKey(cluster_.owner_key)), HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  request_.mutable_proofs()->set_plaintext_password("x");
  EXPECT_THAT(Ask(AsKey(cluster_.owner_key)), HasCode(grpc::StatusCode::INVALID_ARGUMENT));
}

// Each request is wrong in this and in every later respect: the earliest counts.
TEST_F(Escrow, ChecksInTheOrderOfTheProtocol) {
  const PrivateKey stranger = PrivateKey::Generate();
  const std::string stored_owner = memory_.contents()[std::string(keys::kInitialOwner)].value;
  Delete(std::string(keys::kInitialOwner));

  request_.mutable_parameters()->set_requested_identity_name("somebody");
  request_.mutable_parameters()->set_public_key("short");
  EXPECT_THAT(Ask(AsNobody()), HasCode(grpc::StatusCode::UNIMPLEMENTED));
  request_.mutable_parameters()->set_requested_identity_name("owner");
  EXPECT_THAT(Ask(AsNobody()), HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_TRUE(responses_.empty());
  request_.mutable_parameters()->set_public_key(cluster_.owner_key.public_key());
  EXPECT_THAT(Ask(AsNobody()), HasCode(grpc::StatusCode::UNAUTHENTICATED));
  EXPECT_THAT(Ask(AsKey(stranger)), HasCode(grpc::StatusCode::UNIMPLEMENTED));
  request_.mutable_parameters()->set_public_key(stranger.public_key());
  EXPECT_THAT(Ask(AsKey(stranger)), HasCode(grpc::StatusCode::FAILED_PRECONDITION));
  PutKey(std::string(keys::kInitialOwner), stored_owner);
  EXPECT_THAT(Ask(AsKey(stranger)), HasCode(grpc::StatusCode::PERMISSION_DENIED));
  EXPECT_TRUE(responses_.empty());
  EXPECT_EQ(memory_.contents().count(std::string(keys::kOwnerCertificate)), 0u);
}

TEST_F(Escrow, AsksEveryOtherConnectionForACertificateOfTheKey) {
  for (const Client& client : {AsNobody(), AsOwner(), AsNode(leader_node_)}) {
    EXPECT_THAT(Ask(client), HasCode(grpc::StatusCode::UNAUTHENTICATED));
    ASSERT_EQ(responses_.size(), 1u);
    ASSERT_EQ(responses_[0].needed_size(), 1);
    EXPECT_EQ(responses_[0].needed(0).kind(),
              EscrowResponse::ProofRequest::KIND_REFRESH_CERTIFICATE);
    EXPECT_TRUE(responses_[0].emitted_certificate().empty());
  }
}

TEST_F(Escrow, OfADeposedLeaderGivesNothing) {
  Depose();
  EXPECT_THAT(Ask(AsKey(cluster_.owner_key)),
              FailsWith(grpc::StatusCode::UNAVAILABLE, "LOST_LEADERSHIP"));
  EXPECT_TRUE(responses_.empty());
}

TEST_F(Escrow, EndsWhenTheCallerLeavesBeforeAsking) {
  const Client client = AsKey(cluster_.owner_key);
  Context context;
  auto stream = client.aaa->Escrow(&context);
  stream->WritesDone();
  EscrowResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_THAT(stream->Finish(), Succeeded());
}

}  // namespace
}  // namespace curatord
