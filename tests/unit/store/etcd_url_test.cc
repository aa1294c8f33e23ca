#include "server/store/etcd_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/store/store.h"

namespace curatord {
namespace {

using testing::HasSubstr;

EtcdUrl Parsed(absl::string_view url) {
  absl::StatusOr<EtcdUrl> parsed = ParseEtcdUrl(url);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.value_or(EtcdUrl());
}

std::string Refusal(absl::string_view url) {
  absl::StatusOr<EtcdUrl> parsed = ParseEtcdUrl(url);
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << url;
  return std::string(parsed.status().message());
}

TEST(EtcdUrl, HasTheExistingSystemsPrefixAndNoTlsByDefault) {
  const EtcdUrl url = Parsed("etcd://h1:2379");
  EXPECT_EQ(url.prefix, "namespaced:curator/");
  EXPECT_FALSE(url.tls);
  EXPECT_EQ(url.user, "");
  EXPECT_EQ(url.Name(), "etcd://h1:2379");
}

TEST(EtcdUrl, TakesSeveralEndpointsOfAllForms) {
  const EtcdUrl url = Parsed("etcd://h1,10.0.0.1:3379,[fd00::7],[fd00::7]:2380,h1:2379/");
  EXPECT_EQ(url.Name(), "etcd://h1:2379,10.0.0.1:3379,[fd00::7]:2379,[fd00::7]:2380");
}

TEST(EtcdUrl, DecodesParameters) {
  const EtcdUrl url = Parsed(
      "etcd://h1?prefix=a%20b%2F%26&ca=/etc/ca.pem&cert=/c.pem&key=/k.pem&user=cur%40tor&"
      "password-file=/p");
  EXPECT_EQ(url.prefix, "a b/&");
  EXPECT_EQ(url.ca_file, "/etc/ca.pem");
  EXPECT_EQ(url.cert_file, "/c.pem");
  EXPECT_EQ(url.key_file, "/k.pem");
  EXPECT_EQ(url.user, "cur@tor");
  EXPECT_EQ(url.password_file, "/p");
  EXPECT_EQ(Parsed(url.Name()).prefix, url.prefix) << url.Name();
}

TEST(EtcdUrl, UsesTlsWhereItsFilesAreGivenOrTheSchemeSaysSo) {
  EXPECT_TRUE(Parsed("etcds://h1").tls);
  EXPECT_TRUE(Parsed("etcd://h1?ca=/ca.pem").tls);
  EXPECT_TRUE(Parsed("etcd://h1?cert=/c.pem&key=/k.pem").tls);
  EXPECT_EQ(Parsed("etcd://h1?ca=/ca.pem").Name(), "etcds://h1:2379");
}

TEST(EtcdUrl, PrefixMayBeEmpty) { EXPECT_EQ(Parsed("etcd://h1?prefix=").prefix, ""); }

TEST(EtcdUrl, NamesTheKnownParametersWhenOneIsUnknown) {
  const std::string refusal = Refusal("etcd://h1?prefx=a");
  EXPECT_THAT(refusal, HasSubstr("\"prefx\""));
  EXPECT_THAT(refusal, HasSubstr("prefix, ca, cert, key, user, password-file"));
}

TEST(EtcdUrl, SaysWhatIsWrong) {
  EXPECT_THAT(Refusal("etcd://"), HasSubstr("is empty"));
  EXPECT_THAT(Refusal("etcd://h1,,h2"), HasSubstr("is empty"));
  EXPECT_THAT(Refusal("etcd://h1:0"), HasSubstr("h1:0"));
  EXPECT_THAT(Refusal("etcd://h1/prefix"), HasSubstr("prefix="));
  EXPECT_THAT(Refusal("etcd://h1?prefix=%4"), HasSubstr("hexadecimal"));
  EXPECT_THAT(Refusal("etcd://h1?prefix=%zz"), HasSubstr("hexadecimal"));
  EXPECT_THAT(Refusal("etcd://h1?user=a"), HasSubstr("go together"));
  EXPECT_THAT(Refusal("etcd://h1?password-file=/p"), HasSubstr("go together"));
  EXPECT_THAT(Refusal("etcd://h1?cert=/c"), HasSubstr("go together"));
  EXPECT_THAT(Refusal("etcd://h1?ca="), HasSubstr("no value"));
  EXPECT_THAT(Refusal("etcd://h1?ca=a&ca=b"), HasSubstr("twice"));
}

TEST(EtcdUrl, NeverRepeatsAPasswordThatDoesNotBelongThere) {
  const std::string refusal = Refusal("etcd://root:secret@h1");
  EXPECT_THAT(refusal, HasSubstr("password-file"));
  EXPECT_THAT(refusal, testing::Not(HasSubstr("secret")));
}

TEST(OpenStore, NamesBothFormsWhenItKnowsNeither) {
  const absl::Status status = OpenStore("postgres://h1", /*create=*/true).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("etcd://"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("sqlite://"));
}

}  // namespace
}  // namespace curatord
