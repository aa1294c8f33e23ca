#include "libclient/identity/leadership_proof.h"

#include <functional>

#include "curator/v1/leadership_proof.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace curator::identity {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class LeadershipProof : public ::testing::Test {
 protected:
  LeadershipProof() {
    claim_.nonce = RandomBytes(kNonceSize);
    claim_.node_id = "metropolis-0123456789abcdef0123456789abcdef";
    claim_.term = 41;
    claim_.lock_key = "/leader/6f";
  }

  std::string FaultOf(const std::string& proof) const {
    return FaultOfProof(proof, claim_.nonce, claim_.node_id, claim_.term, ca_);
  }

  const PrivateKey ca_key_ = PrivateKey::Generate();
  const Certificate ca_ = IssueCaCertificate(ca_key_, "test cluster");
  LeadershipClaim claim_;
};

TEST_F(LeadershipProof, OfTheClaimThatIsCheckedIsGood) {
  EXPECT_EQ(FaultOf(ProveLeadership(claim_, ca_key_)), "");
}

// A curator that led before, or another one that leads, has signed what is true of it.
TEST_F(LeadershipProof, OfAnyOtherClaimIsRefused) {
  const std::vector<std::pair<const char*, std::function<void(LeadershipClaim&)>>> others = {
      {"another node", [](LeadershipClaim& claim) { claim.node_id.back() ^= 1; }},
      {"an earlier term", [](LeadershipClaim& claim) { claim.term -= 1; }},
      {"a later term", [](LeadershipClaim& claim) { claim.term += 1; }},
      {"another nonce", [](LeadershipClaim& claim) { claim.nonce = RandomBytes(kNonceSize); }},
      {"a nonce that differs in one bit", [](LeadershipClaim& claim) { claim.nonce[0] ^= 1; }},
  };
  for (const auto& [what, change] : others) {
    LeadershipClaim other = claim_;
    change(other);
    EXPECT_THAT(FaultOf(ProveLeadership(other, ca_key_)), Not(IsEmpty())) << what;
  }
}

TEST_F(LeadershipProof, ByAnotherKeyIsRefused) {
  EXPECT_THAT(FaultOf(ProveLeadership(claim_, PrivateKey::Generate())), HasSubstr("not signed"));
}

// What stands beside the signature, told anew, does not fit it.
TEST_F(LeadershipProof, ThatWasAlteredIsRefused) {
  const std::vector<std::pair<const char*, std::function<void(v1::LeadershipProof&)>>> changes = {
      {"node", [](v1::LeadershipProof& proof) { proof.set_node_id("metropolis-other"); }},
      {"term", [](v1::LeadershipProof& proof) { proof.set_term(proof.term() + 1); }},
      {"no term", [](v1::LeadershipProof& proof) { proof.clear_term(); }},
      {"lock key", [](v1::LeadershipProof& proof) { proof.set_lock_key("/leader/70"); }},
      {"no lock key", [](v1::LeadershipProof& proof) { proof.clear_lock_key(); }},
      {"signature", [](v1::LeadershipProof& proof) { (*proof.mutable_signature())[7] ^= 1; }},
      {"shorter signature",
       [](v1::LeadershipProof& proof) { proof.mutable_signature()->pop_back(); }},
      {"longer signature",
       [](v1::LeadershipProof& proof) { proof.mutable_signature()->push_back(0); }},
      {"no signature", [](v1::LeadershipProof& proof) { proof.clear_signature(); }},
      // Were lengths not signed, a byte could move from one field to the next.
      {"moved byte",
       [](v1::LeadershipProof& proof) {
         proof.set_lock_key(proof.node_id().back() + proof.lock_key());
         proof.mutable_node_id()->pop_back();
       }},
  };
  for (const auto& [what, change] : changes) {
    v1::LeadershipProof proof;
    ASSERT_TRUE(proof.ParseFromString(ProveLeadership(claim_, ca_key_)));
    change(proof);
    const std::string text = proof.SerializeAsString();
    EXPECT_THAT(FaultOf(text), Not(IsEmpty())) << what;
    // Also to whoever would believe the fields as they are told.
    EXPECT_THAT(FaultOfProof(text, claim_.nonce, proof.node_id(), proof.term(), ca_),
                Not(IsEmpty()))
        << what;
  }
}

TEST_F(LeadershipProof, OfTermZeroIsNone) {
  claim_.term = 0;
  EXPECT_THAT(FaultOf(ProveLeadership(claim_, ca_key_)), Not(IsEmpty()));
}

TEST_F(LeadershipProof, CutAnywhereIsRefused) {
  const std::string proof = ProveLeadership(claim_, ca_key_);
  for (size_t size = 0; size < proof.size(); ++size) {
    EXPECT_THAT(FaultOf(proof.substr(0, size)), Not(IsEmpty())) << size;
  }
}

TEST_F(LeadershipProof, IsGivenForNoncesOfOneSizeOnly) {
  for (const size_t size : {0, 1, 31, 33, 64, 4096}) {
    claim_.nonce = RandomBytes(size);
    EXPECT_EQ(ProveLeadership(claim_, ca_key_), "") << size;
  }
}

// Whatever is chosen for the nonce, a leader's signature is good for nothing else: not for
// what a certificate's is over, which begins with 0x30.
TEST_F(LeadershipProof, IsNoSignatureOfACertificate) {
  const Certificate issued = IssueCaCertificate(ca_key_, "another");
  claim_.nonce = issued.der().substr(0, kNonceSize);
  v1::LeadershipProof proof;
  ASSERT_TRUE(proof.ParseFromString(ProveLeadership(claim_, ca_key_)));
  EXPECT_FALSE(VerifySignature(ca_key_.public_key(), claim_.nonce, proof.signature()));
  EXPECT_FALSE(VerifySignature(ca_key_.public_key(), issued.der(), proof.signature()));
}

TEST(Signature, IsOfTheKeyAndTheMessage) {
  const PrivateKey key = PrivateKey::Generate();
  const std::string signature = key.Sign("message");
  EXPECT_TRUE(VerifySignature(key.public_key(), "message", signature));
  EXPECT_FALSE(VerifySignature(key.public_key(), "massage", signature));
  EXPECT_FALSE(VerifySignature(PrivateKey::Generate().public_key(), "message", signature));
  EXPECT_FALSE(VerifySignature("", "message", signature));
  EXPECT_FALSE(VerifySignature(key.public_key(), "message", ""));
}

}  // namespace
}  // namespace curator::identity
