// The exact contents of what is issued: existing clients and servers look at them.
#include "libclient/identity/certificate.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libclient/identity/node_id.h"
#include "libclient/identity/openssl.h"
#include "libclient/identity/pem.h"
#include "tests/unit/identity/forge.h"

namespace curator::identity {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class IssuedCertificate : public ::testing::Test {
 protected:
  const PrivateKey ca_key_ = PrivateKey::Generate();
  const Certificate ca_ = IssueCaCertificate(ca_key_, "Metropolis Cluster CA");
  const PrivateKey key_ = PrivateKey::Generate();
};

constexpr uint32_t kSigns = KU_DIGITAL_SIGNATURE;

void ExpectValidFromNowToTheEndOfTime(const Certificate& certificate) {
  EXPECT_EQ(certificate.not_after(), absl::FromUnixSeconds(253402300799));
  EXPECT_LT(certificate.not_before(), absl::Now() - absl::Minutes(10));
  EXPECT_GT(certificate.not_before(), absl::Now() - absl::Hours(2));
}

bool IsCritical(const Certificate& certificate, int nid) {
  const int at = X509_get_ext_by_NID(certificate.get(), nid, -1);
  return at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(certificate.get(), at)) == 1;
}

TEST_F(IssuedCertificate, OfACa) {
  EXPECT_EQ(ca_.common_name(), "Metropolis Cluster CA");
  EXPECT_TRUE(ca_.is_ca());
  EXPECT_TRUE(IsCritical(ca_, NID_basic_constraints));
  EXPECT_TRUE(ca_.SignedBy(ca_key_.public_key()));
  EXPECT_EQ(X509_get_key_usage(ca_.get()), kSigns | KU_KEY_CERT_SIGN | KU_CRL_SIGN);
  EXPECT_EQ(X509_get_extended_key_usage(ca_.get()),
            static_cast<uint32_t>(XKU_SSL_CLIENT | XKU_SSL_SERVER | XKU_OCSP_SIGN));
  EXPECT_EQ(X509_NAME_cmp(X509_get_subject_name(ca_.get()), X509_get_issuer_name(ca_.get())), 0);
  ExpectValidFromNowToTheEndOfTime(ca_);
}

TEST_F(IssuedCertificate, OfANode) {
  const Certificate node = IssueNodeCertificate(ca_, ca_key_, key_.public_key());
  const std::string id = NodeIdFromPublicKey(key_.public_key());
  EXPECT_EQ(node.public_key(), key_.public_key());
  EXPECT_EQ(node.common_name(), id);
  EXPECT_THAT(node.dns_names(), ElementsAre(id));
  EXPECT_FALSE(node.is_ca());
  EXPECT_TRUE(node.SignedBy(ca_key_.public_key()));
  EXPECT_FALSE(node.SignedBy(key_.public_key()));
  EXPECT_TRUE(node.has_server_auth());
  EXPECT_FALSE(node.has_client_auth());
  EXPECT_EQ(X509_get_key_usage(node.get()), kSigns | KU_KEY_ENCIPHERMENT);
  EXPECT_EQ(X509_NAME_cmp(X509_get_subject_name(ca_.get()), X509_get_issuer_name(node.get())), 0);
  ExpectValidFromNowToTheEndOfTime(node);
}

TEST_F(IssuedCertificate, OfAUser) {
  const Certificate user = IssueUserCertificate(ca_, ca_key_, key_.public_key(), "owner");
  EXPECT_EQ(user.common_name(), "owner");
  EXPECT_THAT(user.dns_names(), IsEmpty());
  EXPECT_FALSE(user.is_ca());
  EXPECT_TRUE(user.SignedBy(ca_key_.public_key()));
  EXPECT_FALSE(user.has_server_auth());
  EXPECT_TRUE(user.has_client_auth());
  ExpectValidFromNowToTheEndOfTime(user);
}

TEST_F(IssuedCertificate, OfAUserWithALongName) {
  const std::string name(200, 'n');
  EXPECT_EQ(IssueUserCertificate(ca_, ca_key_, key_.public_key(), name).common_name(), name);
}

