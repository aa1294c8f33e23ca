// Handing leadership over: success is another leader that was seen, nothing less.
#include <atomic>
#include <functional>
#include <thread>

#include "absl/synchronization/notification.h"
#include "tests/unit/net/client_fixture.h"

namespace curator {
namespace {

using testing::HasSubstr;
using testing_support::Call;
using testing_support::ClientTest;
using testing_support::kSlack;
using testing_support::ScriptedCurator;
using testing_support::Verdictless;

class Transfer : public ClientTest {
 protected:
  // Runs TransferLeadership; once the leader has been asked, `election` happens.
  absl::StatusOr<TransferResult> Run(const std::string& to, const Verdictless& answer,
                                     const std::function<void()>& election,
                                     absl::Duration timeout = absl::Seconds(20)) {
    absl::Notification asked;
    a_.SetHandler([&](const Call& call) -> Verdictless {
      if (call.method != "TransferLeadership") return grpc::Status::OK;
      if (!asked.HasBeenNotified()) asked.Notify();
      return answer;
    });
    auto client = NewClient({a_.address(), b_.address(), c_.address()});
    std::thread curators([&] {
      asked.WaitForNotification();
      if (election) election();
    });
    absl::StatusOr<TransferResult> result = client->TransferLeadership(to, Within(timeout));
    if (!asked.HasBeenNotified()) asked.Notify();
    curators.join();
    return result;
  }

  void Begin(int64_t term) {
    a_.SetSuccessor(b_.node_id());
    a_.Lead(term);
    b_.Follow(a_);
    c_.Follow(a_);
  }

  static void Elect(ScriptedCurator& leader, int64_t term, std::vector<ScriptedCurator*> others) {
    for (ScriptedCurator* other : others) other->Stop();
    leader.Lead(term);
    for (ScriptedCurator* other : others) other->Follow(leader);
  }

  int TimesAsked() const { return a_.CountCalls("TransferLeadership"); }

  ScriptedCurator& a_ = AddCurator();
  ScriptedCurator& b_ = AddCurator();
  ScriptedCurator& c_ = AddCurator();
  const Verdictless never_answers_ = absl::nullopt;
};

TEST_F(Transfer, IsAppliedOnceTheSuccessorLeads) {
  for (const std::string& to : {std::string(), b_.node_id()}) {
    Begin(7);
    const auto result = Run(to, grpc::Status::OK, [&] { Elect(b_, 8, {&a_, &c_}); });
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->outcome, ChangeOutcome::kApplied);
    EXPECT_EQ(result->leader.id, b_.node_id());
    EXPECT_EQ(result->leader.address, b_.address());
  }
}

TEST_F(Transfer, ALostAnswerIsSettledByAHigherTerm) {
  Begin(7);
  const auto result = Run("", never_answers_, [&] { Elect(b_, 8, {&a_, &c_}); });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kApplied);
  EXPECT_EQ(result->leader.id, b_.node_id());
  EXPECT_EQ(TimesAsked(), 1);
}

TEST_F(Transfer, WithoutTermsAnotherNodeSettlesIt) {
  Begin(0);
  const auto result = Run("", never_answers_, [&] { Elect(b_, 0, {&a_, &c_}); });
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->leader.id, b_.node_id());
}

TEST_F(Transfer, UnderTheSameTermALostAnswerStaysUnknown) {
  Begin(7);
  const Error error = ErrorOf(
      Run("", grpc::Status(grpc::StatusCode::UNAVAILABLE, "who knows"), {}, kSlack).status());
  EXPECT_EQ(error.code, ErrorCode::kUnknownOutcome);
  EXPECT_TRUE(error.sent);
  EXPECT_THAT(error.cause, HasSubstr("leads as before"));
  EXPECT_EQ(TimesAsked(), 1);
}

TEST_F(Transfer, AnAnswerAloneIsNoSuccess) {
  Begin(7);
  const Error error = ErrorOf(Run(b_.node_id(), grpc::Status::OK, {}, kSlack).status());
  EXPECT_EQ(error.code, ErrorCode::kTimeout);
  EXPECT_THAT(error.message, HasSubstr("nobody else was seen to lead"));
}

TEST_F(Transfer, ARefusalIsPassedOn) {
  Begin(7);
  const Error error =
      ErrorOf(Run("", grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "no other candidate"), {})
                  .status());
  EXPECT_EQ(error.code, ErrorCode::kRefused);
  EXPECT_EQ(error.message, "no other candidate");
  EXPECT_EQ(TimesAsked(), 1);
}

TEST_F(Transfer, ToTheLeaderItselfChangesNothing) {
  Begin(7);
  a_.SetSuccessor(a_.node_id());
  const auto result = Run(a_.node_id(), grpc::Status::OK, {});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kUnchanged);
  EXPECT_EQ(result->leader.id, a_.node_id());
}

// The leader may have died before the request arrived.
TEST_F(Transfer, ALostAnswerAndAnotherSuccessorThanNamedIsUnknown) {
  Begin(7);
  const Error error = ErrorOf(Run(b_.node_id(), never_answers_, [&] {
                                Elect(c_, 8, {&a_, &b_});
                              }).status());
  EXPECT_EQ(error.code, ErrorCode::kUnknownOutcome);
  EXPECT_THAT(error.message, HasSubstr(c_.node_id()));
}

TEST_F(Transfer, TheSameLeaderUnderALaterTermIsNoSuccess) {
  Begin(7);
  const Error error = ErrorOf(Run("", never_answers_, [&] { Elect(a_, 9, {&b_, &c_}); }).status());
  EXPECT_EQ(error.code, ErrorCode::kRefused);
  EXPECT_THAT(error.message, HasSubstr("elected again"));
}

TEST_F(Transfer, IsRepeatedWhereItWasNotExecuted) {
  Begin(7);
  std::atomic<int> left{2};
  absl::Notification accepted;
  a_.SetHandler([&](const Call& call) -> Verdictless {
    if (call.method != "TransferLeadership") return grpc::Status::OK;
    if (left-- > 0) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "lost leadership");
    accepted.Notify();
    return grpc::Status::OK;
  });
  auto client = NewClient({a_.address(), b_.address(), c_.address()});
  std::thread curators([&] {
    accepted.WaitForNotification();
    Elect(b_, 8, {&a_, &c_});
  });
  const auto result = client->TransferLeadership("", Within(absl::Seconds(20)));
  if (!accepted.HasBeenNotified()) accepted.Notify();
  curators.join();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->leader.id, b_.node_id());
  EXPECT_EQ(TimesAsked(), 3);
}

TEST_F(Transfer, NeedsANodeId) {
  auto client = NewClient({a_.address()});
  EXPECT_EQ(ErrorOf(client->TransferLeadership("b").status()).code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace curator
