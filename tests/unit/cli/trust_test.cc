// Decisions of trust and questions, with a terminal that is played.
#include "cli/trust.h"

#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace curator::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PlayedTerminal final : public Terminal {
 public:
  bool CanAsk() const override { return can_ask; }
  bool StdoutIsTerminal() const override { return false; }
  absl::StatusOr<bool> Confirm(absl::string_view question) override {
    questions.emplace_back(question);
    return answer;
  }
  void Note(absl::string_view line) override { notes.emplace_back(line); }
  void Progress(absl::string_view) override {}

  bool can_ask = false;
  bool answer = false;
  std::vector<std::string> questions;
  std::vector<std::string> notes;
};

class SessionTest : public ::testing::Test {
 protected:
  Session Make(const GlobalFlags& flags) {
    ConfigFile file;
    return Session(*ResolveSettings(flags, {}, {"/nonexistent/config.yaml", "flag --config"}, file),
                   file, terminal_, interruption_);
  }

  PlayedTerminal terminal_;
  Interruption interruption_;
};

TEST_F(SessionTest, YesAnswersAQuestion) {
  GlobalFlags flags;
  flags.yes = true;
  EXPECT_TRUE(Make(flags).Confirm("approve 2 nodes", "").ok());
  EXPECT_THAT(terminal_.questions, IsEmpty());
}

TEST_F(SessionTest, WithoutTerminalAndYesNothingIsConfirmed) {
  EXPECT_EQ(ExitCodeOf(Make({}).Confirm("approve 2 nodes", "")), ExitCode::kNotConfirmed);
}

TEST_F(SessionTest, APersonDecides) {
  terminal_.can_ask = true;
  EXPECT_EQ(ExitCodeOf(Make({}).Confirm("approve 2 nodes", "")), ExitCode::kNotConfirmed);
  terminal_.answer = true;
  EXPECT_TRUE(Make({}).Confirm("approve 2 nodes", "  a\n").ok());
  EXPECT_THAT(terminal_.questions, ElementsAre("approve 2 nodes?", "  a\napprove 2 nodes?"));
}

TEST_F(SessionTest, YesIsNoAnswerToAQuestionOfTrust) {
  GlobalFlags flags;
  flags.yes = true;
  flags.endpoints = {"127.0.0.1:1"};
  Session session = Make(flags);
  const absl::Status status = FindTrustedCa(session, *session.ResolveTarget()).status();
  EXPECT_EQ(ExitCodeOf(status), ExitCode::kUntrusted);
}

TEST_F(SessionTest, ACaFileThatIsNotThereIsNamed) {
  GlobalFlags flags;
  flags.endpoints = {"127.0.0.1:1"};
  flags.ca_file = "/nonexistent/ca.pem";
  Session session = Make(flags);
  EXPECT_EQ(ExitCodeOf(session.GetClient().status()), ExitCode::kUsage);
}

TEST_F(SessionTest, WithoutEndpointThereIsNothingToDo) {
  EXPECT_EQ(ExitCodeOf(Make({}).ResolveTarget().status()), ExitCode::kUsage);
}

TEST_F(SessionTest, ANamedContextMustExist) {
  GlobalFlags flags;
  flags.context = "nope";
  flags.endpoints = {"127.0.0.1:1"};
  EXPECT_EQ(ExitCodeOf(Make(flags).ResolveTarget().status()), ExitCode::kUsage);
}

TEST_F(SessionTest, OnlyATimeoutThatWasAskedForEndsAWatch) {
  Session watch = Make({});
  EXPECT_LE(watch.Remaining(), absl::Seconds(30));
  watch.RunUntilEnded();
  EXPECT_EQ(watch.Remaining(), absl::InfiniteDuration());
  GlobalFlags flags;
  flags.timeout = "30s";
  Session limited = Make(flags);
  limited.RunUntilEnded();
  EXPECT_LE(limited.Remaining(), absl::Seconds(30));
}

TEST_F(SessionTest, WhatCannotBeShownInterruptsTheCommand) {
  Session session = Make({});
  session.SetSink([](const Document&) { return Failure(ExitCode::kClosedPipe, "closed"); });
  EXPECT_EQ(ExitCodeOf(session.Emit({})), ExitCode::kClosedPipe);
  EXPECT_TRUE(interruption_.cancellation().cancelled());
  EXPECT_EQ(interruption_.exit_code(), ExitCode::kClosedPipe);
}

TEST_F(SessionTest, AnInterruptionEndsAWait) {
  EXPECT_TRUE(interruption_.WaitFor(absl::ZeroDuration()));
  interruption_.Interrupt(ExitCode::kTerminated);
  interruption_.Interrupt(ExitCode::kInterrupted);
  EXPECT_FALSE(interruption_.WaitFor(absl::InfiniteDuration()));
  EXPECT_EQ(interruption_.exit_code(), ExitCode::kTerminated);
  EXPECT_TRUE(interruption_.cancellation().cancelled());
}

}  // namespace
}  // namespace curator::cli
