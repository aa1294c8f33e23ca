// A scripted cluster, a data directory, and agents that run on threads.
#ifndef TESTS_UNIT_CLIENT_AGENT_AGENT_FIXTURE_H_
#define TESTS_UNIT_CLIENT_AGENT_AGENT_FIXTURE_H_

#include <future>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "curator/error.h"
#include "curator/node_agent.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client_agent/scripted_cluster.h"

namespace curator::testing_support {

// An agent at work on a thread of its own; cancelled and joined at the end.
class RunningAgent {
 public:
  explicit RunningAgent(NodeAgentOptions options)
      : agent_(std::move(options)),
        result_(std::async(std::launch::async, [this] { return agent_.Run(cancellation_); })) {}
  ~RunningAgent() { cancellation_.Cancel(); }

  void Cancel() { cancellation_.Cancel(); }
  absl::Status Result() { return result_.get(); }
  NodeAgent& agent() { return agent_; }

 private:
  Cancellation cancellation_;
  NodeAgent agent_;
  std::future<absl::Status> result_;
};

class AgentTest : public ::testing::Test {
 protected:
  NodeAgentOptions Options() const {
    NodeAgentOptions options;
    options.data_dir = directory_.path() + "/node";
    options.endpoints = {cluster_.address(0), cluster_.address(1), cluster_.address(2)};
    options.ca_sha256 = cluster_.ca().sha256();
    options.accept_unproven = true;  // the scripted curators are of the existing system
    options.register_ticket = cluster_.ticket();
    options.heartbeat_interval = absl::Milliseconds(200);
    options.approval_poll_interval = absl::Milliseconds(20);
    return options;
  }

  static CallOptions Within(absl::Duration timeout) {
    CallOptions options;
    options.timeout = timeout;
    return options;
  }

  static Error ErrorOf(const absl::Status& status) {
    EXPECT_FALSE(status.ok());
    return status.ok() ? Error() : DescribeError(status);
  }

  // Some node of the cluster has sent that many heartbeats.
  bool EventuallyBeats(int at_least) {
    return cluster_.Eventually([at_least](const std::map<std::string, NodeRecord>& nodes) {
      return nodes.size() == 1 && nodes.begin()->second.heartbeats >= at_least;
    });
  }
  bool EventuallyRegistered() {
    return cluster_.Eventually(
        [](const std::map<std::string, NodeRecord>& nodes) { return nodes.size() == 1; });
  }

  TemporaryDirectory directory_;
  ScriptedCluster cluster_;
};

}  // namespace curator::testing_support

#endif  // TESTS_UNIT_CLIENT_AGENT_AGENT_FIXTURE_H_
