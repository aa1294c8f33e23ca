#include "server/leader/heartbeats.h"

#include "gtest/gtest.h"

namespace curatord {
namespace {

using metropolis::proto::api::Node;

class HeartbeatsTest : public testing::Test {
 protected:
  Node::Health HealthOf(const char* id) const { return heartbeats_.VitalsOf(id, true).health; }

  absl::Duration now_ = absl::Hours(100);
  Heartbeats heartbeats_{[this] { return now_; }};
};

TEST_F(HeartbeatsTest, OfANodeThatWasNeverHeardAreUnknownWhileTheLeaderIsYoung) {
  EXPECT_EQ(HealthOf("a"), Node::HEALTH_UNKNOWN);
  now_ += kHeartbeatTimeout;
  EXPECT_EQ(HealthOf("a"), Node::HEALTH_UNKNOWN);
  now_ += absl::Nanoseconds(1);
  EXPECT_EQ(HealthOf("a"), Node::HEALTH_HEARTBEAT_TIMEOUT);
  EXPECT_FALSE(heartbeats_.VitalsOf("a", true).age.has_value());
}

TEST_F(HeartbeatsTest, MakeANodeHealthyUntilTheyAreTooOld) {
  now_ += absl::Hours(1);
  heartbeats_.Arrived("a");
  EXPECT_EQ(HealthOf("a"), Node::HEALTH_HEALTHY);
  EXPECT_EQ(heartbeats_.VitalsOf("a", true).age, absl::ZeroDuration());
  now_ += kHeartbeatTimeout;
  EXPECT_EQ(HealthOf("a"), Node::HEALTH_HEALTHY);
  EXPECT_EQ(heartbeats_.VitalsOf("a", true).age, kHeartbeatTimeout);
  now_ += absl::Nanoseconds(1);
  EXPECT_EQ(HealthOf("a"), Node::HEALTH_HEARTBEAT_TIMEOUT);
  heartbeats_.Arrived("a");
  EXPECT_EQ(HealthOf("a"), Node::HEALTH_HEALTHY);
  EXPECT_EQ(HealthOf("b"), Node::HEALTH_HEARTBEAT_TIMEOUT);
}

TEST_F(HeartbeatsTest, SayNothingOfTheHealthOfANodeThatIsNotUp) {
  heartbeats_.Arrived("a");
  EXPECT_EQ(heartbeats_.VitalsOf("a", false).health, Node::HEALTH_UNKNOWN);
  EXPECT_EQ(heartbeats_.VitalsOf("a", false).age, absl::ZeroDuration());
  now_ += absl::Hours(1);
  EXPECT_EQ(heartbeats_.VitalsOf("a", false).health, Node::HEALTH_UNKNOWN);
  EXPECT_EQ(heartbeats_.VitalsOf("b", false).health, Node::HEALTH_UNKNOWN);
}

}  // namespace
}  // namespace curatord
