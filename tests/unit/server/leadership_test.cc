// Leadership on a store that fails as the test says, and on the embedded one.
#include "server/leader/leadership.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "libclient/core/error_info.h"
#include "server/rpc/rpc_error.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/server/leadership_fixture.h"

namespace curatord {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using testing_support::Fault;
using testing_support::HasReason;
using testing_support::kLock;
using testing_support::LeadershipTest;
using testing_support::Ops;
using testing_support::Outcome;
using testing_support::Putting;

TEST_F(LeadershipTest, AcknowledgesWhatIsDurableAndVisible) {
  EXPECT_TRUE(Write("/x", "1").ok());
  EXPECT_EQ(Stored("/x"), "1");
  EXPECT_EQ(Read("/x"), "1");
  EXPECT_TRUE(Confirm().ok());
}

TEST_F(LeadershipTest, AcceptsADecisionToDoNothingAfterAFencedCheck) {
  EXPECT_TRUE(leadership_->WriteAndWait([](const DecisionView&) { return Ops{}; }).ok());
  EXPECT_THAT(store_.commits(), ElementsAre(SizeIs(0)));
  Depose();
  EXPECT_THAT(leadership_->WriteAndWait([](const DecisionView&) { return Ops{}; }),
              HasReason(curator::core::kReasonLostLeadership));
}

TEST_F(LeadershipTest, RefusesAsDecidedAfterAFencedCheck) {
  auto refuse = [](const DecisionView&) -> absl::StatusOr<Ops> {
    return absl::NotFoundError("no node x");
  };
  EXPECT_EQ(leadership_->WriteAndWait(refuse), absl::NotFoundError("no node x"));
  // A refusal that was decided on old state is none: another leader may have
  // created the node since.
  Depose();
  EXPECT_THAT(leadership_->WriteAndWait(refuse), HasReason(curator::core::kReasonLostLeadership));
}

// 1. The leader reads a key. 2. Somebody else changes it; the watch has not said so yet.
// 3. What was decided on it is not written, and the leader goes on leading.
TEST_F(LeadershipTest, WritesNothingThatRestsOnAKeyThatOthersHaveChanged) {
  memory_.Put("/theirs", "1");
  ASSERT_TRUE(state_.Reload(absl::InfiniteFuture()).ok());
  const auto decide = [](const DecisionView& view) {
    return Ops{Operation::Put("/x", view.FindGuarded("/theirs").value_or("none"))};
  };
  EXPECT_TRUE(leadership_->WriteAndWait(decide).ok());
  EXPECT_EQ(Stored("/x"), "1");
  memory_.Put("/theirs", "2");
  EXPECT_THAT(leadership_->WriteAndWait(decide), HasReason(curator::core::kReasonStoreUnavailable));
  EXPECT_EQ(Stored("/x"), "1");
  ASSERT_TRUE(state_.Reload(absl::InfiniteFuture()).ok());
  EXPECT_TRUE(leadership_->WriteAndWait(decide).ok());
  EXPECT_EQ(Stored("/x"), "2");
  memory_.Delete("/theirs");
  EXPECT_THAT(leadership_->WriteAndWait(decide), HasReason(curator::core::kReasonStoreUnavailable));
}

TEST_F(LeadershipTest, ThatIsDeposedSaysSoOfWritesWithGuardsToo) {
  Depose();
  EXPECT_THAT(leadership_->WriteAndWait([](const DecisionView& view) {
    view.FindGuarded("/theirs");
    return Ops{};
  }),
              HasReason(curator::core::kReasonLostLeadership));
}

TEST_F(LeadershipTest, MergesWritesThatQueueIntoOneTransaction) {
  Outcome occupied, refused;
  OccupyTheLane(&occupied);
  std::vector<Outcome> outcomes(20);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    leadership_->Write(Putting(absl::StrCat("/x", i), "1"), outcomes[i].Done());
    if (i == 10) {
      leadership_->Write(
          [](const DecisionView&) -> absl::StatusOr<Ops> { return absl::AbortedError("no"); },
          refused.Done());
    }
  }
  store_.Release();
  for (Outcome& outcome : outcomes) EXPECT_TRUE(outcome.Wait().ok());
  EXPECT_EQ(refused.Wait().code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(occupied.Wait().ok());
  EXPECT_THAT(store_.commits(), ElementsAre(SizeIs(1), SizeIs(20)));
  EXPECT_EQ(Read("/x19"), "1");
}

TEST_F(LeadershipTest, DecidesEachWriteOnWhatTheOnesBeforeItDecided) {
  Outcome occupied;
  OccupyTheLane(&occupied);
  auto append = [](std::string letter) {
    return [letter](const DecisionView& view) {
      return Ops{Operation::Put("/text", view.Find("/text").value_or("") + letter)};
    };
  };
  Outcome a, b, c;
  leadership_->Write(append("a"), a.Done());
  leadership_->Write(append("b"), b.Done());
  leadership_->Write(append("c"), c.Done());
  store_.Release();
  EXPECT_TRUE(a.Wait().ok() && b.Wait().ok() && c.Wait().ok());
  EXPECT_EQ(Stored("/text"), "abc");
  // One key once: the last decision is what is written.
  EXPECT_THAT(store_.commits(), ElementsAre(SizeIs(1), SizeIs(1)));
}

TEST_F(LeadershipTest, CutsTransactionsThatAreTooMuchForAStore) {
  Outcome occupied;
  OccupyTheLane(&occupied);
  std::vector<Outcome> outcomes(300);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    leadership_->Write(Putting(absl::StrCat("/x", i), "1"), outcomes[i].Done());
  }
  store_.Release();
  for (Outcome& outcome : outcomes) EXPECT_TRUE(outcome.Wait().ok());
  size_t written = 0;
  for (const Ops& operations : store_.commits()) {
    EXPECT_LE(operations.size(), kMaxOperations);
    written += operations.size();
  }
  EXPECT_EQ(written, 301u);
  EXPECT_EQ(store_.commits().size(), 4u);
}

