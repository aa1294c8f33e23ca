// How much may wait for a leadership, and what a full store is to it.
#include <deque>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libclient/core/error_info.h"
#include "server/limits.h"
#include "tests/unit/server/leadership_fixture.h"

namespace curatord {
namespace {

using testing::HasSubstr;
using testing_support::Fault;
using testing_support::HasReason;
using testing_support::LeadershipTest;
using testing_support::Outcome;
using testing_support::Putting;
using testing_support::ReasonOf;

// Older clients know the reason, and try again; the cause is in the metadata.
MATCHER(IsOverloaded, "") {
  google::rpc::ErrorInfo info;
  const auto payload = arg.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  *result_listener << arg;
  return absl::IsUnavailable(arg) && payload.has_value() &&
         info.ParseFromString(std::string(*payload)) &&
         info.reason() == curator::core::kReasonStoreUnavailable &&
         info.metadata().at(curator::core::kCauseKey) == curator::core::kCauseOverloaded;
}

class LeadershipBounds : public LeadershipTest {
 protected:
  // Until the store is released.
  void OccupyTheConfirmer(Outcome* outcome) {
    store_.FailCommits({Fault::kHoldRequest});
    leadership_->Confirm(outcome->Done());
    store_.WaitUntilHeld(1);
  }
};

TEST_F(LeadershipBounds, AWriteTooManyIsRefusedAndNotExecuted) {
  Outcome occupied, last;
  OccupyTheLane(&occupied);
  std::deque<Outcome> waiting(kWritesWaiting - 1);  // and the one under way
  for (Outcome& each : waiting) leadership_->Write(Putting("/x", "1"), each.Done());
  leadership_->Write(Putting("/y", "1"), last.Done());
  ASSERT_TRUE(last.settled());
  EXPECT_THAT(last.Wait(), IsOverloaded());
  store_.Release();
  for (Outcome& each : waiting) EXPECT_TRUE(each.Wait().ok());
  EXPECT_FALSE(Stored("/y").has_value());
  EXPECT_TRUE(occupied.Wait().ok());
  EXPECT_TRUE(Write("/z", "1").ok()) << "there is room again";
}

TEST_F(LeadershipBounds, WritesThatAreTooLargeTogetherAreRefused) {
  Outcome occupied, large, another, small;
  OccupyTheLane(&occupied);
  leadership_->Write(Putting("/x", "1"), large.Done(), kWriteBytesWaiting - 10);
  leadership_->Write(Putting("/y", "1"), another.Done(), 11);
  EXPECT_THAT(another.Wait(), IsOverloaded());
  leadership_->Write(Putting("/z", "1"), small.Done(), 10);
  store_.Release();
  EXPECT_TRUE(large.Wait().ok() && small.Wait().ok() && occupied.Wait().ok());
}

TEST_F(LeadershipBounds, StrangersWhoWaitKeepNoMemberOut) {
  Outcome occupied, stranger, member;
  OccupyTheConfirmer(&occupied);
  std::deque<Outcome> strangers(kStrangersWaiting);
  for (Outcome& each : strangers) {
    leadership_->Confirm(each.Done(), Leadership::Asker::kStranger);
  }
  leadership_->Confirm(stranger.Done(), Leadership::Asker::kStranger);
  EXPECT_THAT(stranger.Wait(), IsOverloaded());
  leadership_->Confirm(member.Done());
  EXPECT_FALSE(member.settled());
  store_.Release();
  for (Outcome& each : strangers) EXPECT_TRUE(each.Wait().ok());
  EXPECT_TRUE(member.Wait().ok() && occupied.Wait().ok());
}

TEST_F(LeadershipBounds, WhatStrangersSendIsBoundedInBytes) {
  Outcome occupied, large, another;
  OccupyTheConfirmer(&occupied);
  leadership_->Confirm(large.Done(), Leadership::Asker::kStranger, kStrangerBytesWaiting);
  leadership_->Confirm(another.Done(), Leadership::Asker::kStranger, 1);
  EXPECT_THAT(another.Wait(), IsOverloaded());
  store_.Release();
  EXPECT_TRUE(large.Wait().ok() && occupied.Wait().ok());
}

TEST_F(LeadershipBounds, AReadTooManyIsRefused) {
  Outcome occupied, last;
  OccupyTheConfirmer(&occupied);
  std::deque<Outcome> waiting(kReadsWaiting - 1);
  for (Outcome& each : waiting) leadership_->Confirm(each.Done());
  leadership_->Confirm(last.Done());
  EXPECT_THAT(last.Wait(), IsOverloaded());
  store_.Release();
  for (Outcome& each : waiting) EXPECT_TRUE(each.Wait().ok());
  EXPECT_TRUE(occupied.Wait().ok());
}

TEST_F(LeadershipBounds, SaysThatAFullStoreExecutedNothing) {
  store_.FailCommits({Fault::kFull});
  const absl::Status refused = Write("/x", "1");
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_EQ(ReasonOf(refused), curator::core::kReasonStoreFull);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("database space exceeded"));
  EXPECT_FALSE(Read("/x").has_value());
  EXPECT_TRUE(Confirm().ok()) << "reads go on";
  EXPECT_TRUE(Write("/x", "1").ok());
}

// Which it does by a write of its own.
TEST_F(LeadershipBounds, SaysSoTooWhereALateWriteHasToBeExcludedFirst) {
  store_.FailCommits({Fault::kLoseRequest, Fault::kFull});
  EXPECT_THAT(Write("/x", "1"), HasReason(curator::core::kReasonOutcomeUnknown));
  EXPECT_EQ(ReasonOf(Write("/x", "2")), curator::core::kReasonStoreFull);
  EXPECT_TRUE(Write("/x", "3").ok());
}

}  // namespace
}  // namespace curatord
