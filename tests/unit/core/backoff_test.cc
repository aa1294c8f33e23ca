#include "libclient/core/backoff.h"

#include "gtest/gtest.h"
#include "libclient/core/instant.h"
#include "libclient/core/retry_budget.h"

namespace curator::core {
namespace {

TEST(Backoff, GrowsFromTenthOfASecondToTwo) {
  Backoff backoff;
  absl::Duration last = absl::ZeroDuration();
  EXPECT_EQ(backoff.Next(1), absl::Milliseconds(100));
  EXPECT_EQ(backoff.Next(1), absl::Milliseconds(160));
  for (int i = 0; i < 100; ++i) {
    const absl::Duration next = backoff.Next(1);
    EXPECT_GE(next, last);
    EXPECT_LE(next, Backoff::kMax);
    last = next;
  }
  EXPECT_EQ(last, Backoff::kMax);
  backoff.Reset();
  EXPECT_EQ(backoff.Next(1), absl::Milliseconds(100));
}

TEST(Backoff, JitterIsFull) {
  Backoff backoff;
  EXPECT_EQ(backoff.Next(0), absl::ZeroDuration());
  EXPECT_EQ(backoff.Next(0.5), absl::Milliseconds(80));
}

TEST(RetryBudget, AllowsRetriesInProportionToSuccesses) {
  RetryBudget budget;
  int spent = 0;
  while (budget.Spend()) ++spent;
  EXPECT_EQ(spent, static_cast<int>(RetryBudget::kCapacity));
  budget.Earn();
  EXPECT_FALSE(budget.Spend());
  budget.Earn();
  EXPECT_TRUE(budget.Spend());
  for (int i = 0; i < 1000; ++i) budget.Earn();
  EXPECT_EQ(budget.tokens(), RetryBudget::kCapacity);
}

TEST(Instant, SaturatesInsteadOfWrapping) {
  const Instant now = Instant(std::chrono::hours(1));
  EXPECT_EQ(After(now, absl::InfiniteDuration()), kNever);
  EXPECT_EQ(After(kNever, absl::Seconds(-1)), kNever);
  EXPECT_EQ(After(now, absl::Seconds(-1)), now);
  EXPECT_EQ(Until(kNever, now), absl::InfiniteDuration());
  EXPECT_EQ(Until(now, After(now, absl::Seconds(1))), absl::ZeroDuration());
  EXPECT_EQ(Elapsed(now, After(now, absl::Seconds(3))), absl::Seconds(3));
  EXPECT_EQ(Elapsed(After(now, absl::Seconds(3)), now), absl::ZeroDuration());
}

}  // namespace
}  // namespace curator::core