TEST_F(LeadershipTest, CutsTransactionsAtAMegabyte) {
  Outcome occupied;
  OccupyTheLane(&occupied);
  const std::string large(400'000, 'x');
  std::vector<Outcome> outcomes(5);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    leadership_->Write(Putting(absl::StrCat("/x", i), large), outcomes[i].Done());
  }
  store_.Release();
  for (Outcome& outcome : outcomes) EXPECT_TRUE(outcome.Wait().ok());
  EXPECT_THAT(store_.commits(), ElementsAre(SizeIs(1), SizeIs(2), SizeIs(2), SizeIs(1)));
}

TEST_F(LeadershipTest, AppliesNothingOnceItIsDeposed) {
  Depose();
  EXPECT_THAT(Write("/x", "1"), HasReason(curator::core::kReasonLostLeadership));
  EXPECT_FALSE(Stored("/x").has_value());
  EXPECT_FALSE(Read("/x").has_value());
  EXPECT_THAT(Confirm(), HasReason(curator::core::kReasonLostLeadership));
  // From now on without asking the store.
  const size_t asked = store_.commits().size();
  EXPECT_THAT(Write("/x", "2"), HasReason(curator::core::kReasonLostLeadership));
  EXPECT_THAT(Confirm(), HasReason(curator::core::kReasonLostLeadership));
  EXPECT_EQ(store_.commits().size(), asked);
}

// The lock key was deleted and created anew: the same name, another term.
TEST_F(LeadershipTest, IsFencedByTheTermNotByTheKey) {
  Depose();
  memory_.Put(kLock, "us");
  EXPECT_THAT(Write("/x", "1"), HasReason(curator::core::kReasonLostLeadership));
  EXPECT_FALSE(Stored("/x").has_value());
}

