#include "libclient/identity/verification.h"

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libclient/identity/node_id.h"
#include "tests/unit/identity/forge.h"

namespace curator::identity {
namespace {

using ::testing::AllOf;
using ::testing::Field;
using testing::Forge;
using testing::ForgeKey;
using testing::Forgery;
using ::testing::HasSubstr;
using testing::KeyKind;

::testing::Matcher<Verification> Fails(CertificateFault fault, const std::string& detail) {
  return AllOf(Field("fault", &Verification::fault, fault),
               Field("detail", &Verification::detail, HasSubstr(detail)));
}

::testing::Matcher<Verification> Passes(const std::string& name) {
  return AllOf(Field("fault", &Verification::fault, CertificateFault::kNone),
               Field("detail", &Verification::detail, ""),
               Field("name", &Verification::name, name));
}

class Verify : public ::testing::Test {
 protected:
  // A good node certificate, to be spoilt in one respect.
  Forgery Node() const {
    Forgery node;
    node.key = node_key_.get();
    node.signer = ca_key_.get();
    node.issuer = &ca_;
    node.common_name = id_;
    node.dns_name = id_;
    return node;
  }
  Forgery User() const {
    Forgery user = Node();
    user.common_name = "owner";
    user.dns_name = "";
    user.extended_key_usage = "clientAuth";
    return user;
  }
  Forgery Ca() const {
    Forgery ca;
    ca.key = ca_key_.get();
    ca.signer = ca_key_.get();
    ca.common_name = "CA";
    ca.basic_constraints = "critical,CA:TRUE";
    ca.key_usage = "critical,keyCertSign,cRLSign,digitalSignature";
    ca.extended_key_usage = "clientAuth,serverAuth,OCSPSigning";
    return ca;
  }
  Verification VerifyNode(const Forgery& forgery, absl::string_view expected = "") const {
    return VerifyNodeCertificate(Forge(forgery), ca_, now_, expected);
  }
  Verification VerifyUser(const Forgery& forgery) const {
    return VerifyUserCertificate(Forge(forgery), ca_, now_);
  }

