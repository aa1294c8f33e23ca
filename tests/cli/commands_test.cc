// Commands from argv to document, against a scripted curator: what is asked, what
// is sent, what is shown, and how it ends.
#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "cli/command_tree.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/format.h"
#include "libclient/identity/node_id.h"
#include "tests/unit/cli/played_terminal.h"
#include "tests/unit/net/client_fixture.h"

namespace curator::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::Call;
using testing_support::ScriptedCurator;
using testing_support::Verdictless;
using testing_support::WireNode;
namespace management = metropolis::proto::api;
namespace common = metropolis::proto::common;

using Words = std::vector<std::string>;

struct Ran {
  ExitCode code = ExitCode::kOk;
  std::string out;
  Error error;
};

class Commands : public testing_support::ClientTest {
 protected:
  Commands() {
    char name[] = "/tmp/commands.XXXXXX";
    folder_ = mkdtemp(name);
    const Identity owner = ca_.IssueUser();
    Write("ca.pem", ca_.ca().pem());
    Write("owner.pem", owner.certificate_pem());
    Write("owner-key.pem", owner.private_key_pem());
    SetNodes();
    leader_.Lead(7);
  }
  ~Commands() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  Ran Run(Words words, const char* format = "table") {
    for (const char* word : {"-o", format}) words.emplace_back(word);
    if (std::find(words.begin(), words.end(), "-t") == words.end()) {
      for (const char* word : {"-t", "10s"}) words.emplace_back(word);
    }
    Ran ran;
    const auto end = [&ran](const absl::Status& status) {
      ran.code = ExitCodeOf(status);
      if (!status.ok()) ran.error = DescribeError(status);
    };
    absl::StatusOr<ParsedCommand> command = ParseCommandLine(words);
    EXPECT_TRUE(command.ok()) << command.status();
    if (!command.ok()) return ran;
    const std::string path = folder_ + "/config.yaml";
    absl::StatusOr<ConfigFile> file = ConfigFile::Parse(
        path, absl::StrCat("current-context: lab\ncontexts:\n  lab:\n    endpoints: [\"",
                           leader_.address(),
                           "\"]\n    ca: {file: ca.pem}\n    credential: {cert-file: owner.pem, "
                           "key-file: owner-key.pem}\n    protected: ",
                           is_protected_ ? "true" : "false", "\n"));
    EXPECT_TRUE(file.ok()) << file.status();
    absl::StatusOr<Settings> settings =
        ResolveSettings(command->flags, {}, {path, "flag --config"}, *file);
    EXPECT_TRUE(settings.ok()) << settings.status();
    FormatOptions options;
    options.output = settings->output.value;
    Interruption interruption;
    Session session(*std::move(settings), *file, terminal_, interruption);
    absl::StatusOr<CommandResult> result = command->run(session);
    end(result.status());
    if (!result.ok()) return ran;
    absl::StatusOr<std::string> text = Render(std::move(result->document), options);
    EXPECT_TRUE(text.ok()) << text.status();
    ran.out = text.value_or("");
    end(result->status);
    return ran;
  }

  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomically(folder_ + "/" + name, text, 0600).ok());
  }
  void SetNodes() { leader_.SetNodes({new_, up_}); }
  static void AddLabel(management::Node& node, const std::string& key, const std::string& value) {
    auto& pair = *node.mutable_labels()->add_pairs();
    pair.set_key(key);
    pair.set_value(value);
  }
  void Answer(const std::string& method, const Verdictless& answer) {
    leader_.SetHandler([=](const Call& call) -> Verdictless {
      return call.method == method ? answer : grpc::Status::OK;
    });
  }
  std::string LastFilter() const {
    return leader_.LastRequest<management::GetNodesRequest>("GetNodes").filter();
  }
  int Count(const char* method) const { return leader_.CountCalls(method); }

  std::string folder_;
  bool is_protected_ = false;
  management::Node new_ = WireNode(std::string(32, 'n'), common::NODE_STATE_NEW);
  management::Node up_ = WireNode(std::string(32, 'u'), common::NODE_STATE_UP);
  const std::string new_id_ = identity::NodeIdFromPublicKey(new_.pubkey());
  const std::string up_id_ = identity::NodeIdFromPublicKey(up_.pubkey());
  const std::string unknown_id_ = "metropolis-" + std::string(32, '0');
  ScriptedCurator& leader_ = AddCurator();
  PlayedTerminal terminal_;
};