TEST_F(LeadershipTest, IsDeposedWhileAWriteWaits) {
  Outcome first, second;
  store_.FailCommits({Fault::kHoldRequest});
  leadership_->Write(Putting("/x", "1"), first.Done());
  store_.WaitUntilHeld(1);
  leadership_->Write(Putting("/y", "1"), second.Done());
  Depose();
  store_.Release();
  EXPECT_THAT(first.Wait(), HasReason(curator::core::kReasonLostLeadership));
  EXPECT_THAT(second.Wait(), HasReason(curator::core::kReasonLostLeadership));
  EXPECT_FALSE(Stored("/x").has_value());
  EXPECT_FALSE(Stored("/y").has_value());
}

TEST_F(LeadershipTest, SaysThatAStoreThatDoesNotAnswerExecutedNothing) {
  store_.FailCommits({Fault::kUnavailable});
  EXPECT_THAT(Write("/x", "1"), HasReason(curator::core::kReasonStoreUnavailable));
  EXPECT_FALSE(Read("/x").has_value());
  store_.FailCommits({Fault::kUnavailable});
  EXPECT_THAT(Confirm(), HasReason(curator::core::kReasonStoreUnavailable));
  EXPECT_TRUE(Write("/x", "1").ok());
  EXPECT_TRUE(Confirm().ok());
}

TEST_F(LeadershipTest, SaysThatADamagedStoreExecutedNothing) {
  store_.FailCommits({Fault::kDamaged});
  EXPECT_THAT(Write("/x", "1"), HasReason(curator::core::kReasonStoreUnavailable));
}

TEST_F(LeadershipTest, SplitsATransactionThatIsTooMuchAndRefusesOnlyTheCulprit) {
  Outcome occupied;
  OccupyTheLane(&occupied);
  store_.OnCommit([](const Ops& operations) {
    for (const Operation& operation : operations) {
      if (operation.key == "/x3") return Fault::kTooMuch;
    }
    return Fault::kNone;
  });
  std::vector<Outcome> outcomes(6);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    leadership_->Write(Putting(absl::StrCat("/x", i), "1"), outcomes[i].Done());
  }
  store_.Release();
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const bool culprit = i == 3;
    EXPECT_EQ(outcomes[i].Wait().code(),
              culprit ? absl::StatusCode::kInvalidArgument : absl::StatusCode::kOk);
    EXPECT_EQ(Stored(absl::StrCat("/x", i)).has_value(), !culprit);
  }
}

TEST_F(LeadershipTest, RefusesOneDecisionThatIsTooMuchByItself) {
  absl::Status status = leadership_->WriteAndWait([](const DecisionView&) {
    Ops operations;
    for (size_t i = 0; i <= kMaxOperations; ++i) {
      operations.push_back(Operation::Put(absl::StrCat("/x", i), ""));
    }
    return operations;
  });
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_TRUE(Write("/x", "1").ok());
}

// 1. A confirmation is under way. 2. A read arrives. 3. The first comes back: it
// says nothing for the second, which started later.
TEST_F(LeadershipTest, ConfirmsAReadByACheckThatStartedAfterIt) {
  Outcome first, second, third;
  store_.FailCommits({Fault::kHoldAnswer, Fault::kHoldAnswer});
  leadership_->Confirm(first.Done());
  store_.WaitUntilHeld(1);
  leadership_->Confirm(second.Done());
  leadership_->Confirm(third.Done());
  Depose();
  store_.Release();
  EXPECT_TRUE(first.Wait().ok());
  store_.WaitUntilHeld(1);
  EXPECT_FALSE(second.settled());
  store_.Release();
  EXPECT_THAT(second.Wait(), HasReason(curator::core::kReasonLostLeadership));
  EXPECT_THAT(third.Wait(), HasReason(curator::core::kReasonLostLeadership));
  EXPECT_EQ(store_.commits().size(), 2u);  // shared by all that waited
}

TEST_F(LeadershipTest, ConfirmsReadsWhileAWriteHangs) {
  Outcome occupied;
  OccupyTheLane(&occupied);
  EXPECT_TRUE(Confirm().ok());
  EXPECT_FALSE(occupied.settled());
  store_.Release();
  EXPECT_TRUE(occupied.Wait().ok());
}

