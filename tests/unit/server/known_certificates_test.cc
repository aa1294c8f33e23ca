#include "server/auth/known_certificates.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace curatord {
namespace {

Caller Named(absl::string_view name) {
  Caller caller;
  caller.kind = Caller::Kind::kNode;
  caller.name = std::string(name);
  return caller;
}

TEST(KnownCertificates, NamesWhoWasRemembered) {
  KnownCertificates known;
  EXPECT_FALSE(known.Find("a", absl::Now()).has_value());
  known.Remember("a", Named("node-a"), {});
  known.Remember("b", Named("node-b"), {});
  EXPECT_EQ(known.Find("a", absl::Now())->name, "node-a");
  EXPECT_EQ(known.Find("b", absl::Now())->name, "node-b");
  known.Remember("a", Named("node-c"), {});
  EXPECT_EQ(known.Find("a", absl::Now())->name, "node-c");
}

TEST(KnownCertificates, NamesNobodyByACertificateOutOfTime) {
  const absl::Time from = absl::FromUnixSeconds(1000);
  const absl::Time until = absl::FromUnixSeconds(2000);
  KnownCertificates known;
  known.Remember("a", Named("node-a"), {from, until});
  EXPECT_FALSE(known.Find("a", from - absl::Seconds(1)).has_value());
  EXPECT_TRUE(known.Find("a", from).has_value());
  EXPECT_TRUE(known.Find("a", until).has_value());
  EXPECT_FALSE(known.Find("a", until + absl::Seconds(1)).has_value());
  EXPECT_TRUE(known.Find("a", from).has_value());
}

TEST(KnownCertificates, ForgetsWhoIsNotAskedForAndKeepsWhoIs) {
  KnownCertificates known;
  known.Remember("asked for", Named("node-a"), {});
  known.Remember("not asked for", Named("node-b"), {});
  for (int i = 0; i < 50'000; ++i) {
    known.Remember(absl::StrCat(i), Named("somebody"), {});
    if (i % 1000 == 0) {
      ASSERT_TRUE(known.Find("asked for", absl::Now()).has_value());
    }
  }
  EXPECT_FALSE(known.Find("not asked for", absl::Now()).has_value());
  EXPECT_FALSE(known.Find("0", absl::Now()).has_value());
}

}  // namespace
}  // namespace curatord
