// Writes whose outcome the store does not tell: what is said of them, what is served
// and decided after them, and what becomes of one that arrives late.
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/unit/server/leadership_fixture.h"

namespace curatord {
namespace {

using testing_support::Fault;
using testing_support::HasReason;
using testing_support::kLock;
using testing_support::LeadershipTest;
using testing_support::Ops;
using testing_support::Outcome;
using testing_support::Putting;

using LostWrite = LeadershipTest;

TEST_F(LostWrite, TellsOfALostAnswerAndThenShowsWhatTheStoreHolds) {
  store_.FailCommits({Fault::kLoseAnswer});
  EXPECT_THAT(Write("/x", "1"), HasReason(curator::core::kReasonOutcomeUnknown));
  EXPECT_TRUE(Confirm().ok());
  EXPECT_EQ(Read("/x"), "1");
}

TEST_F(LostWrite, TellsOfALostRequestAndThenShowsWhatTheStoreHolds) {
  store_.FailCommits({Fault::kLoseRequest});
  EXPECT_THAT(Write("/x", "1"), HasReason(curator::core::kReasonOutcomeUnknown));
  EXPECT_TRUE(Confirm().ok());
  EXPECT_FALSE(Read("/x").has_value());
}

TEST_F(LostWrite, DecidesAfterALostAnswerOnWhatTheStoreHolds) {
  store_.FailCommits({Fault::kLoseAnswer});
  EXPECT_THAT(Write("/x", "1"), HasReason(curator::core::kReasonOutcomeUnknown));
  absl::optional<std::string> seen;
  EXPECT_TRUE(leadership_
                  ->WriteAndWait([&seen](const DecisionView& view) {
                    seen = view.Find("/x");
                    return Ops{};
                  })
                  .ok());
  EXPECT_EQ(seen, "1");
}

TEST_F(LostWrite, AnUnknownOutcomeIsThatOfEveryWriteInTheTransaction) {
  Outcome occupied, a, b, refused;
  OccupyTheLane(&occupied);
  leadership_->Write(Putting("/a", "1"), a.Done());
  leadership_->Write(
      [](const DecisionView& view) -> absl::StatusOr<Ops> {
        return absl::AlreadyExistsError(absl::StrCat("/a is ", view.Find("/a").value_or("absent")));
      },
      refused.Done());
  leadership_->Write(Putting("/b", "1"), b.Done());
  store_.FailCommits({Fault::kLoseAnswer});
  store_.Release();
  EXPECT_THAT(a.Wait(), HasReason(curator::core::kReasonOutcomeUnknown));
  EXPECT_THAT(b.Wait(), HasReason(curator::core::kReasonOutcomeUnknown));
  // Refused because of a write that may not have happened.
  EXPECT_THAT(refused.Wait(), HasReason(curator::core::kReasonOutcomeUnknown));
}

TEST_F(LostWrite, ServesNothingUntilItKnowsWhatBecameOfALostWrite) {
  store_.FailCommits({Fault::kLoseAnswer});
  EXPECT_THAT(Write("/x", "1"), HasReason(curator::core::kReasonOutcomeUnknown));
  store_.OnRange([] { return Fault::kUnavailable; });
  EXPECT_THAT(Confirm(), HasReason(curator::core::kReasonStoreUnavailable));
  EXPECT_THAT(Write("/y", "1"), HasReason(curator::core::kReasonStoreUnavailable));
  EXPECT_FALSE(Stored("/y").has_value());
  store_.OnRange(nullptr);
  EXPECT_TRUE(Write("/y", "1").ok());
  EXPECT_EQ(Read("/x"), "1");
}

// 1. The answer to a write of /x is lost. 2. A reader makes us read the store
// anew; the answer takes its time. 3. The next write, of /y, reads anew too, and
// its answer is lost as well. 4. The reader's reading, from before /y, arrives: it
// says nothing of /y.
TEST_F(LostWrite, DoesNotTakeAnOldReadingForKnowledgeOfALaterLostWrite) {
  store_.FailCommits({Fault::kLoseAnswer});
  EXPECT_THAT(Write("/x", "1"), HasReason(curator::core::kReasonOutcomeUnknown));
  int readings = 0;
  store_.OnRange([&readings] { return ++readings == 1 ? Fault::kHoldAnswer : Fault::kNone; });
  Outcome reader;
  leadership_->Confirm(reader.Done());
  store_.WaitUntilHeld(1);
  store_.FailCommits({Fault::kNone, Fault::kLoseAnswer});  // the lock key, then /y
  EXPECT_THAT(Write("/y", "1"), HasReason(curator::core::kReasonOutcomeUnknown));
  store_.Release();
  reader.Wait();
  EXPECT_TRUE(Confirm().ok());
  EXPECT_EQ(Read("/y"), "1");
}

TEST_F(LostWrite, AWriteThatArrivesLateUndoesNoNewerOne) {
  store_.FailCommits({Fault::kDeliverLate});
  EXPECT_THAT(Write("/x", "old"), HasReason(curator::core::kReasonOutcomeUnknown));
  EXPECT_TRUE(Write("/x", "new").ok());
  store_.DeliverLate();
  EXPECT_EQ(Stored("/x"), "new");
  EXPECT_TRUE(Write("/y", "1").ok());
  EXPECT_TRUE(Confirm().ok());
  EXPECT_EQ(memory_.contents().at(kLock).create_revision, term_);
}

TEST_F(LostWrite, AWriteThatArrivesBeforeTheNextIsDecidedCounts) {
  store_.FailCommits({Fault::kDeliverLate});
  EXPECT_THAT(Write("/x", "old"), HasReason(curator::core::kReasonOutcomeUnknown));
  EXPECT_TRUE(Confirm().ok());
  store_.DeliverLate();
  absl::optional<std::string> seen;
  EXPECT_TRUE(leadership_
                  ->WriteAndWait([&seen](const DecisionView& view) {
                    seen = view.Find("/x");
                    return Ops{};
                  })
                  .ok());
  EXPECT_EQ(seen, "old");
}

// What is to exclude late writes may itself be late, before or after the next attempt.
TEST_F(LostWrite, ExcludesLateWritesHoweverOftenThatFails) {
  for (const bool between : {true, false}) {
    store_.FailCommits({Fault::kDeliverLate, Fault::kDeliverLate, Fault::kLoseAnswer});
    EXPECT_THAT(Write("/x", "old"), HasReason(curator::core::kReasonOutcomeUnknown));
    EXPECT_THAT(Write("/x", "new"), HasReason(curator::core::kReasonStoreUnavailable));
    EXPECT_THAT(Write("/x", "new"), HasReason(curator::core::kReasonStoreUnavailable));
    if (between) store_.DeliverLate();
    EXPECT_TRUE(Write("/x", "new").ok());
    store_.DeliverLate();
    EXPECT_EQ(Stored("/x"), "new");
    EXPECT_TRUE(Write("/x", "newer").ok());
  }
}

}  // namespace
}  // namespace curatord
