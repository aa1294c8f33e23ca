// From an empty directory to a committed node, interrupted wherever it can be.
#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "libclient/client/durable_file.h"
#include "libclient/identity/key.h"
#include "libclient/identity/node_id.h"
#include "tests/unit/client_agent/agent_fixture.h"

namespace curator::testing_support {
namespace {

namespace common = ::metropolis::proto::common;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Enrollment : public AgentTest {};

TEST_F(Enrollment, RegistersWaitsForApprovalAndCommits) {
  cluster_.Lead(0);
  NodeAgentOptions options = Options();
  options.labels = {{"rack", "7"}, {"zone", ""}};
  std::vector<NodeAgentStep> steps;
  options.on_step = [&](NodeAgentStep step) {
    steps.push_back(step);
    if (step == NodeAgentStep::kWaitForApproval) cluster_.ApproveAll();
  };
  NodeAgent agent(options);
  const absl::StatusOr<NodeCredentials> node = agent.EnsureCommitted(Within(absl::Seconds(30)));
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_THAT(steps, ElementsAre(NodeAgentStep::kGenerateKeys, NodeAgentStep::kRegister,
                                 NodeAgentStep::kCommit, NodeAgentStep::kWaitForApproval,
                                 NodeAgentStep::kStoreCertificate));
  const std::map<std::string, NodeRecord> nodes = cluster_.nodes();
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes.begin()->first, node->node_id);
  EXPECT_EQ(nodes.begin()->second.state, common::NODE_STATE_UP);
  EXPECT_EQ(nodes.begin()->second.labels.pairs_size(), 2);
  EXPECT_EQ(nodes.begin()->second.unlock_key,
            **ReadFileIfPresent(options.data_dir + "/unlock.key"));
  EXPECT_EQ(node->identity.subject(), node->node_id);
  EXPECT_EQ(node->ca.sha256(), cluster_.ca().sha256());
}

TEST_F(Enrollment, KeepsSecretsToItself) {
  cluster_.Lead(0);
  cluster_.ApproveAtOnce();
  ASSERT_TRUE(NodeAgent(Options()).EnsureCommitted(Within(absl::Seconds(30))).ok());
  const auto mode = [this](const char* name) {
    struct stat info = {};
    EXPECT_EQ(stat(absl::StrCat(Options().data_dir, "/", name).c_str(), &info), 0) << name;
    return info.st_mode & 0777;
  };
  EXPECT_EQ(mode(""), 0700u);
  for (const char* secret : {"node.key", "join.key", "unlock.key"}) EXPECT_EQ(mode(secret), 0600u);
  for (const char* open : {"ca.pem", "node.pem"}) EXPECT_EQ(mode(open), 0644u);
}

TEST_F(Enrollment, DoesNothingMoreOnceCommitted) {
  cluster_.Lead(0);
  cluster_.ApproveAtOnce();
  const auto first = NodeAgent(Options()).EnsureCommitted(Within(absl::Seconds(30)));
  ASSERT_TRUE(first.ok()) << first.status();
  cluster_.StopLeading();
  const auto second = NodeAgent(Options()).EnsureCommitted(Within(absl::ZeroDuration()));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->node_id, first->node_id);
  const auto loaded = LoadNodeCredentials(Options().data_dir);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->identity.certificate_pem(), first->identity.certificate_pem());
}

TEST_F(Enrollment, GoesOnWhereItWasWhenInterruptedAtAnyStep) {
  cluster_.Lead(0);
  cluster_.ApproveAtOnce();
  std::string id;
  for (NodeAgentStep last :
       {NodeAgentStep::kGenerateKeys, NodeAgentStep::kRegister, NodeAgentStep::kCommit,
        NodeAgentStep::kStoreCertificate, NodeAgentStep::kJoin, NodeAgentStep::kRunning}) {
    NodeAgentOptions options = Options();
    const Cancellation cancellation;
    options.on_step = [&](NodeAgentStep step) {
      if (step == last) cancellation.Cancel();
    };
    EXPECT_EQ(ErrorOf(NodeAgent(options).Run(cancellation)).code, ErrorCode::kCancelled)
        << ToString(last);
  }
  RunningAgent agent(Options());
  EXPECT_TRUE(EventuallyBeats(1));
  EXPECT_EQ(cluster_.nodes().size(), 1u);
}

