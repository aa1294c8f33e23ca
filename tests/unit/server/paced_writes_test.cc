// What nodes write of themselves, at a pace.
#include "server/leader/paced_writes.h"

#include <deque>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libclient/core/error_info.h"
#include "server/limits.h"
#include "tests/unit/server/leadership_fixture.h"

namespace curatord {
namespace {

using testing_support::Fault;
using testing_support::HasReason;
using testing_support::LeadershipTest;
using testing_support::Outcome;
using testing_support::Putting;
using Kind = PacedWrites::Kind;

class PacedWritesTest : public LeadershipTest {
 protected:
  void SetPace(int64_t burst, int64_t per_second) {
    Limits limits;
    limits.node_write_burst = burst;
    limits.node_writes_per_second = per_second;
    paced_ = std::make_unique<PacedWrites>(leadership_.get(), limits);
  }
  ~PacedWritesTest() override {
    leadership_->Stop();
    if (paced_ != nullptr) paced_->Stop();
  }
  void Report(const std::string& node, const std::string& text, Outcome* outcome,
              Kind kind = Kind::kNewest) {
    paced_->Write(node, kind, Putting("/" + node, text), outcome->Done(), 0);
  }

  std::unique_ptr<PacedWrites> paced_;
};

TEST_F(PacedWritesTest, ABurstIsWrittenAtOnceAndTheRestInItsTimeSlow) {
  SetPace(3, 1);
  const absl::Time began = absl::Now();
  std::deque<Outcome> outcomes(5);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    Report("a", std::to_string(i), &outcomes[i], Kind::kEach);
  }
  for (Outcome& each : outcomes) EXPECT_TRUE(each.Wait().ok());
  EXPECT_GE(absl::Now() - began, absl::Seconds(2));
  EXPECT_EQ(Stored("/a"), "4");
}

TEST_F(PacedWritesTest, OneNodeDoesNotWaitForAnother) {
  SetPace(1, 1);
  Outcome first, second, of_another;
  Report("a", "1", &first);
  EXPECT_TRUE(first.Wait().ok());
  Report("a", "2", &second);
  Report("b", "1", &of_another);
  EXPECT_TRUE(of_another.Wait().ok());
  paced_->Stop();
  second.Wait();
}

// Held back until the store has it: an answer before that would be a lie.
TEST_F(PacedWritesTest, TheNewestIsWrittenForAllThatWaitAndAnswersThemSlow) {
  SetPace(1, 1);
  Outcome first;
  Report("a", "1", &first);
  EXPECT_TRUE(first.Wait().ok());
  std::deque<Outcome> waiting(5);
  for (size_t i = 0; i < waiting.size(); ++i) Report("a", std::to_string(i), &waiting[i]);
  store_.FailCommits({Fault::kHoldRequest});
  store_.WaitUntilHeld(1);
  EXPECT_FALSE(waiting.back().settled());
  store_.Release();
  for (Outcome& each : waiting) EXPECT_TRUE(each.Wait().ok());
  EXPECT_EQ(Stored("/a"), "4");
  EXPECT_LT(store_.commits().size(), 1 + waiting.size());
}

TEST_F(PacedWritesTest, OthersAreEachWrittenInTheirOrder) {
  SetPace(1, 1000);
  const auto append = [](std::string letter) {
    return [letter](const DecisionView& view) {
      return testing_support::Ops{Operation::Put("/a", view.Find("/a").value_or("") + letter)};
    };
  };
  std::deque<Outcome> outcomes(4);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    paced_->Write("a", Kind::kEach, append(std::string(1, "abcd"[i])), outcomes[i].Done(), 0);
  }
  for (Outcome& each : outcomes) EXPECT_TRUE(each.Wait().ok());
  EXPECT_EQ(Stored("/a"), "abcd");
}

TEST_F(PacedWritesTest, AFailureAnswersAllThatWaitedSlow) {
  SetPace(1, 1);
  Outcome first, second, third;
  Report("a", "1", &first);
  EXPECT_TRUE(first.Wait().ok());
  store_.FailCommits({Fault::kUnavailable});
  Report("a", "2", &second);
  Report("a", "3", &third);
  EXPECT_THAT(second.Wait(), HasReason(curator::core::kReasonStoreUnavailable));
  EXPECT_THAT(third.Wait(), HasReason(curator::core::kReasonStoreUnavailable));
}

TEST_F(PacedWritesTest, TooManyThatWaitAreRefused) {
  SetPace(1, 1);
  Outcome first, last;
  Report("a", "1", &first);
  std::deque<Outcome> waiting(kPacedWritesOfANode);
  for (Outcome& each : waiting) Report("a", "2", &each);
  Report("a", "3", &last);
  EXPECT_THAT(last.Wait(), HasReason(curator::core::kReasonStoreUnavailable));
  paced_->Stop();
  for (Outcome& each : waiting) each.Wait();
  EXPECT_TRUE(first.Wait().ok());
}

TEST_F(PacedWritesTest, WhatWaitsEndsWithTheLeadership) {
  SetPace(1, 1);
  Outcome first, second, later;
  Report("a", "1", &first);
  EXPECT_TRUE(first.Wait().ok());
  Report("a", "2", &second);
  leadership_->Stop();
  paced_->Stop();
  EXPECT_THAT(second.Wait(), HasReason(curator::core::kReasonLostLeadership));
  Report("a", "3", &later);
  EXPECT_THAT(later.Wait(), HasReason(curator::core::kReasonLostLeadership));
  EXPECT_EQ(Stored("/a"), "1");
}

TEST_F(PacedWritesTest, AreForgottenOnceTheyAreQuiet) {
  SetPace(1, 1'000'000);
  std::deque<Outcome> outcomes(1000);
  for (size_t i = 0; i < outcomes.size(); ++i) Report("n" + std::to_string(i), "1", &outcomes[i]);
  for (Outcome& each : outcomes) EXPECT_TRUE(each.Wait().ok());
}

}  // namespace
}  // namespace curatord
