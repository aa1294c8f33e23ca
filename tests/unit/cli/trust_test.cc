// Decisions of trust and questions, with a terminal that is played.
#include "cli/trust.h"

#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/cli/played_terminal.h"

namespace curator::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SessionTest : public ::testing::Test {
 protected:
  Session Make(const GlobalFlags& flags, const ConfigFile& file = ConfigFile()) {
    return Session(
        *ResolveSettings(flags, {}, {home_.path() + "/config.yaml", "flag --config"}, file), file,
        terminal_, interruption_);
  }

  const curatord::testing_support::TemporaryDirectory home_;
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
  terminal_.answer = "Yes";
  EXPECT_TRUE(Make({}).Confirm("approve 2 nodes", "  a\n").ok());
  EXPECT_THAT(terminal_.questions,
              ElementsAre("approve 2 nodes? [y/N]", "  a\napprove 2 nodes? [y/N]"));
}

TEST_F(SessionTest, WhatTakesSomethingAwayCanAskForAWord) {
  terminal_.can_ask = true;
  terminal_.answer = "y";
  EXPECT_TRUE(Make({}).ConfirmLoss("delete 1 node", "").ok());
  EXPECT_EQ(ExitCodeOf(Make({}).ConfirmLoss("delete 1 node", "", "n1")), ExitCode::kNotConfirmed);
  EXPECT_EQ(terminal_.questions.back(), "delete 1 node? Type n1:");
  terminal_.answer = "n1";
  EXPECT_TRUE(Make({}).ConfirmLoss("delete 1 node", "", "n1").ok());
  terminal_.can_ask = false;
  EXPECT_EQ(ExitCodeOf(Make({}).ConfirmLoss("delete 1 node", "", "n1")), ExitCode::kNotConfirmed);
}

TEST_F(SessionTest, AProtectedContextAsksForItsName) {
  const absl::StatusOr<ConfigFile> file = ConfigFile::Parse(
      home_.path() + "/config.yaml",
      "current-context: lab\ncontexts: {lab: {endpoints: [10.0.0.1], protected: true}}\n");
  ASSERT_TRUE(file.ok()) << file.status();
  terminal_.can_ask = true;
  for (const char* word : {"", "n1"}) {
    terminal_.answer = word;
    EXPECT_FALSE(Make({}, *file).ConfirmLoss("delete 1 node", "", word).ok());
    EXPECT_EQ(terminal_.questions.back(),
              "delete 1 node? Type the name of the context, which is protected:");
    terminal_.answer = "lab";
    EXPECT_TRUE(Make({}, *file).ConfirmLoss("delete 1 node", "", word).ok());
  }
  terminal_.answer = "y";
  EXPECT_TRUE(Make({}, *file).Confirm("approve 1 node", "").ok());
  GlobalFlags yes;
  yes.yes = true;
  EXPECT_TRUE(Make(yes, *file).ConfirmLoss("delete 1 node", "").ok());
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
  flags.ca_file = home_.path() + "/ca.pem";
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