TEST_F(Enrollment, GoesOnFromEveryPrefixOfItsFiles) {
  cluster_.Lead(0);
  cluster_.ApproveAtOnce();
  ASSERT_TRUE(NodeAgent(Options()).EnsureCommitted(Within(absl::Seconds(30))).ok());
  const std::string id = cluster_.nodes().begin()->first;
  // Backwards: what a process killed that early would have left behind, with the
  // cluster having carried out everything.
  for (const char* name : {"node.pem", "ca.pem"}) {
    std::filesystem::remove(absl::StrCat(Options().data_dir, "/", name));
    const auto node = NodeAgent(Options()).EnsureCommitted(Within(absl::Seconds(30)));
    ASSERT_TRUE(node.ok()) << name << ": " << node.status();
    EXPECT_EQ(node->node_id, id);
    std::filesystem::remove(absl::StrCat(Options().data_dir, "/node.pem"));
  }
  EXPECT_EQ(cluster_.nodes().size(), 1u);
}

TEST_F(Enrollment, SurvivesALostAnswerToEveryCall) {
  cluster_.Lead(0);
  cluster_.ApproveAtOnce();
  for (const char* method : {"RegisterNode", "CommitNode"}) {
    cluster_.LoseAnswerOf(method);
    NodeAgentOptions options = Options();
    options.data_dir = absl::StrCat(options.data_dir, method);
    const auto node = NodeAgent(options).EnsureCommitted(Within(absl::Seconds(30)));
    EXPECT_TRUE(node.ok()) << method << ": " << node.status();
  }
}

TEST_F(Enrollment, SaysWhatToDoWhenAServerDoesNotRepeatALostCommit) {
  cluster_.Lead(0);
  cluster_.ApproveAtOnce();
  cluster_.RefuseRepeatedCommits();
  cluster_.LoseAnswerOf("CommitNode");
  const Error error =
      ErrorOf(NodeAgent(Options()).EnsureCommitted(Within(absl::Seconds(30))).status());
  EXPECT_EQ(error.code, ErrorCode::kRefused);
  EXPECT_THAT(error.message, HasSubstr("refuses to commit metropolis-"));
  EXPECT_THAT(error.cause, HasSubstr("node is UP"));
  EXPECT_THAT(error.hints.back(), HasSubstr("delete the node in the cluster"));
}

TEST_F(Enrollment, EndsWithAWrongTicket) {
  cluster_.Lead(0);
  NodeAgentOptions options = Options();
  cluster_.RotateTicket();
  const Error error =
      ErrorOf(NodeAgent(options).EnsureCommitted(Within(absl::Seconds(30))).status());
  EXPECT_EQ(error.code, ErrorCode::kDenied);
  EXPECT_THAT(error.cause, HasSubstr("wrong ticket"));
  EXPECT_TRUE(cluster_.nodes().empty());
}

TEST_F(Enrollment, EndsWithAWrongTicketOnTheSecondTryToo) {
  cluster_.Lead(0);
  NodeAgentOptions options = Options();
  cluster_.RotateTicket();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ErrorOf(NodeAgent(options).EnsureCommitted(Within(absl::Seconds(30))).status()).code,
              ErrorCode::kDenied);
  }
}

TEST_F(Enrollment, NeedsNoTicketOnceRegistered) {
  cluster_.Lead(0);
  NodeAgentOptions options = Options();
  EXPECT_EQ(ErrorOf(NodeAgent(options).EnsureCommitted(Within(absl::Seconds(1))).status()).code,
            ErrorCode::kTimeout);
  cluster_.RotateTicket();
  cluster_.ApproveAll();
  for (const std::string& ticket : {options.register_ticket, std::string()}) {
    options.register_ticket = ticket;
    const auto node = NodeAgent(options).EnsureCommitted(Within(absl::Seconds(30)));
    ASSERT_TRUE(node.ok()) << node.status();
    std::filesystem::remove(options.data_dir + "/node.pem");
  }
}