TEST_F(Commands, ListSendsOneFilter) {
  EXPECT_EQ(
      Run({"node", "list", "-l", "zone=a", "--state", "up", "--filter", "node.id != ''"}).code,
      ExitCode::kOk);
  EXPECT_EQ(LastFilter(),
            "(node.id != '') && node.labels.pairs.exists(p, p.key == \"zone\" && p.value == "
            "\"a\") && node.state == NODE_STATE_UP");
  EXPECT_EQ(Run({"node", "list"}).code, ExitCode::kOk);
  EXPECT_EQ(LastFilter(), "");
}

TEST_F(Commands, AFilterTheServerRefusesIsAUsageError) {
  Answer("GetNodes", grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "1:5: syntax error"));
  const Ran ran = Run({"node", "list", "--filter", "node."});
  EXPECT_EQ(ran.code, ExitCode::kUsage);
  EXPECT_EQ(ran.error.message, "the filter cannot be used");
  EXPECT_EQ(ran.error.cause, "1:5: syntax error");
  EXPECT_THAT(ran.error.hints, ElementsAre("curatorctl help filters"));
  EXPECT_THAT(ran.error.endpoints, IsEmpty()) << "they are not at fault";
  EXPECT_EQ(Run({"wait", "--for", "nodes(node.)>=1"}).error.cause, "1:5: syntax error");
  EXPECT_EQ(Run({"node", "approve", "--filter", "node."}).error.cause, "1:5: syntax error");
}

TEST_F(Commands, WaitCountsTheNodesThatMatch) {
  const Ran ran = Run({"wait", "--for", "nodes(node.id != '')>=2"});
  EXPECT_EQ(ran.code, ExitCode::kOk) << ran.error.message;
  EXPECT_THAT(ran.out, HasSubstr("2 nodes match node.id != '' after"));
  EXPECT_EQ(LastFilter(), "node.id != ''");
  const Ran not_met = Run({"wait", "--for", "nodes()>=3", "-t", "300ms"}, "json");
  EXPECT_EQ(not_met.code, ExitCode::kTimeout);
  EXPECT_EQ(not_met.error.cause, "last seen: 2 nodes");
}

TEST_F(Commands, ANamedNodeMustExistButNeedNotMatch) {
  EXPECT_EQ(Run({"node", "list", unknown_id_, "--filter", "true"}).code, ExitCode::kNotFound);
  leader_.SetHandler([this](const Call& call) -> Verdictless {
    management::GetNodesRequest request;
    request.ParseFromString(call.request);
    leader_.SetNodes(request.filter().empty() ? std::vector{new_, up_} : std::vector{up_});
    return grpc::Status::OK;
  });
  const Ran ran = Run({"node", "list", new_id_, up_id_, "--state", "UP"}, "name");
  EXPECT_EQ(ran.code, ExitCode::kOk);
  EXPECT_EQ(ran.out, up_id_ + "\n");
  const Ran none = Run({"node", "list", new_id_, "--state", "UP", "--fail-empty"}, "name");
  EXPECT_EQ(none.code, ExitCode::kUnhealthy);
  EXPECT_EQ(none.out, "");
}

