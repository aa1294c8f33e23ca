// A committed node: status, heartbeats, other leaders, and the end.
#include <atomic>

#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "tests/unit/client_agent/agent_fixture.h"

namespace curator::testing_support {
namespace {

using ::testing::HasSubstr;

class Running : public AgentTest {
 protected:
  void SetUp() override {
    cluster_.ApproveAtOnce();
    cluster_.Lead(0);
  }
  NodeRecord Node() const { return cluster_.nodes().begin()->second; }
};

TEST_F(Running, ReportsItsStatusOnceAndBeats) {
  NodeAgentOptions options = Options();
  options.curator_port = 1234;
  RunningAgent agent(options);
  ASSERT_TRUE(EventuallyBeats(3));
  const NodeRecord node = Node();
  EXPECT_EQ(node.status.external_address(), "127.0.0.1");
  EXPECT_EQ(node.status.running_curator().port(), 1234);
  EXPECT_EQ(node.status.boot_id().size(), 16u);
  EXPECT_TRUE(node.status.version().has_release());
  EXPECT_EQ(cluster_.CountCalls("UpdateNodeStatus"), 1);
  EXPECT_EQ(cluster_.CountCalls("JoinNode"), 1);
  agent.Cancel();
  EXPECT_EQ(ErrorOf(agent.Result()).code, ErrorCode::kCancelled);
}

TEST_F(Running, ReportsTheAddressItIsGiven) {
  NodeAgentOptions options = Options();
  options.external_address = "192.0.2.7";
  RunningAgent agent(options);
  ASSERT_TRUE(EventuallyBeats(1));
  EXPECT_EQ(Node().status.external_address(), "192.0.2.7");
  EXPECT_FALSE(Node().status.has_running_curator());
}

TEST_F(Running, RefusesAnAddressThatIsNone) {
  NodeAgentOptions options = Options();
  options.external_address = "node7.example";
  RunningAgent agent(options);
  EXPECT_EQ(ErrorOf(agent.Result()).code, ErrorCode::kInvalidArgument);
}

TEST_F(Running, FollowsTheLeaderWithoutReportingItsStatusAgain) {
  RunningAgent agent(Options());
  ASSERT_TRUE(EventuallyBeats(1));
  for (int leader : {1, 2, 0}) {
    cluster_.Lead(leader);
    ASSERT_TRUE(EventuallyBeats(Node().heartbeats + 2)) << leader;
  }
  EXPECT_EQ(cluster_.CountCalls("UpdateNodeStatus"), 1);
}

TEST_F(Running, LeavesALeaderThatDoesNotAnswerAHeartbeat) {
  absl::Mutex mutex;
  std::string lost;  // under `mutex`
  NodeAgentOptions options = Options();
  options.on_log = [&](absl::string_view line) {
    absl::MutexLock lock(&mutex);
    if (lost.empty() && absl::StrContains(line, " lost: ")) lost = std::string(line);
  };
  RunningAgent agent(options);
  ASSERT_TRUE(EventuallyBeats(1));
  cluster_.AnswerHeartbeats(false);
  {
    const auto told = [&lost]() { return !lost.empty(); };
    absl::MutexLock lock(&mutex);
    ASSERT_TRUE(mutex.AwaitWithTimeout(absl::Condition(&told), absl::Seconds(30)));
    EXPECT_THAT(lost, HasSubstr("no answer to a heartbeat in 200ms"));
  }
  cluster_.AnswerHeartbeats(true);
  EXPECT_TRUE(EventuallyBeats(Node().heartbeats + 2));
}

TEST_F(Running, EndsWhenTheNodeIsDeleted) {
  RunningAgent agent(Options());
  ASSERT_TRUE(EventuallyBeats(1));
  cluster_.DeleteAll();
  const Error error = ErrorOf(agent.Result());
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_THAT(error.message, HasSubstr("was deleted from the cluster"));
}

TEST_F(Running, EndsAtItsStartWhenTheNodeWasDeletedMeanwhile) {
  {
    RunningAgent agent(Options());
    ASSERT_TRUE(EventuallyBeats(1));
  }
  cluster_.DeleteAll();
  RunningAgent agent(Options());
  EXPECT_EQ(ErrorOf(agent.Result()).code, ErrorCode::kNotFound);
}

TEST_F(Running, StopsWhileItSearches) {
  RunningAgent agent(Options());
  ASSERT_TRUE(EventuallyBeats(1));
  cluster_.StopLeading();
  agent.Cancel();
  EXPECT_EQ(ErrorOf(agent.Result()).code, ErrorCode::kCancelled);
}

TEST_F(Running, FindsALeaderItWasOnlyToldOf) {
  NodeAgentOptions options = Options();
  options.endpoints = {cluster_.address(0)};
  RunningAgent agent(options);
  ASSERT_TRUE(EventuallyBeats(1));
  agent.agent().HintLeader(cluster_.address(2));
  cluster_.Lead(2);
  EXPECT_TRUE(EventuallyBeats(Node().heartbeats + 1));
}

TEST_F(Running, KeepsItsDirectoryToItself) {
  RunningAgent agent(Options());
  ASSERT_TRUE(EventuallyBeats(1));
  RunningAgent second(Options());
  const Error error = ErrorOf(second.Result());
  EXPECT_EQ(error.code, ErrorCode::kRefused);
  EXPECT_THAT(error.message, HasSubstr("is in use"));
}

}  // namespace
}  // namespace curator::testing_support