  const EvpKeyPtr ca_key_ = ForgeKey(KeyKind::kEd25519);
  const EvpKeyPtr node_key_ = ForgeKey(KeyKind::kEd25519);
  const std::string id_ = NodeIdFromPublicKey(RawEd25519PublicKey(node_key_.get()));
  const Certificate ca_ = Forge(Ca());
  const absl::Time now_ = absl::Now();
};

class VerifyNodeTest : public Verify {};
class VerifyUserTest : public Verify {};
class VerifyCaTest : public Verify {};
class VerifyEphemeralTest : public Verify {};

TEST_F(VerifyNodeTest, AcceptsAGoodOne) {
  EXPECT_THAT(VerifyNode(Node()), Passes(id_));
  EXPECT_THAT(VerifyNode(Node(), id_), Passes(id_));
}

TEST_F(VerifyNodeTest, AcceptsWhatIsIssued) {
  const PrivateKey ca_key = PrivateKey::Generate();
  const PrivateKey key = PrivateKey::Generate();
  const Certificate ca = IssueCaCertificate(ca_key, "CA");
  EXPECT_THAT(
      VerifyNodeCertificate(IssueNodeCertificate(ca, ca_key, key.public_key()), ca, absl::Now()),
      Passes(NodeIdFromPublicKey(key.public_key())));
}

TEST_F(VerifyNodeTest, AcceptsServerAuthBesideOthers) {
  Forgery node = Node();
  node.extended_key_usage = "clientAuth,serverAuth";
  EXPECT_THAT(VerifyNode(node), Passes(id_));
}

TEST_F(VerifyNodeTest, RefusesTheSignatureOfAnotherCa) {
  const EvpKeyPtr other = ForgeKey(KeyKind::kEd25519);
  Forgery node = Node();
  node.signer = other.get();
  EXPECT_THAT(VerifyNode(node), Fails(CertificateFault::kWrongCa, "not signed by the CA SHA256:"));
}

TEST_F(VerifyNodeTest, RefusesASelfSignedOne) {
  Forgery node = Node();
  node.signer = node_key_.get();
  node.issuer = nullptr;
  EXPECT_THAT(VerifyNode(node), Fails(CertificateFault::kWrongCa, "not signed"));
}

TEST_F(VerifyNodeTest, NamesTheNodeEvenOfAnotherCluster) {
  const EvpKeyPtr other = ForgeKey(KeyKind::kEd25519);
  Forgery node = Node();
  node.signer = other.get();
  EXPECT_EQ(VerifyNode(node).name, id_);
}

TEST_F(VerifyNodeTest, RefusesACaAsLeaf) {
  Forgery node = Node();
  node.basic_constraints = "critical,CA:TRUE";
  EXPECT_THAT(VerifyNode(node), Fails(CertificateFault::kMalformed, "of a CA"));
  EXPECT_THAT(VerifyNodeCertificate(ca_, ca_, now_),
              Fails(CertificateFault::kMalformed, "of a CA"));
}

TEST_F(VerifyNodeTest, RefusesOtherKeyTypesByName) {
  for (const auto& [kind, name] :
       {std::pair(KeyKind::kRsa, "RSA-2048"), std::pair(KeyKind::kEcdsa, "ECDSA prime256v1")}) {
    const EvpKeyPtr key = ForgeKey(kind);
    Forgery node = Node();
    node.key = key.get();
    EXPECT_THAT(VerifyNode(node), Fails(CertificateFault::kMalformed, name));
  }
}

TEST_F(VerifyNodeTest, RefusesAMissingExtendedKeyUsage) {
  Forgery node = Node();
  node.extended_key_usage = "";
  EXPECT_THAT(VerifyNode(node), Fails(CertificateFault::kMalformed, "lacks serverAuth"));
}

TEST_F(VerifyNodeTest, RefusesAUsersCertificate) {
  Forgery node = Node();
  node.extended_key_usage = "clientAuth";
  EXPECT_THAT(VerifyNode(node), Fails(CertificateFault::kMalformed, "it is a user's"));
}

TEST_F(VerifyNodeTest, RefusesAnyPurposeForServerAuth) {
  Forgery node = Node();
  node.extended_key_usage = "anyExtendedKeyUsage";
  EXPECT_THAT(VerifyNode(node), Fails(CertificateFault::kMalformed, "lacks serverAuth"));
}

TEST_F(VerifyNodeTest, RefusesANameThatIsNotTheIdOfItsKey) {
  Forgery node = Node();
  node.common_name = "metropolis-0123456789abcdef0123456789abcdef";
  node.dns_name = node.common_name;
  EXPECT_THAT(VerifyNode(node), Fails(CertificateFault::kMalformed, "is not the id of its key"));
  node.common_name = "";
  EXPECT_THAT(VerifyNode(node), Fails(CertificateFault::kMalformed, "is not the id of its key"));
}

TEST_F(VerifyNodeTest, RefusesANameThatIsNotAmongTheDnsNames) {
  Forgery node = Node();
  node.dns_name = "";
  EXPECT_THAT(VerifyNode(node), Fails(CertificateFault::kMalformed, "DNS names"));
  node.dns_name = "metropolis-0123456789abcdef0123456789abcdef";
  EXPECT_THAT(VerifyNode(node), Fails(CertificateFault::kMalformed, "DNS names"));
}

TEST_F(VerifyNodeTest, RefusesOneThatExpired) {
  Forgery node = Node();
  node.not_after = now_ - absl::Seconds(2);
  EXPECT_THAT(VerifyNode(node), Fails(CertificateFault::kExpired, "expired at "));
}

TEST_F(VerifyNodeTest, RefusesOneThatIsNotYetValid) {
  Forgery node = Node();
  node.not_before = now_ + absl::Minutes(1);
  EXPECT_THAT(VerifyNode(node), Fails(CertificateFault::kExpired, "not valid before "));
}

TEST_F(VerifyNodeTest, RefusesAnExpiredCa) {
  Forgery ca = Ca();
  ca.not_after = now_ - absl::Seconds(2);
  EXPECT_THAT(VerifyNodeCertificate(Forge(Node()), Forge(ca), now_),
              Fails(CertificateFault::kExpired, "its CA has expired"));
}

TEST_F(VerifyNodeTest, RefusesAnotherNodeThanExpected) {
  const std::string other = "metropolis-0123456789abcdef0123456789abcdef";
  EXPECT_THAT(VerifyNode(Node(), other), Fails(CertificateFault::kWrongNode, "not of " + other));
  EXPECT_EQ(VerifyNode(Node(), other).name, id_);
}

TEST_F(VerifyNodeTest, CallsAnExpiredCertificateOfAnotherClusterAnotherClusters) {
  const EvpKeyPtr other = ForgeKey(KeyKind::kEd25519);
  Forgery node = Node();
  node.signer = other.get();
  node.not_after = now_ - absl::Seconds(2);
  EXPECT_EQ(VerifyNode(node).fault, CertificateFault::kWrongCa);
}

TEST_F(VerifyNodeTest, RefusesUnknownCriticalExtensions) {
  Forgery node = Node();
  node.unknown_critical_extension = "1.3.6.1.4.1.99999.1";
  EXPECT_THAT(VerifyNode(node), Fails(CertificateFault::kMalformed, "critical extension"));
}

TEST_F(VerifyNodeTest, RefusesARootThatIsNoCa) {
  EXPECT_THAT(VerifyNodeCertificate(Forge(Node()), Forge(Node()), now_),
              Fails(CertificateFault::kWrongCa, "the pinned CA is none"));
}

TEST_F(VerifyUserTest, AcceptsAGoodOne) { EXPECT_THAT(VerifyUser(User()), Passes("owner")); }

TEST_F(VerifyUserTest, RefusesANodesCertificate) {
  EXPECT_THAT(VerifyUser(Node()), Fails(CertificateFault::kMalformed, "it is a node's"));
}

TEST_F(VerifyUserTest, RefusesAMissingExtendedKeyUsage) {
  Forgery user = User();
  user.extended_key_usage = "";
  EXPECT_THAT(VerifyUser(user), Fails(CertificateFault::kMalformed, "lacks clientAuth"));
}

TEST_F(VerifyUserTest, RefusesAnEmptyName) {
  Forgery user = User();
  user.common_name = "";
  EXPECT_THAT(VerifyUser(user), Fails(CertificateFault::kMalformed, "common name is empty"));
}

TEST_F(VerifyUserTest, RefusesAnotherCaACaAndOtherKeys) {
  const EvpKeyPtr other = ForgeKey(KeyKind::kEd25519);
  Forgery user = User();
  user.signer = other.get();
  EXPECT_THAT(VerifyUser(user), Fails(CertificateFault::kWrongCa, "not signed"));
  user = User();
  user.basic_constraints = "critical,CA:TRUE";
  EXPECT_THAT(VerifyUser(user), Fails(CertificateFault::kMalformed, "of a CA"));
  const EvpKeyPtr ecdsa = ForgeKey(KeyKind::kEcdsa);
  user = User();
  user.key = ecdsa.get();
  EXPECT_THAT(VerifyUser(user), Fails(CertificateFault::kMalformed, "not Ed25519"));
}

TEST_F(VerifyUserTest, RefusesOneOutOfItsTime) {
  Forgery user = User();
  user.not_after = now_ - absl::Seconds(2);
  EXPECT_THAT(VerifyUser(user), Fails(CertificateFault::kExpired, "expired at "));
  user = User();
  user.not_before = now_ + absl::Minutes(1);
  EXPECT_THAT(VerifyUser(user), Fails(CertificateFault::kExpired, "not valid before "));
}

TEST_F(VerifyCaTest, AcceptsAGoodOne) {
  EXPECT_THAT(VerifyCaCertificate(ca_), Passes("CA"));
  EXPECT_THAT(VerifyCaCertificate(IssueCaCertificate(PrivateKey::Generate(), "x")), Passes("x"));
}

TEST_F(VerifyCaTest, RefusesWhatCannotBePinned) {
  const EvpKeyPtr other = ForgeKey(KeyKind::kEd25519);
  const EvpKeyPtr rsa = ForgeKey(KeyKind::kRsa);
  EXPECT_THAT(VerifyCaCertificate(Forge(Node())),
              Fails(CertificateFault::kMalformed, "not the certificate of a CA"));
  Forgery ca = Ca();
  ca.signer = other.get();
  EXPECT_THAT(VerifyCaCertificate(Forge(ca)), Fails(CertificateFault::kMalformed, "its own key"));
  ca = Ca();
  ca.key = rsa.get();
  ca.signer = rsa.get();
  EXPECT_THAT(VerifyCaCertificate(Forge(ca)), Fails(CertificateFault::kMalformed, "RSA-2048"));
  ca = Ca();
  ca.key_usage = "critical,digitalSignature";
  EXPECT_THAT(VerifyCaCertificate(Forge(ca)), Fails(CertificateFault::kMalformed, "key usage"));
}

TEST_F(VerifyEphemeralTest, AcceptsAnySelfSignedEd25519Certificate) {
  EXPECT_TRUE(VerifyEphemeralCertificate(IssueEphemeralCertificate(PrivateKey::Generate())).ok());
  EXPECT_TRUE(VerifyEphemeralCertificate(ca_).ok());
  Forgery expired = Node();
  expired.signer = node_key_.get();
  expired.not_after = now_ - absl::Seconds(2);
  EXPECT_TRUE(VerifyEphemeralCertificate(Forge(expired)).ok());
}

TEST_F(VerifyEphemeralTest, RefusesOthersSignaturesAndKeys) {
  EXPECT_FALSE(VerifyEphemeralCertificate(Forge(Node())).ok());
  const EvpKeyPtr ecdsa = ForgeKey(KeyKind::kEcdsa);
  Forgery other = Node();
  other.key = ecdsa.get();
  other.signer = ecdsa.get();
  EXPECT_THAT(VerifyEphemeralCertificate(Forge(other)),
              Fails(CertificateFault::kMalformed, "not Ed25519"));
}

}  // namespace
}  // namespace curator::identity