TEST_F(Enrollment, SaysThatItNeedsATicketBeforeItSendsAnything) {
  cluster_.Lead(0);
  NodeAgentOptions options = Options();
  options.register_ticket.clear();
  const Error error =
      ErrorOf(NodeAgent(options).EnsureCommitted(Within(absl::Seconds(30))).status());
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(cluster_.CountCalls("RegisterNode"), 0);
}

TEST_F(Enrollment, EndsWhenTheNodeIsDeletedBeforeItsApproval) {
  cluster_.Lead(0);
  NodeAgentOptions options = Options();
  options.on_step = [&](NodeAgentStep step) {
    if (step == NodeAgentStep::kWaitForApproval) cluster_.DeleteAll();
  };
  const Error error =
      ErrorOf(NodeAgent(options).EnsureCommitted(Within(absl::Seconds(30))).status());
  EXPECT_EQ(error.code, ErrorCode::kNotFound);
  EXPECT_THAT(error.message, HasSubstr("was deleted from the cluster"));
}

TEST_F(Enrollment, RidesOverTheDeathOfTheLeaderWhileItWaits) {
  cluster_.Lead(0);
  NodeAgentOptions options = Options();
  options.on_step = [&](NodeAgentStep step) {
    if (step != NodeAgentStep::kWaitForApproval) return;
    cluster_.Lead(1);
    cluster_.ApproveAll();
  };
  const auto node = NodeAgent(options).EnsureCommitted(Within(absl::Seconds(30)));
  EXPECT_TRUE(node.ok()) << node.status();
}

TEST_F(Enrollment, UsesTheStorageSecurityThatIsRecommended) {
  cluster_.Lead(0);
  cluster_.ApproveAtOnce();
  cluster_.NeedInsecureStorage();
  ASSERT_TRUE(NodeAgent(Options()).EnsureCommitted(Within(absl::Seconds(30))).ok());
  EXPECT_EQ(cluster_.nodes().begin()->second.security, common::NODE_STORAGE_SECURITY_INSECURE);
}

TEST_F(Enrollment, FindsTheStorageSecurityWhenTheRecommendationWasLost) {
  cluster_.Lead(0);
  cluster_.NeedInsecureStorage();
  NodeAgentOptions options = Options();
  EXPECT_EQ(ErrorOf(NodeAgent(options).EnsureCommitted(Within(absl::Seconds(1))).status()).code,
            ErrorCode::kTimeout);
  cluster_.ApproveAll();
  const auto node = NodeAgent(options).EnsureCommitted(Within(absl::Seconds(30)));
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ(cluster_.nodes().begin()->second.security, common::NODE_STORAGE_SECURITY_INSECURE);
}

TEST_F(Enrollment, SendsNothingToAClusterWithAnotherCa) {
  cluster_.Lead(0);
  NodeAgentOptions options = Options();
  options.endpoints = {cluster_.address(0)};
  options.ca_sha256 = identity::Sha256Hex("another");
  const Error error =
      ErrorOf(NodeAgent(options).EnsureCommitted(Within(absl::Seconds(30))).status());
  EXPECT_EQ(error.code, ErrorCode::kUntrusted);
  EXPECT_EQ(cluster_.CountCalls("RegisterNode"), 0);
  EXPECT_FALSE(ReadFileIfPresent(options.data_dir + "/ca.pem")->has_value());
}

TEST_F(Enrollment, WaitsForTheFirstCurator) {
  NodeAgentOptions options = Options();
  cluster_.ApproveAtOnce();
  RunningAgent agent(options);
  cluster_.Lead(2);
  EXPECT_TRUE(EventuallyBeats(1));
}

}  // namespace
}  // namespace curator::testing_support