TEST_F(Commands, LabelsAreShownOldAndNew) {
  AddLabel(up_, "disk", "ssd");
  SetNodes();
  const Ran ran = Run({"node", "label", up_id_, "zone=a", "disk-"});
  EXPECT_EQ(ran.code, ExitCode::kOk) << ran.error.message;
  EXPECT_EQ(
      ran.out,
      absl::StrCat("ID                                           KEY   OLD  NEW  RESULT\n", up_id_,
                   "  zone  -    a    applied\n", up_id_, "  disk  ssd  -    applied\n"));
  const Ran json = Run({"node", "label", up_id_, "zone=a", "disk-"}, "jsonl");
  EXPECT_THAT(json.out, HasSubstr(R"("outcome":"applied")"));
  EXPECT_THAT(json.out, HasSubstr(R"("changes":[{"key":"zone","old":null,"new":"a"},)"
                                  R"({"key":"disk","old":"ssd","new":null}])"));
}

TEST_F(Commands, ALabelIsReplacedOnlyIfAskedTo) {
  AddLabel(up_, "zone", "a");
  SetNodes();
  const Ran refused = Run({"node", "label", up_id_, "zone=b"});
  EXPECT_EQ(refused.code, ExitCode::kRefused);
  EXPECT_THAT(refused.error.message, HasSubstr("has zone=a already"));
  EXPECT_EQ(Count("UpdateNodeLabels"), 0);
  // The other node is labelled all the same.
  EXPECT_EQ(Run({"node", "label", up_id_, new_id_, "zone=b"}).code, ExitCode::kPartial);
  EXPECT_EQ(Count("UpdateNodeLabels"), 1);
  EXPECT_EQ(Run({"node", "label", up_id_, "zone=b", "--overwrite"}).code, ExitCode::kOk);
  EXPECT_EQ(Run({"node", "label", up_id_, "zone=a"}).code, ExitCode::kOk);
}

TEST_F(Commands, LabellingWhatMatchesAsks) {
  EXPECT_EQ(Run({"node", "label", "--filter", "true", "a=b"}).code, ExitCode::kNotConfirmed);
  EXPECT_EQ(LastFilter(), "true");
  terminal_.can_ask = true;
  terminal_.answer = "n";
  EXPECT_EQ(Run({"node", "label", "--filter", "true", "a=b"}).code, ExitCode::kNotConfirmed);
  ASSERT_EQ(terminal_.questions.size(), 1u);
  EXPECT_THAT(terminal_.questions[0], HasSubstr(new_id_));
  EXPECT_THAT(terminal_.questions[0], HasSubstr("label 2 nodes of cluster \"lab\"? [y/N]"));
  EXPECT_EQ(Count("UpdateNodeLabels"), 0);
  EXPECT_EQ(Run({"node", "label", "--filter", "true", "a=b", "-y"}).code, ExitCode::kOk);
  EXPECT_EQ(Count("UpdateNodeLabels"), 2);
  EXPECT_EQ(Run({"node", "label", "--filter", "true", up_id_, "a=b"}).code, ExitCode::kUsage);
  EXPECT_EQ(Run({"node", "label", "a=b"}).code, ExitCode::kUsage);
}

TEST_F(Commands, ApprovingWhatMatchesTakesThoseThatWaitAndAsks) {
  EXPECT_EQ(Run({"node", "approve", "--filter", "true"}).code, ExitCode::kNotConfirmed);
  const Ran ran = Run({"node", "approve", "--filter", "true", "-y"}, "name");
  EXPECT_EQ(ran.code, ExitCode::kOk) << ran.error.message;
  EXPECT_EQ(ran.out, new_id_ + "\n");
  EXPECT_EQ(Count("ApproveNode"), 1);
  EXPECT_EQ(Run({"node", "approve", "--filter", "true", up_id_}).code, ExitCode::kUsage);
}

TEST_F(Commands, RolesAreShownBeforeAndAfter) {
  up_.mutable_roles()->mutable_consensus_member();
  SetNodes();
  const Ran added = Run({"node", "role", "add", "kw", up_id_}, "columns=BEFORE,AFTER,RESULT");
  EXPECT_EQ(added.code, ExitCode::kOk);
  EXPECT_EQ(added.out,
            "BEFORE            AFTER                               RESULT\n"
            "consensus-member  consensus-member,kubernetes-worker  applied\n");
  EXPECT_THAT(Run({"node", "role", "add", "cm", up_id_}, "jsonl").out,
              HasSubstr(R"("outcome":"unchanged")"));
  EXPECT_THAT(terminal_.questions, IsEmpty());
  EXPECT_EQ(Run({"node", "role", "add", "king", up_id_}).code, ExitCode::kUsage);
}

