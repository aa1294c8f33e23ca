#include "server/metrics/takeover_clock.h"

#include "gtest/gtest.h"

namespace curatord {
namespace {

constexpr absl::Duration kLongestWait = absl::Seconds(20);

Role RoleOf(Role::Kind kind, int64_t term) {
  Role role;
  role.kind = kind;
  role.term = term;
  return role;
}

class TakeoverClockTest : public testing::Test {
 protected:
  void Follow(int64_t term, int at) { clock_.OnRole(RoleOf(Role::Kind::kFollower, term), At(at)); }
  void Lead(int64_t term, int at) { clock_.OnRole(RoleOf(Role::Kind::kLeader, term), At(at)); }
  static absl::Duration At(int seconds) { return absl::Hours(5) + absl::Seconds(seconds); }

  TakeoverClock clock_{kLongestWait};
};

TEST_F(TakeoverClockTest, CountsFromTheEndOfTheStreamToTheLeader) {
  Follow(7, 0);
  clock_.OnLeaderHeard(7);
  clock_.OnLeaderLost(7, At(10));
  Lead(8, 13);
  Lead(8, 14);
  EXPECT_EQ(clock_.OnServing(8, At(14)), absl::Seconds(4));
  EXPECT_EQ(clock_.OnServing(8, At(15)), absl::nullopt) << "told once";
}

TEST_F(TakeoverClockTest, CountsFromTheRoleWhereNothingWasSeenBefore) {
  Follow(7, 0);
  Lead(8, 13);
  clock_.OnLeaderLost(7, At(14));  // late
  EXPECT_EQ(clock_.OnServing(8, At(15)), absl::Seconds(2));
}

TEST_F(TakeoverClockTest, KeepsTheFirstOfSeveralSigns) {
  Follow(7, 0);
  clock_.OnLeaderLost(7, At(10));
  clock_.OnLeaderLost(7, At(12));
  Lead(8, 13);
  EXPECT_EQ(clock_.OnServing(8, At(14)), absl::Seconds(4));
}

TEST_F(TakeoverClockTest, ForgetsALossOnceTheLeaderIsHeardAgain) {
  Follow(7, 0);
  clock_.OnLeaderLost(7, At(10));
  clock_.OnLeaderHeard(7);
  Lead(8, 13);
  EXPECT_EQ(clock_.OnServing(8, At(14)), absl::Seconds(1));
}

TEST_F(TakeoverClockTest, ForgetsALossOnceAnotherLeads) {
  Follow(7, 0);
  clock_.OnLeaderLost(7, At(10));
  Follow(8, 11);
  clock_.OnLeaderLost(7, At(12));  // late
  Lead(9, 13);
  EXPECT_EQ(clock_.OnServing(9, At(14)), absl::Seconds(1));
}

// The leader went on renewing its lease: only we could not reach it.
TEST_F(TakeoverClockTest, DoesNotCountFromALossThatWasNotTheEnd) {
  Follow(7, 0);
  clock_.OnLeaderLost(7, At(10));
  Lead(8, 31);
  EXPECT_EQ(clock_.OnServing(8, At(32)), absl::Seconds(1));
}

TEST_F(TakeoverClockTest, TheFirstLeaderTakesNothingOver) {
  Lead(1, 0);
  EXPECT_EQ(clock_.OnServing(1, At(1)), absl::nullopt);
}

TEST_F(TakeoverClockTest, NorDoesAFollowerOrWhoLostItsRoleBetween) {
  Follow(7, 0);
  clock_.OnLeaderLost(7, At(1));
  EXPECT_EQ(clock_.OnServing(7, At(2)), absl::nullopt);
  clock_.OnRole(Role{}, At(3));
  Lead(8, 4);
  EXPECT_EQ(clock_.OnServing(8, At(5)), absl::nullopt);
}

}  // namespace
}  // namespace curatord
