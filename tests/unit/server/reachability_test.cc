#include "server/listener/reachability.h"

#include <random>

#include "gtest/gtest.h"

namespace curatord {
namespace {

using Act = Reachability::Act;

constexpr absl::Duration kTtl = absl::Seconds(10);

class ReachabilityTest : public testing::Test {
 protected:
  // One attempt that is not answered in time.
  Act Fail(bool may_give_up = true) {
    const absl::Duration begun = now_;
    now_ += reachability_.attempt_timeout(now_);
    const Act act = reachability_.OnFailed(begun, now_, may_give_up);
    now_ += reachability_.until_next_attempt();
    return act;
  }
  // Until something is done; returns what.
  Act FailUntilActed(bool may_give_up = true) {
    for (int i = 0; i < 100; ++i) {
      if (const Act act = Fail(may_give_up); act != Act::kNothing) return act;
    }
    return Act::kNothing;
  }

  absl::Duration now_ = absl::Seconds(1000);
  Reachability reachability_{kTtl};
};

TEST_F(ReachabilityTest, AFailureThatPassesIsNoReasonToDoAnything) {
  EXPECT_EQ(reachability_.OnFailed(now_, now_, true), Act::kNothing);
  EXPECT_FALSE(reachability_.OnReached(now_).has_value());
  EXPECT_EQ(reachability_.OnFailed(now_, now_, true), Act::kNothing);
  EXPECT_FALSE(reachability_.unreachable_since().has_value());
}

TEST_F(ReachabilityTest, FirstTheListenerIsBuiltAnewThenTheLeaseIsGivenUp) {
  EXPECT_EQ(FailUntilActed(), Act::kRebuild);
  EXPECT_EQ(FailUntilActed(), Act::kGiveUp);
}

TEST_F(ReachabilityTest, WhatHelpedIsTold) {
  const absl::Duration begun = now_;
  EXPECT_EQ(FailUntilActed(), Act::kRebuild);
  EXPECT_EQ(*reachability_.unreachable_since(), begun);
  EXPECT_EQ(*reachability_.OnReached(now_), now_ - begun);
  EXPECT_EQ(FailUntilActed(), Act::kRebuild) << "and from then on it counts anew";
}

TEST_F(ReachabilityTest, AnAttemptDuringWhichTheProcessWasStoppedCountsAsAnyOther) {
  const absl::Duration begun = now_;
  now_ += absl::Hours(1);
  EXPECT_NE(reachability_.OnFailed(begun, now_, true), Act::kGiveUp);
  EXPECT_EQ(*reachability_.OnReached(now_), kTtl / 2);
}

TEST_F(ReachabilityTest, WithoutAnotherCandidateItIsBuiltAnewAgainAndAgain) {
  for (int i = 0; i < 5; ++i) {
    const absl::Duration before = now_;
    EXPECT_EQ(FailUntilActed(/*may_give_up=*/false), Act::kRebuild);
    EXPECT_LE(now_ - before, kTtl);
  }
  EXPECT_EQ(FailUntilActed(), Act::kGiveUp) << "once there is one";
}

TEST_F(ReachabilityTest, TheLeaseIsNotGivenUpTwiceWithinAMinute) {
  EXPECT_EQ(FailUntilActed(), Act::kRebuild);
  EXPECT_EQ(FailUntilActed(), Act::kGiveUp);
  const absl::Duration gave_up_at = now_;
  reachability_.OnNoRole();
  while (now_ < gave_up_at + absl::Seconds(50)) EXPECT_NE(Fail(), Act::kGiveUp);
  Act act = Act::kNothing;
  while (act != Act::kGiveUp && now_ < gave_up_at + absl::Minutes(2)) act = Fail();
  EXPECT_EQ(act, Act::kGiveUp);
}

// Deaf from some moment between two attempts, silently or refusing at once.
TEST(Reachability, NoLeaderIsDeafForAWholeTtlWhileAnotherCandidateStands) {
  std::mt19937 random(7);
  for (const absl::Duration ttl : {absl::Seconds(3), absl::Seconds(10), absl::Minutes(10)}) {
    for (int run = 0; run < 200; ++run) {
      Reachability reachability(ttl);
      absl::Duration now = absl::Seconds(1000);
      reachability.OnReached(now);
      const absl::Duration deaf_since = now;
      now += reachability.until_next_attempt();
      Act act = Act::kNothing;
      while (act != Act::kGiveUp) {
        const absl::Duration begun = now;
        now += reachability.attempt_timeout(now) *
               std::uniform_real_distribution<double>(0, 1)(random);
        act = reachability.OnFailed(begun, now, true);
        if (act != Act::kGiveUp) now += reachability.until_next_attempt();
        ASSERT_LT(now - deaf_since, ttl) << absl::FormatDuration(ttl);
      }
    }
  }
}

}  // namespace
}  // namespace curatord