TEST_F(Commands, TakingARoleAsks) {
  up_.mutable_roles()->mutable_consensus_member();
  SetNodes();
  const Words remove = {"node", "role", "remove", "cm", up_id_};
  EXPECT_EQ(Run(remove).code, ExitCode::kNotConfirmed);
  EXPECT_EQ(Count("UpdateNodeRoles"), 0);
  is_protected_ = terminal_.can_ask = true;
  terminal_.answer = "lab";
  EXPECT_EQ(Run(remove).code, ExitCode::kOk);
  EXPECT_EQ(Count("UpdateNodeRoles"), 1);
  // Nothing to take, nothing to ask.
  terminal_.can_ask = false;
  EXPECT_EQ(Run({"node", "role", "remove", "kw", up_id_}).code, ExitCode::kOk);
}

TEST_F(Commands, ARoleThatCannotGoIsRefused) {
  up_.mutable_roles()->mutable_consensus_member();
  SetNodes();
  Answer("UpdateNodeRoles", grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "controller"));
  const Ran ran = Run({"node", "role", "remove", "cm", up_id_, "-y"}, "jsonl");
  EXPECT_EQ(ran.code, ExitCode::kRefused);
  EXPECT_THAT(ran.out, HasSubstr(R"("before":["consensus-member"],"after":["consensus-member"])"));
}

TEST_F(Commands, DeletingAsks) {
  EXPECT_EQ(Run({"node", "delete", new_id_}).code, ExitCode::kNotConfirmed);
  EXPECT_EQ(Count("DeleteNode"), 0);
  terminal_.can_ask = true;
  terminal_.answer = "y";
  const Ran ran = Run({"node", "delete", new_id_}, "columns=RESULT,DETAIL");
  EXPECT_EQ(ran.code, ExitCode::kOk);
  EXPECT_EQ(ran.out, "RESULT   DETAIL\napplied  deleted, was NEW\n");
  EXPECT_EQ(Run({"node", "delete", unknown_id_, "-y"}).code, ExitCode::kNotFound);
}

TEST_F(Commands, DeletingWhatIsSelectedShowsItAndAsks) {
  leader_.SetNodes({new_});
  const Words selected = {"node", "delete", "--state", "NEW", "-l", "a=b"};
  terminal_.can_ask = true;
  terminal_.answer = "n";
  EXPECT_EQ(Run(selected).code, ExitCode::kNotConfirmed);
  EXPECT_THAT(LastFilter(), HasSubstr("node.state == NODE_STATE_NEW"));
  EXPECT_THAT(LastFilter(), HasSubstr("\"a\""));
  EXPECT_THAT(terminal_.questions.back(), HasSubstr("delete 1 node of cluster"));
  EXPECT_EQ(Count("DeleteNode"), 0);
  Words dry_run = selected;
  dry_run.emplace_back("--dry-run");
  EXPECT_THAT(Run(dry_run).out, HasSubstr("NEW would be deleted"));
  EXPECT_EQ(Count("DeleteNode"), 0);
  terminal_.answer = "y";
  EXPECT_EQ(Run(selected, "name").out, new_id_ + "\n");
  EXPECT_EQ(Count("DeleteNode"), 1);
}