TEST_F(IssuedCertificate, OfAnEphemeralIdentity) {
  const Certificate ephemeral = IssueEphemeralCertificate(key_);
  EXPECT_EQ(X509_NAME_entry_count(X509_get_subject_name(ephemeral.get())), 0);
  EXPECT_EQ(X509_NAME_entry_count(X509_get_issuer_name(ephemeral.get())), 0);
  EXPECT_EQ(ASN1_INTEGER_get(X509_get0_serialNumber(ephemeral.get())), 1);
  EXPECT_FALSE(ephemeral.is_ca());
  EXPECT_GE(X509_get_ext_by_NID(ephemeral.get(), NID_basic_constraints, -1), 0);
  EXPECT_EQ(X509_get_key_usage(ephemeral.get()), kSigns | KU_KEY_ENCIPHERMENT | KU_KEY_CERT_SIGN);
  EXPECT_EQ(X509_get_extended_key_usage(ephemeral.get()), static_cast<uint32_t>(XKU_SSL_CLIENT));
  EXPECT_TRUE(ephemeral.SignedBy(key_.public_key()));
  ExpectValidFromNowToTheEndOfTime(ephemeral);
}

TEST_F(IssuedCertificate, HasAPositiveSerialOfItsOwn) {
  const Certificate a = IssueNodeCertificate(ca_, ca_key_, key_.public_key());
  const Certificate b = IssueNodeCertificate(ca_, ca_key_, key_.public_key());
  const ASN1_INTEGER* serial = X509_get0_serialNumber(a.get());
  EXPECT_NE(ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(b.get())), 0);
  EXPECT_EQ(ASN1_STRING_type(serial), V_ASN1_INTEGER);
  EXPECT_GE(ASN1_STRING_length(serial), 8);
  EXPECT_LE(ASN1_STRING_length(serial), 16);
}

TEST_F(IssuedCertificate, SurvivesDerAndPem) {
  const absl::StatusOr<Certificate> der = Certificate::FromDer(ca_.der());
  const absl::StatusOr<Certificate> pem = Certificate::FromPem(ca_.pem());
  ASSERT_TRUE(der.ok()) << der.status();
  ASSERT_TRUE(pem.ok()) << pem.status();
  EXPECT_EQ(der->sha256(), Sha256Hex(ca_.der()));
  EXPECT_EQ(pem->der(), ca_.der());
}

TEST(Certificate, RefusesWhatIsNotExactlyOne) {
  const PrivateKey key = PrivateKey::Generate();
  const Certificate certificate = IssueEphemeralCertificate(key);
  const auto message = [](const absl::StatusOr<Certificate>& parsed) {
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(parsed.status().message());
  };
  EXPECT_THAT(message(Certificate::FromDer("")), HasSubstr("no X.509"));
  EXPECT_THAT(message(Certificate::FromDer("garbage")), HasSubstr("no X.509"));
  EXPECT_THAT(message(Certificate::FromDer(certificate.der() + "x")), HasSubstr("bytes follow"));
  EXPECT_THAT(message(Certificate::FromPem("garbage")), HasSubstr("no PEM block"));
  EXPECT_THAT(message(Certificate::FromPem(key.ToPem())), HasSubstr("found a PRIVATE KEY"));
  EXPECT_THAT(message(Certificate::FromPem(certificate.pem() + certificate.pem())),
              HasSubstr("expected one certificate"));
  EXPECT_TRUE(Certificate::FromPem(key.ToPem() + "text\n" + certificate.pem()).ok());
}

TEST(Certificate, RefusesEveryTruncation) {
  const std::string der = IssueEphemeralCertificate(PrivateKey::Generate()).der();
  for (size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(Certificate::FromDer(der.substr(0, size)).ok()) << size;
  }
}

TEST(Certificate, ReadsNoRawKeyFromOtherKeyTypes) {
  const EvpKeyPtr rsa = testing::ForgeKey(testing::KeyKind::kRsa);
  testing::Forgery forgery;
  forgery.key = rsa.get();
  forgery.signer = rsa.get();
  EXPECT_EQ(testing::Forge(forgery).public_key(), "");
}

}  // namespace
}  // namespace curator::identity
