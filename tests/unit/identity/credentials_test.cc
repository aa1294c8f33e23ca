#include "curator/credentials.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/key.h"
#include "libclient/identity/node_id.h"
#include "libclient/identity/pem.h"
#include "tests/unit/identity/forge.h"

namespace curator {
namespace {

using identity::Certificate;
using identity::PrivateKey;
using ::testing::HasSubstr;

class Credentials : public ::testing::Test {
 protected:
  const PrivateKey ca_key_ = PrivateKey::Generate();
  const Certificate ca_ = identity::IssueCaCertificate(ca_key_, "Metropolis Cluster CA");
  const PrivateKey key_ = PrivateKey::Generate();
  const Certificate user_ =
      identity::IssueUserCertificate(ca_, ca_key_, key_.public_key(), "owner");
};

std::string Message(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

using ClusterCaTest = Credentials;
using IdentityTest = Credentials;

TEST_F(ClusterCaTest, TellsWhatItIs) {
  const absl::StatusOr<ClusterCa> ca = ClusterCa::FromPem(ca_.pem());
  ASSERT_TRUE(ca.ok()) << ca.status();
  EXPECT_EQ(ca->sha256(), identity::Sha256Hex(ca_.der()));
  EXPECT_EQ(ca->subject(), "Metropolis Cluster CA");
  EXPECT_EQ(ca->der(), ca_.der());
  EXPECT_EQ(ca->not_after(), absl::FromUnixSeconds(253402300799));
  EXPECT_EQ(ClusterCa::FromDer(ca_.der())->pem(), ca->pem());
}

TEST_F(ClusterCaTest, RefusesWhatIsNoCa) {
  EXPECT_THAT(Message(ClusterCa::FromPem(user_.pem()).status()),
              HasSubstr("cannot be a cluster's CA: it is not the certificate of a CA"));
  EXPECT_THAT(Message(ClusterCa::FromPem(key_.ToPem()).status()), HasSubstr("PRIVATE KEY"));
  EXPECT_THAT(Message(ClusterCa::FromDer("x").status()), HasSubstr("no X.509"));
}

TEST_F(IdentityTest, JoinsACertificateAndItsKeyInEitherForm) {
  for (const std::string& pem : {key_.ToPem(), key_.ToOwnerPem()}) {
    const absl::StatusOr<Identity> user = Identity::FromPem(user_.pem(), pem);
    ASSERT_TRUE(user.ok()) << user.status();
    EXPECT_EQ(user->subject(), "owner");
    EXPECT_FALSE(user->is_ephemeral());
    EXPECT_EQ(user->private_key_pem(), key_.ToPem());
    EXPECT_EQ(user->certificate_der(), user_.der());
    EXPECT_EQ(user->public_key(), key_.public_key());
  }
}

TEST_F(IdentityTest, RefusesACertificateAndAKeyThatDoNotBelongTogether) {
  EXPECT_THAT(Message(Identity::FromPem(user_.pem(), ca_key_.ToPem()).status()),
              HasSubstr("do not belong together"));
}

TEST_F(IdentityTest, NamesTheKeyTypeOfTheCertificateItRefuses) {
  const identity::EvpKeyPtr ecdsa = identity::testing::ForgeKey(identity::testing::KeyKind::kEcdsa);
  identity::testing::Forgery forgery;
  forgery.key = ecdsa.get();
  forgery.signer = ecdsa.get();
  EXPECT_THAT(
      Message(Identity::FromPem(identity::testing::Forge(forgery).pem(), key_.ToPem()).status()),
      HasSubstr("ECDSA prime256v1"));
}

TEST_F(IdentityTest, IsEphemeralIfItProvesAKeyAndNoMore) {
  const absl::StatusOr<Identity> ephemeral = Identity::Ephemeral(key_);
  ASSERT_TRUE(ephemeral.ok()) << ephemeral.status();
  EXPECT_TRUE(ephemeral->is_ephemeral());
  EXPECT_EQ(ephemeral->subject(), "");
  EXPECT_EQ(ephemeral->public_key(), key_.public_key());
}

TEST(OwnerKey, GivesTheTwoFilesOfAnOwner) {
  const absl::StatusOr<OwnerKey> owner = GenerateOwnerKey();
  ASSERT_TRUE(owner.ok()) << owner.status();
  const absl::StatusOr<Identity> ephemeral = EphemeralIdentityFromPem(owner->private_key_pem);
  ASSERT_TRUE(ephemeral.ok()) << ephemeral.status();
  EXPECT_EQ(ephemeral->public_key(), owner->public_key);
  EXPECT_EQ(*identity::PublicKeyFromPem(owner->public_key_pem), owner->public_key);
}

TEST_F(IdentityTest, OfAUserIsCheckedAgainstTheCluster) {
  const ClusterCa ca = *ClusterCa::FromDer(ca_.der());
  EXPECT_TRUE(UserIdentity(ca, user_.der(), key_.ToPem()).ok());

  const PrivateKey other_key = PrivateKey::Generate();
  const ClusterCa other =
      *ClusterCa::FromDer(identity::IssueCaCertificate(other_key, "other").der());
  EXPECT_EQ(UserIdentity(other, user_.der(), key_.ToPem()).status().code(),
            absl::StatusCode::kFailedPrecondition);
  const Certificate node = identity::IssueNodeCertificate(ca_, ca_key_, key_.public_key());
  EXPECT_EQ(UserIdentity(ca, node.der(), key_.ToPem()).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(ParseFingerprint, AcceptsTheUsualSpellings) {
  const std::string bare = identity::Sha256Hex("abc");
  std::vector<std::string> pairs;
  for (size_t i = 0; i < bare.size(); i += 2) pairs.push_back(bare.substr(i, 2));
  const std::string colons = absl::StrJoin(pairs, ":");
  for (const std::string& text :
       {bare, absl::AsciiStrToUpper(bare), colons, absl::StrCat("SHA256:", bare),
        absl::StrCat("sha256:", colons), absl::StrCat("  ", bare, "\n")}) {
    const absl::StatusOr<std::string> parsed = ParseFingerprint(text);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, bare);
  }
}

TEST(ParseFingerprint, RefusesOtherText) {
  const std::string bare = identity::Sha256Hex("abc");
  for (const std::string& text :
       {std::string(), bare.substr(1), bare + "0", "g" + bare.substr(1), "SHA1:" + bare}) {
    EXPECT_THAT(Message(ParseFingerprint(text).status()), HasSubstr("64 hex digits")) << text;
  }
}

}  // namespace
}  // namespace curator
