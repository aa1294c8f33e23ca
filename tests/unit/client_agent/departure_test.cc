// A committed node on its way out of the cluster.
#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "tests/unit/client_agent/agent_fixture.h"

namespace curator::testing_support {
namespace {

using ::testing::HasSubstr;
using Decommission = v1::Decommission;

constexpr char kReportInProgress[] = "STATE_IN_PROGRESS";
constexpr char kReportDone[] = "STATE_DONE";

class Leaving : public AgentTest {
 protected:
  void SetUp() override {
    cluster_.ApproveAtOnce();
    cluster_.Lead(0);
  }
  NodeAgentOptions Options() const {
    NodeAgentOptions options = AgentTest::Options();
    options.heartbeat_interval = absl::Milliseconds(50);
    options.decommission_poll_interval = absl::Milliseconds(20);
    return options;
  }
  NodeRecord Node() const { return cluster_.nodes().begin()->second; }
  bool EventuallyIs(Decommission::State state) {
    return cluster_.Eventually([state](const std::map<std::string, NodeRecord>& nodes) {
      return nodes.begin()->second.decommission == state;
    });
  }
};

TEST_F(Leaving, TellsThatItIsInProgressThenDoneAndEnds) {
  RunningAgent agent(Options());
  ASSERT_TRUE(EventuallyBeats(1));
  cluster_.RequestDecommission();
  EXPECT_TRUE(agent.Result().ok());
  EXPECT_EQ(Node().state, metropolis::proto::common::NODE_STATE_DECOMMISSIONED);
  EXPECT_EQ(Node().closed_heartbeats, 1);
  EXPECT_EQ(cluster_.CountCalls(kReportInProgress), 1);
  EXPECT_EQ(cluster_.CountCalls(kReportDone), 1);
}

TEST_F(Leaving, LetsTheProgramDoItsWorkFirstWhileHeartbeatsGoOn) {
  absl::Notification begun, may_end;
  NodeAgentOptions options = Options();
  options.on_decommission = [&](const Cancellation&) {
    begun.Notify();
    may_end.WaitForNotification();
    return absl::OkStatus();
  };
  RunningAgent agent(options);
  ASSERT_TRUE(EventuallyBeats(1));
  cluster_.RequestDecommission();
  begun.WaitForNotification();
  EXPECT_TRUE(EventuallyBeats(Node().heartbeats + 3));
  EXPECT_EQ(Node().decommission, Decommission::STATE_IN_PROGRESS);
  may_end.Notify();
  EXPECT_TRUE(agent.Result().ok());
  EXPECT_EQ(Node().decommission, Decommission::STATE_DONE);
}

TEST_F(Leaving, SurvivesAChangeOfTheLeaderAtEachStep) {
  absl::Notification begun, may_end;
  NodeAgentOptions options = Options();
  options.on_decommission = [&](const Cancellation&) {
    begun.Notify();
    may_end.WaitForNotification();
    return absl::OkStatus();
  };
  RunningAgent agent(options);
  ASSERT_TRUE(EventuallyBeats(1));
  cluster_.StopLeading();
  cluster_.RequestDecommission();
  cluster_.Lead(1);
  begun.WaitForNotification();
  cluster_.StopLeading();
  may_end.Notify();
  cluster_.Lead(2);
  EXPECT_TRUE(agent.Result().ok());
  EXPECT_EQ(Node().decommission, Decommission::STATE_DONE);
}

TEST_F(Leaving, TakesALostAnswerToDoneForWhatItWas) {
  cluster_.LoseAnswerOf(kReportDone);
  RunningAgent agent(Options());
  ASSERT_TRUE(EventuallyBeats(1));
  cluster_.RequestDecommission();
  EXPECT_TRUE(agent.Result().ok());
  EXPECT_EQ(cluster_.CountCalls(kReportDone), 2);
}

TEST_F(Leaving, ReportsAgainThatItIsInProgressIfThatWasLost) {
  cluster_.LoseAnswerOf(kReportInProgress);
  RunningAgent agent(Options());
  ASSERT_TRUE(EventuallyBeats(1));
  cluster_.RequestDecommission();
  EXPECT_TRUE(agent.Result().ok());
}

TEST_F(Leaving, GoesOnAfterARestart) {
  absl::Notification begun, may_end;
  NodeAgentOptions options = Options();
  options.on_decommission = [&](const Cancellation&) {
    begun.Notify();
    may_end.WaitForNotification();
    return absl::OkStatus();
  };
  {
    RunningAgent agent(options);
    ASSERT_TRUE(EventuallyBeats(1));
    cluster_.RequestDecommission();
    begun.WaitForNotification();
    agent.Cancel();
    may_end.Notify();
    EXPECT_EQ(ErrorOf(agent.Result()).code, ErrorCode::kCancelled);
  }
  EXPECT_EQ(Node().decommission, Decommission::STATE_IN_PROGRESS);
  int times = 0;
  options.on_decommission = [&times](const Cancellation&) {
    ++times;
    return absl::OkStatus();
  };
  RunningAgent agent(options);
  EXPECT_TRUE(agent.Result().ok());
  EXPECT_EQ(times, 1);
  EXPECT_EQ(cluster_.CountCalls(kReportInProgress), 1);
}

TEST_F(Leaving, StartedAgainAfterwardsItSaysTheSame) {
  {
    RunningAgent agent(Options());
    ASSERT_TRUE(EventuallyBeats(1));
    cluster_.RequestDecommission();
    ASSERT_TRUE(agent.Result().ok());
  }
  RunningAgent joining(Options());
  EXPECT_TRUE(joining.Result().ok());
  NodeAgentOptions options = Options();
  options.join = false;
  RunningAgent beating(options);
  EXPECT_TRUE(beating.Result().ok());
  cluster_.DeleteAll();
  RunningAgent deleted(Options());
  EXPECT_EQ(ErrorOf(deleted.Result()).code, ErrorCode::kNotFound);
}

TEST_F(Leaving, EndsWithWhatFailedOfTheWork) {
  NodeAgentOptions options = Options();
  options.on_decommission = [](const Cancellation&) { return absl::InternalError("disk is full"); };
  RunningAgent agent(options);
  ASSERT_TRUE(EventuallyBeats(1));
  cluster_.RequestDecommission();
  const Error error = ErrorOf(agent.Result());
  EXPECT_THAT(error.message, HasSubstr("is not decommissioned"));
  EXPECT_THAT(error.cause, HasSubstr("disk is full"));
  EXPECT_EQ(Node().decommission, Decommission::STATE_IN_PROGRESS);
}

// It was given roles meanwhile, say.
TEST_F(Leaving, GoesOnBeatingAndWorksAgainWhileTheClusterDoesNotTakeItForDone) {
  cluster_.RefuseDone(true);
  std::atomic<int> times{0};
  NodeAgentOptions options = Options();
  options.on_decommission = [&times](const Cancellation&) {
    ++times;
    return absl::OkStatus();
  };
  RunningAgent agent(options);
  ASSERT_TRUE(EventuallyBeats(1));
  cluster_.RequestDecommission();
  ASSERT_TRUE(EventuallyIs(Decommission::STATE_IN_PROGRESS));
  EXPECT_TRUE(EventuallyBeats(Node().heartbeats + 3));
  cluster_.RefuseDone(false);
  EXPECT_TRUE(agent.Result().ok());
  EXPECT_GT(times, 1);
}

TEST_F(Leaving, EndsWhenTheNodeIsDeletedInstead) {
  absl::Notification begun;
  NodeAgentOptions options = Options();
  options.on_decommission = [&](const Cancellation& cancellation) {
    begun.Notify();
    while (!cancellation.cancelled()) std::this_thread::yield();
    return absl::CancelledError("given up");
  };
  RunningAgent agent(options);
  ASSERT_TRUE(EventuallyBeats(1));
  cluster_.RequestDecommission();
  begun.WaitForNotification();
  cluster_.DeleteAll();
  EXPECT_EQ(ErrorOf(agent.Result()).code, ErrorCode::kNotFound);
}

TEST_F(Leaving, IsNotAskedForByAServerThatKnowsNothingOfIt) {
  cluster_.KnowNoDecommissioning();
  cluster_.Lead(1);
  RunningAgent agent(Options());
  ASSERT_TRUE(EventuallyBeats(5));
  EXPECT_EQ(Node().closed_heartbeats, 0) << "the connection has stood";
  EXPECT_EQ(cluster_.CountCalls("UpdateNodeStatus"), 1);
}

}  // namespace
}  // namespace curator::testing_support
