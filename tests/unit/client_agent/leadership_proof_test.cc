// An agent to which somebody claims to lead without proof: nothing is sent to it, it is
// logged, and the search goes on until somebody proves it, whatever the step.
#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "tests/unit/client_agent/agent_fixture.h"

namespace curator::testing_support {
namespace {

using ::testing::IsEmpty;

class LeadershipProof : public AgentTest {
 protected:
  NodeAgentOptions StrictOptions() {
    NodeAgentOptions options = Options();
    options.accept_unproven = false;
    options.on_log = [this](absl::string_view line) {
      absl::MutexLock lock(&mutex_);
      lines_.emplace_back(line);
    };
    return options;
  }
  bool EventuallyLogs(const std::string& text) {
    const auto logged = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      for (const std::string& line : lines_) {
        if (absl::StrContains(line, text)) return true;
      }
      return false;
    };
    absl::MutexLock lock(&mutex_);
    const bool in_time = mutex_.AwaitWithTimeout(absl::Condition(&logged), absl::Seconds(30));
    if (!in_time) ADD_FAILURE() << absl::StrJoin(lines_, "\n");
    return in_time;
  }
  void ForgetLog() {
    absl::MutexLock lock(&mutex_);
    lines_.clear();
  }
  std::string UnprovenLine(int curator) const {
    return absl::StrCat("unproven: ", cluster_.address(curator), " (", cluster_.curator_id(curator),
                        ")");
  }

  absl::Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(LeadershipProof, MissingIsNeverFinalToANodeThatEnrolls) {
  cluster_.ApproveAtOnce();
  cluster_.Lead(0);
  RunningAgent agent(StrictOptions());
  ASSERT_TRUE(EventuallyLogs(UnprovenLine(0)));
  // An attempt to register runs into its end, and is made again.
  ASSERT_TRUE(EventuallyLogs("RegisterNode failed, trying again"));
  EXPECT_THAT(cluster_.nodes(), IsEmpty());
  cluster_.ProveLeadership();
  cluster_.Lead(0);
  EXPECT_TRUE(EventuallyBeats(1));
}

TEST_F(LeadershipProof, MissingIsNeverFinalToANodeThatRuns) {
  cluster_.ApproveAtOnce();
  cluster_.ProveLeadership();
  cluster_.Lead(0);
  RunningAgent agent(StrictOptions());
  ASSERT_TRUE(EventuallyBeats(1));
  cluster_.ProveLeadership(false);
  cluster_.Lead(1);
  const int beats = cluster_.nodes().begin()->second.heartbeats;
  ASSERT_TRUE(EventuallyLogs(UnprovenLine(1)));
  EXPECT_EQ(cluster_.nodes().begin()->second.heartbeats, beats);
  cluster_.ProveLeadership();
  cluster_.Lead(2);
  EXPECT_TRUE(EventuallyBeats(beats + 1));
}

// A curator beside the agent reads the election itself.
TEST_F(LeadershipProof, IsNotWantedOfWhomTheElectionNames) {
  cluster_.ApproveAtOnce();
  cluster_.Lead(0);
  NodeAgentOptions options = StrictOptions();
  options.endpoints = {cluster_.address(0)};
  RunningAgent agent(options);
  ASSERT_TRUE(EventuallyLogs(UnprovenLine(0)));
  agent.agent().NameLeader(cluster_.curator_id(0), cluster_.address(0));
  ASSERT_TRUE(EventuallyBeats(1));

  // It was elected once, and is not any more.
  cluster_.Lead(1);
  agent.agent().NameLeader(cluster_.curator_id(2), cluster_.address(2));
  ForgetLog();
  cluster_.Lead(0);
  ASSERT_TRUE(EventuallyLogs(UnprovenLine(0)));
  const int beats = cluster_.nodes().begin()->second.heartbeats;
  cluster_.Lead(2);
  // An address at which nobody has answered for long is forgotten.
  agent.agent().NameLeader(cluster_.curator_id(2), cluster_.address(2));
  EXPECT_TRUE(EventuallyBeats(beats + 1));
}

}  // namespace
}  // namespace curator::testing_support