TEST_F(Commands, DeletingTakesNamesOrASelectionAndNeverNothing) {
  EXPECT_EQ(Run({"node", "delete"}).code, ExitCode::kUsage);
  EXPECT_EQ(Run({"node", "delete", new_id_, "--state", "NEW", "-y"}).code, ExitCode::kUsage);
  EXPECT_EQ(Run({"node", "delete", "--state", "OLD", "-y"}).code, ExitCode::kUsage);
  leader_.SetNodes({new_});
  EXPECT_EQ(Run({"node", "delete", "--state", "NEW", "--confirm", up_id_}).code,
            ExitCode::kNotConfirmed);
  EXPECT_EQ(Count("DeleteNode"), 0);
  EXPECT_EQ(Run({"node", "delete", "--state", "NEW", "--confirm", new_id_}).code, ExitCode::kOk);
  leader_.SetNodes({});
  EXPECT_EQ(Run({"node", "delete", "--state", "NEW"}).code, ExitCode::kOk);
}

// Of a node that works, a selection is as little a habit as its name.
TEST_F(Commands, DeletingASelectionRefusesNodesThatWork) {
  leader_.SetNodes({up_});
  terminal_.can_ask = true;
  EXPECT_EQ(Run({"node", "delete", "--filter", "true"}).code, ExitCode::kRefused);
  EXPECT_THAT(terminal_.questions, IsEmpty());
  EXPECT_EQ(Count("DeleteNode"), 0);
}

// As existing servers are.
TEST_F(Commands, ATicketOfAServerThatKeepsNoRecordIsShownWithoutATime) {
  const Ran shown = Run({"ticket", "show"}, "jsonl");
  EXPECT_EQ(shown.code, ExitCode::kOk) << shown.error.message;
  EXPECT_THAT(shown.out, HasSubstr("\"since\":null"));
  const Ran rotated = Run({"ticket", "rotate", "-y"});
  EXPECT_EQ(rotated.code, ExitCode::kUnsupported);
  EXPECT_THAT(rotated.error.message, HasSubstr("cannot replace the register ticket"));
}

TEST_F(Commands, ATicketReplacesNoOtherFile) {
  Write("somebody", "else's");
  EXPECT_EQ(Run({"ticket", "show", "--out", folder_ + "/somebody"}).code, ExitCode::kRefused);
  EXPECT_EQ(*ReadFile(folder_ + "/somebody"), "else's");
  EXPECT_EQ(Count("GetRegisterTicket"), 0);
  const Ran shown = Run({"ticket", "show", "--out", folder_ + "/ticket", "--hex"}, "jsonl");
  EXPECT_EQ(shown.code, ExitCode::kOk) << shown.error.message;
  EXPECT_THAT(shown.out, HasSubstr("\"bytes_b64\":null"));
  EXPECT_EQ(ReadFile(folder_ + "/ticket")->size(), 69u);
}

TEST_F(Commands, ANodeThatWorksIsNotDeletedByAHabitualYes) {
  const Words force = {"node", "delete", up_id_, "--force-not-decommissioned"};
  terminal_.can_ask = true;
  EXPECT_EQ(Run({"node", "delete", up_id_}).code, ExitCode::kRefused);
  EXPECT_THAT(terminal_.questions, IsEmpty()) << "nobody is asked about what is refused anyhow";
  terminal_.answer = "y";
  EXPECT_EQ(Run(force).code, ExitCode::kNotConfirmed);
  EXPECT_THAT(terminal_.questions.back(), HasSubstr("Type " + up_id_));
  EXPECT_EQ(Count("DeleteNode"), 0);
  terminal_.answer = up_id_;
  EXPECT_EQ(Run(force).code, ExitCode::kOk);
  const auto request = leader_.LastRequest<management::DeleteNodeRequest>("DeleteNode");
  EXPECT_TRUE(request.has_safety_bypass_not_decommissioned());
  EXPECT_FALSE(request.has_safety_bypass_has_roles());
}

TEST_F(Commands, ConfirmAnswersForTheNodesItNames) {
  EXPECT_EQ(Run({"node", "delete", new_id_, "--confirm", new_id_}).code, ExitCode::kOk);
  for (const Words& words :
       std::vector<Words>{{"node", "delete", new_id_, up_id_, "--confirm", new_id_},
                          {"node", "delete", new_id_, "--confirm", new_id_, "--confirm", up_id_},
                          {"node", "delete", new_id_, "--confirm", up_id_, "--yes"}}) {
    const Ran ran = Run(words);
    EXPECT_EQ(ran.code, ExitCode::kNotConfirmed);
    EXPECT_THAT(ran.error.cause, HasSubstr(up_id_));
  }
  EXPECT_EQ(Count("DeleteNode"), 1);
}