TEST_F(LeadershipTest, StopSettlesEverythingThatWaits) {
  Outcome occupied, queued, confirming, queued_read;
  store_.FailCommits({Fault::kHoldRequest, Fault::kHoldRequest});
  leadership_->Write(Putting("/occupied", "1"), occupied.Done());
  leadership_->Confirm(confirming.Done());
  store_.WaitUntilHeld(2);
  leadership_->Write(Putting("/queued", "1"), queued.Done());
  leadership_->Confirm(queued_read.Done());
  leadership_->Stop();
  EXPECT_THAT(Write("/late", "1"), HasReason(curator::core::kReasonLostLeadership));
  EXPECT_THAT(Confirm(), HasReason(curator::core::kReasonLostLeadership));
  store_.Release();
  EXPECT_THAT(queued.Wait(), HasReason(curator::core::kReasonLostLeadership));
  EXPECT_THAT(queued_read.Wait(), HasReason(curator::core::kReasonLostLeadership));
  EXPECT_FALSE(Stored("/queued").has_value());
  // What the store had begun is told as it came out.
  EXPECT_TRUE(occupied.Wait().ok());
  EXPECT_EQ(Stored("/occupied"), "1");
  EXPECT_TRUE(confirming.Wait().ok());
}

TEST_F(LeadershipTest, IsDestroyedWhileBusy) {
  constexpr int kCallers = 4, kCalls = 200;
  absl::BlockingCounter settled(kCallers * kCalls * 2);
  absl::BlockingCounter called(kCallers);
  std::vector<std::thread> callers;
  for (int c = 0; c < kCallers; ++c) {
    callers.emplace_back([&, c] {
      for (int i = 0; i < kCalls; ++i) {
        leadership_->Write(Putting(absl::StrCat("/x", c), absl::StrCat(i)),
                           [&settled](const absl::Status&) { settled.DecrementCount(); });
        leadership_->Confirm([&settled](const absl::Status&) { settled.DecrementCount(); });
      }
      called.DecrementCount();
    });
  }
  called.Wait();
  leadership_.reset();
  settled.Wait();  // every one of them
  for (std::thread& caller : callers) caller.join();
}

// The same on the embedded store: two terms, each fenced by its own lock key.
TEST(LeadershipOnSqlite, OnlyTheHolderOfTheLockWrites) {
  testing_support::TemporaryDirectory directory;
  auto store = OpenStore(directory.StoreUrl(), /*create=*/true);
  ASSERT_TRUE(store.ok()) << store.status();
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  auto lock = (*store)->Commit({}, {Operation::Put(kLock, "us")}, deadline);
  ASSERT_TRUE(lock.ok());
  Role role;
  role.kind = Role::Kind::kLeader;
  role.lock_key = kLock;
  role.term = lock->revision;
  ClusterState state(store->get());
  ASSERT_TRUE(state.Reload(deadline).ok());
  Leadership leadership(store->get(), &state, role);

  std::vector<Outcome> outcomes(500);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    leadership.Write(
        [](const DecisionView& view) {
          const std::string count = view.Find("/count").value_or("");
          return Ops{Operation::Put("/count", count + "x")};
        },
        outcomes[i].Done());
  }
  for (Outcome& outcome : outcomes) EXPECT_TRUE(outcome.Wait().ok());
  EXPECT_EQ(state.Find("/count")->size(), outcomes.size());
  EXPECT_EQ((*store)->Range("/count", deadline)->kvs[0].value.size(), outcomes.size());

  ASSERT_TRUE((*store)->Commit({}, {Operation::Delete(kLock)}, deadline).ok());
  EXPECT_THAT(leadership.WriteAndWait(Putting("/count", "")),
              HasReason(curator::core::kReasonLostLeadership));
  EXPECT_EQ((*store)->Range("/count", deadline)->kvs[0].value.size(), outcomes.size());
}

}  // namespace
}  // namespace curatord
