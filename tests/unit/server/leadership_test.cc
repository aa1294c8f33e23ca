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
#include "tests/support/faulty_store.h"
#include "tests/support/memory_store.h"
#include "tests/support/temporary_directory.h"

namespace curatord {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using testing_support::FaultyStore;
using testing_support::MemoryStore;
using Fault = FaultyStore::Fault;
using Ops = std::vector<Operation>;

constexpr char kLock[] = "/leader/1";

// The reason in the ErrorInfo of an error; "" if it has none.
std::string ReasonOf(const absl::Status& status) {
  absl::optional<absl::Cord> payload =
      status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  google::rpc::ErrorInfo info;
  if (!payload.has_value()) return "";
  EXPECT_TRUE(info.ParseFromString(std::string(*payload)));
  return info.reason();
}

MATCHER_P(HasReason, reason, "") {
  *result_listener << arg;
  return absl::IsUnavailable(arg) && ReasonOf(arg) == reason;
}

// A decision that puts one key.
Leadership::Decision Putting(std::string key, std::string value) {
  return [key = std::move(key), value = std::move(value)](const DecisionView&) {
    return Ops{Operation::Put(key, value)};
  };
}

// One call whose outcome is waited for. Outlives the leadership.
class Outcome {
 public:
  Leadership::Done Done() {
    return [this](absl::Status status) {
      status_ = std::move(status);
      settled_.Notify();  // a second time would crash: settled exactly once
    };
  }
  const absl::Status& Wait() {
    settled_.WaitForNotification();
    return status_;
  }
  bool settled() const { return settled_.HasBeenNotified(); }

 private:
  absl::Status status_;
  absl::Notification settled_;
};

class LeadershipTest : public testing::Test {
 protected:
  LeadershipTest() {
    term_ = memory_.Put(kLock, "us");
    EXPECT_TRUE(state_.Reload(absl::InfiniteFuture()).ok());
    Role role;
    role.kind = Role::Kind::kLeader;
    role.lock_key = kLock;
    role.term = term_;
    leadership_ = std::make_unique<Leadership>(&store_, &state_, role);
  }

  absl::Status Write(const std::string& key, const std::string& value) {
    return leadership_->WriteAndWait(Putting(key, value));
  }
  absl::Status Confirm() {
    Outcome outcome;
    leadership_->Confirm(outcome.Done());
    return outcome.Wait();
  }
  // What a reader would be shown.
  absl::optional<std::string> Read(const std::string& key) const { return state_.Find(key); }
  absl::optional<std::string> Stored(const std::string& key) const {
    const auto contents = memory_.contents();
    auto it = contents.find(key);
    return it == contents.end() ? absl::nullopt : absl::make_optional(it->second.value);
  }
  void Depose() { memory_.Delete(kLock); }
  // Keeps the lane busy with one write until the store is released.
  void OccupyTheLane(Outcome* outcome) {
    store_.FailCommits({Fault::kHoldRequest});
    leadership_->Write(Putting("/occupied", "1"), outcome->Done());
    store_.WaitUntilHeld(1);
  }

  MemoryStore memory_{MemoryStore::Delivery::kByHand};
  FaultyStore store_{&memory_};
  ClusterState state_{&store_};
  int64_t term_ = 0;
  std::unique_ptr<Leadership> leadership_;
};

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

TEST_F(LeadershipTest, TellsOfALostAnswerAndThenShowsWhatTheStoreHolds) {
  store_.FailCommits({Fault::kLoseAnswer});
  EXPECT_THAT(Write("/x", "1"), HasReason(curator::core::kReasonOutcomeUnknown));
  EXPECT_TRUE(Confirm().ok());
  EXPECT_EQ(Read("/x"), "1");
}

TEST_F(LeadershipTest, TellsOfALostRequestAndThenShowsWhatTheStoreHolds) {
  store_.FailCommits({Fault::kLoseRequest});
  EXPECT_THAT(Write("/x", "1"), HasReason(curator::core::kReasonOutcomeUnknown));
  EXPECT_TRUE(Confirm().ok());
  EXPECT_FALSE(Read("/x").has_value());
}

TEST_F(LeadershipTest, DecidesAfterALostAnswerOnWhatTheStoreHolds) {
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

TEST_F(LeadershipTest, AnUnknownOutcomeIsThatOfEveryWriteInTheTransaction) {
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

TEST_F(LeadershipTest, ServesNothingUntilItKnowsWhatBecameOfALostWrite) {
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
TEST_F(LeadershipTest, DoesNotTakeAnOldReadingForKnowledgeOfALaterLostWrite) {
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

TEST_F(LeadershipTest, AWriteThatArrivesLateUndoesNoNewerOne) {
  store_.FailCommits({Fault::kDeliverLate});
  EXPECT_THAT(Write("/x", "old"), HasReason(curator::core::kReasonOutcomeUnknown));
  EXPECT_TRUE(Write("/x", "new").ok());
  store_.DeliverLate();
  EXPECT_EQ(Stored("/x"), "new");
  EXPECT_TRUE(Write("/y", "1").ok());
  EXPECT_TRUE(Confirm().ok());
  EXPECT_EQ(memory_.contents().at(kLock).create_revision, term_);
}

TEST_F(LeadershipTest, AWriteThatArrivesBeforeTheNextIsDecidedCounts) {
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
TEST_F(LeadershipTest, ExcludesLateWritesHoweverOftenThatFails) {
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