TEST_F(Commands, DecommissioningAsksUnlessItIsDone) {
  EXPECT_EQ(Run({"node", "decommission", up_id_}).code, ExitCode::kNotConfirmed);
  EXPECT_EQ(Count("DecommissionNode"), 0);
  leader_.SetHandler([this](const Call& call) -> Verdictless {
    if (call.method == "DecommissionNode") {
      up_.set_state(common::NODE_STATE_DECOMMISSIONED);
      SetNodes();
    }
    return grpc::Status::OK;
  });
  const Ran ran = Run({"node", "decommission", up_id_, "--wait", "-y"}, "columns=RESULT,DETAIL");
  EXPECT_EQ(ran.code, ExitCode::kOk) << ran.error.message;
  EXPECT_EQ(ran.out, "RESULT   DETAIL\napplied  now DECOMMISSIONED\n");
  EXPECT_THAT(Run({"node", "decommission", up_id_}, "jsonl").out,
              HasSubstr(R"("outcome":"unchanged")"));
  EXPECT_EQ(Count("DecommissionNode"), 1);
}

TEST_F(Commands, DecommissioningTellsHowFarItIs) {
  EXPECT_EQ(Run({"node", "decommission", up_id_, "-y"}, "columns=RESULT,DETAIL").out,
            "RESULT   DETAIL\napplied  requested; its agent does the rest\n");
  leader_.SetDecommission(v1::Decommission::STATE_IN_PROGRESS);
  EXPECT_EQ(Run({"node", "decommission", up_id_, "-y"}, "columns=RESULT,DETAIL").out,
            "RESULT     DETAIL\nunchanged  in progress on the node\n");
}

TEST_F(Commands, AServerThatCannotDecommissionIsExit12) {
  Answer("DecommissionNode", grpc::Status(grpc::StatusCode::UNIMPLEMENTED, ""));
  const Ran ran = Run({"node", "decommission", up_id_, "-y"});
  EXPECT_EQ(ran.code, ExitCode::kUnsupported);
  EXPECT_EQ(ran.error.message, "this server does not offer Management.DecommissionNode");
}

TEST_F(Commands, ADryRunAsksNothingAndChangesNothing) {
  is_protected_ = true;
  for (const Words& words :
       std::vector<Words>{{"node", "label", "--filter", "true", "a=b"},
                          {"node", "role", "remove", "cm", up_id_},
                          {"node", "delete", new_id_},
                          {"node", "decommission", up_id_, "--wait"},
                          {"cluster", "config", "set", "node_labels_to_synchronize", "^a"}}) {
    Words dry = words;
    dry.emplace_back("-n");
    const Ran ran = Run(dry, "json");
    EXPECT_EQ(ran.code, ExitCode::kOk) << ran.error.message;
    EXPECT_THAT(ran.out, HasSubstr(R"("outcome": "skipped")"));
  }
  for (const Call& call : leader_.calls()) {
    EXPECT_TRUE(call.method == "GetNodes" || call.method == "GetClusterInfo") << call.method;
  }
}

