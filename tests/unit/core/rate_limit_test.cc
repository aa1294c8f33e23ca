#include "libclient/core/rate_limit.h"

#include "gtest/gtest.h"

namespace curator::core {
namespace {

TEST(RateLimit, LetsABurstThroughAndThenSoManyASecond) {
  RateLimit limit(3, 2);
  Instant now = After(Instant{}, absl::Hours(5));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.Spend(now)) << i;
  EXPECT_FALSE(limit.Spend(now));
  int spent = 0;
  for (int i = 0; i < 1000; ++i) {
    now = After(now, absl::Milliseconds(10));
    if (limit.Spend(now)) ++spent;
  }
  EXPECT_EQ(spent, 20);
}

TEST(RateLimit, TellsWhenItsTimeHasCome) {
  RateLimit limit(1, 4);
  const Instant began_at = After(Instant{}, absl::Hours(5));
  EXPECT_EQ(limit.NextAt(began_at), began_at);
  ASSERT_TRUE(limit.Spend(began_at));
  const Instant next_at = limit.NextAt(began_at);
  EXPECT_GE(Elapsed(began_at, next_at), absl::Milliseconds(250));
  EXPECT_LE(Elapsed(began_at, next_at), absl::Milliseconds(260));
  EXPECT_TRUE(limit.Spend(next_at));
}

TEST(RateLimit, SavesNoMoreThanABurst) {
  RateLimit limit(2, 100);
  const Instant later = After(Instant{}, absl::Hours(9));
  ASSERT_TRUE(limit.Spend(After(Instant{}, absl::Hours(5))));
  EXPECT_TRUE(limit.Spend(later));
  EXPECT_TRUE(limit.Spend(later));
  EXPECT_FALSE(limit.Spend(later));
}

}  // namespace
}  // namespace curator::core