TEST_F(Commands, ConfigSetSendsTheBaseItRead) {
  common::ClusterConfiguration configuration;
  configuration.set_cluster_domain("cluster.internal");
  configuration.mutable_kubernetes()->add_node_labels_to_synchronize()->set_regexp("^a");
  leader_.SetConfiguration(configuration);
  EXPECT_EQ(Run({"cluster", "config", "get", "node-labels-to-synchronize"}).out,
            "KEY                         VALUE\nnode_labels_to_synchronize  ^a\n");
  leader_.SetHandler([&](const Call& call) -> Verdictless {
    management::ConfigureClusterRequest request;
    if (call.method == "ConfigureCluster" && request.ParseFromString(call.request)) {
      leader_.SetConfiguration(request.new_config());
    }
    return grpc::Status::OK;
  });
  const Ran ran = Run({"cluster", "config", "set", "node_labels_to_synchronize", "^b", "^c"});
  EXPECT_EQ(ran.code, ExitCode::kOk) << ran.error.message;
  EXPECT_EQ(ran.out,
            "KEY                         VALUE  RESULT\n"
            "node_labels_to_synchronize  ^b,^c  applied\n");
  const auto request = leader_.LastRequest<management::ConfigureClusterRequest>("ConfigureCluster");
  EXPECT_EQ(request.base_config().kubernetes().node_labels_to_synchronize(0).regexp(), "^a");
  EXPECT_THAT(request.update_mask().paths(), ElementsAre("kubernetes.node_labels_to_synchronize"));
  EXPECT_THAT(
      Run({"cluster", "config", "set", "node_labels_to_synchronize", "^b", "^c"}, "json").out,
      HasSubstr(R"("outcome": "unchanged")"));
}

TEST_F(Commands, AConflictOfConfigurationIsExit9) {
  Answer("ConfigureCluster", grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "not the base"));
  const Ran ran = Run({"cluster", "config", "set", "node_labels_to_synchronize", "^b"});
  EXPECT_EQ(ran.code, ExitCode::kRefused);
  EXPECT_EQ(ran.error.message, "not the base");
  EXPECT_THAT(ran.error.hints, ElementsAre(HasSubstr("curatorctl cluster config get")));
}

TEST_F(Commands, ALeaderWithoutProofIsExit7AndSentNothing) {
  leader_.SetProof(testing_support::ScriptedCurator::Proof::kNone);
  const Ran ran = Run({"node", "list", "-t", "500ms"});
  EXPECT_EQ(ran.code, ExitCode::kUntrusted);
  EXPECT_THAT(ran.error.message, HasSubstr(leader_.node_id()));
  EXPECT_EQ(ran.out, "");
  EXPECT_TRUE(leader_.calls().empty());
  EXPECT_EQ(Run({"node", "list", "--accept-unproven"}).code, ExitCode::kOk);
}

TEST_F(Commands, StatusAndDoctorNameWhoClaimsToLeadWithoutProof) {
  using Proof = testing_support::ScriptedCurator::Proof;
  testing_support::ScriptedCurator& rogue = AddCurator();
  const std::string endpoints = absl::StrCat(leader_.address(), ",", rogue.address());
  for (const auto& [proof, verdict] : {std::make_pair(Proof::kNone, "unproven"),
                                       std::make_pair(Proof::kOfOtherCa, "false-leader")}) {
    rogue.SetProof(proof);
    rogue.Lead(int64_t{1} << 62);
    const Ran status = Run({"cluster", "status", "-e", endpoints});
    EXPECT_EQ(status.code, ExitCode::kUnhealthy);
    EXPECT_THAT(status.error.message, HasSubstr(rogue.node_id()));
    EXPECT_THAT(status.error.message, HasSubstr(verdict));
    EXPECT_THAT(status.out, HasSubstr(verdict));
    const Ran doctor = Run({"doctor", "-e", endpoints});
    EXPECT_EQ(doctor.code, ExitCode::kUnhealthy);
    EXPECT_THAT(doctor.out, HasSubstr(verdict));
  }
  EXPECT_TRUE(rogue.calls().empty());
}

TEST_F(Commands, StatusNamesTwoThatLead) {
  testing_support::ScriptedCurator& other = AddCurator();
  other.Lead(8);
  const Ran ran =
      Run({"cluster", "status", "-e", absl::StrCat(leader_.address(), ",", other.address())});
  EXPECT_EQ(ran.code, ExitCode::kUnhealthy);
  EXPECT_THAT(ran.error.message, HasSubstr(leader_.node_id()));
  EXPECT_THAT(ran.error.message, HasSubstr(other.node_id()));
}

}  // namespace
}  // namespace curator::cli
