// curatorctl as a script sees it, without a cluster.
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/cli/curatorctl_harness.h"

namespace curator::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kPin(64, 'a');
// Nothing listens on port 1 of this address.
constexpr char kNobody[] = "127.9.8.7:1";
constexpr char kNodeId[] = "metropolis-00000000000000000000000000000001";

std::string Read(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

unsigned ModeOf(const std::string& path) {
  struct stat info = {};
  return stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

google::protobuf::Struct Json(const std::string& text) {
  google::protobuf::Struct json;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, &json).ok()) << text;
  return json;
}

class Curatorctl : public ::testing::Test {
 protected:
  CuratorctlHome home_;
};

TEST_F(Curatorctl, UsageErrorsHaveThreePartsAndExitCode2) {
  for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{
           {},
           {"nod"},
           {"node", "list", "--bogus"},
           {"node", "list", "-t", "soon"},
           {"node", "list", "-o", "xml"},
           {"node", "list", "-e", kNobody, "--ca-sha256", "41ab"},
           {"node", "describe", "nonsense", "-e", kNobody, "--ca-sha256", kPin},
           {"node", "approve", "--pubkey", "00", "-e", kNobody, "--ca-sha256", kPin},
           {"node", "list", "--state", "DOWN", "-e", kNobody, "--ca-sha256", kPin},
           {"node", "list", "-l", "a==b", "-e", kNobody, "--ca-sha256", kPin},
           {"node", "label", "nonsense", "a=b", "-e", kNobody, "--ca-sha256", kPin},
           {"node", "label", kNodeId, "-e", kNobody, "--ca-sha256", kPin},
           {"node", "role", "add", "king", kNodeId, "-e", kNobody, "--ca-sha256", kPin},
           {"node", "delete", "nonsense", "-y", "-e", kNobody, "--ca-sha256", kPin},
           {"cluster", "config", "set", "nope", "x", "-e", kNobody, "--ca-sha256", kPin},
           {"wait", "--for", "nonsense"},
           {"node", "list"},  // no endpoint
           {"-c", "nope", "node", "list"},
       }) {
    const RunResult result = home_.Run(line);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, StartsWith("error: "));
    EXPECT_THAT(result.err, HasSubstr("(exit 2"));
    EXPECT_THAT(result.err, HasSubstr("  do: "));
  }
}

TEST_F(Curatorctl, InAMachineFormatAnErrorIsOneJsonObjectOnStderr) {
  for (const std::vector<std::string>& line : std::vector<std::vector<std::string>>{
           {"-o", "json", "nod"},
           {"node", "list", "--bogus", "-o", "yaml"},
           {"node", "list", "--output=json"},
           {"node", "list", "-o", "jsonl"},
       }) {
    const RunResult result = home_.Run(line);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.out, IsEmpty());
    const google::protobuf::Struct json = Json(result.err);
    EXPECT_EQ(json.fields().at("kind").string_value(), "Error");
    EXPECT_EQ(json.fields().at("code").string_value(), "USAGE");
    EXPECT_EQ(json.fields().at("exit_code").number_value(), 2);
  }
  EXPECT_EQ(home_.Run({"nod"}, {{"CURATORCTL_OUTPUT", "json"}}).err.front(), '{');
}

TEST_F(Curatorctl, UnreachableEndpointsAreExit6WithinTheDeadline) {
  const RunResult result = home_.Run(
      {"node", "list", "-e", kNobody, "--ca-sha256", kPin, "--timeout", "1s", "-o", "json"});
  EXPECT_EQ(result.exit_code, 6) << result.err;
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_LT(result.took, absl::Seconds(10));
  const google::protobuf::Struct json = Json(result.err);
  EXPECT_EQ(json.fields().at("code").string_value(), "UNREACHABLE");
  EXPECT_TRUE(json.fields().at("retryable").bool_value());
  const auto& endpoint =
      json.fields().at("endpoints").list_value().values(0).struct_value().fields();
  EXPECT_EQ(endpoint.at("address").string_value(), kNobody);
  EXPECT_EQ(endpoint.at("verdict").string_value(), "refused");
}

TEST_F(Curatorctl, ConfirmationsOfOtherNodesAreExit13) {
  const RunResult result = home_.Run({"node", "delete", kNodeId, "--confirm", "another", "-e",
                                      kNobody, "--ca-sha256", kPin, "-t", "1s"});
  EXPECT_EQ(result.exit_code, 13) << result.err;
  EXPECT_THAT(result.err, HasSubstr("only once named: another"));
}

TEST_F(Curatorctl, ChangesOfAClusterThatDoesNotAnswerAreExit6) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"node", "label", kNodeId, "a=b"},
           {"node", "role", "remove", "cm", kNodeId, "-y"},
           {"node", "decommission", kNodeId, "-y"},
           {"node", "delete", kNodeId, "--confirm", kNodeId},
           {"cluster", "config", "set", "node_labels_to_synchronize", "^a"}}) {
    std::vector<std::string> line = words;
    for (const std::string& word :
         std::vector<std::string>{"-e", kNobody, "--ca-sha256", kPin, "-t", "300ms"}) {
      line.push_back(word);
    }
    const RunResult result = home_.Run(line);
    EXPECT_EQ(result.exit_code, 6) << result.err;
    EXPECT_THAT(result.out, IsEmpty());
  }
}

TEST_F(Curatorctl, WithoutATerminalTrustStaysUndecided) {
  const RunResult result = home_.Run({"node", "list", "-e", kNobody, "-y", "-t", "1s"});
  EXPECT_EQ(result.exit_code, 7) << result.err;
  EXPECT_THAT(result.err, HasSubstr("--ca-sha256"));
}

TEST_F(Curatorctl, WaitThatIsNotMetIsExit10) {
  const RunResult result = home_.Run(
      {"wait", "--for", "leader", "-e", kNobody, "--ca-sha256", kPin, "--timeout", "500ms"});
  EXPECT_EQ(result.exit_code, 10) << result.err;
  EXPECT_THAT(result.err, HasSubstr("not met in time: leader"));
}

TEST_F(Curatorctl, AStatusWithoutLeaderIsExit20WithTheTable) {
  const RunResult result =
      home_.Run({"cluster", "status", "-e", kNobody, "--ca-sha256", kPin, "-t", "2s"});
  EXPECT_EQ(result.exit_code, 20) << result.err;
  EXPECT_THAT(result.out, HasSubstr("refused"));
  EXPECT_THAT(result.err, HasSubstr("no leader"));
}

TEST_F(Curatorctl, DoctorExaminesWhatThereIsAndIsExit20WhereItIsWrong) {
  const RunResult result = home_.Run({"doctor", "-e", kNobody, "--ca-sha256", kPin, "-o", "json"});
  EXPECT_EQ(result.exit_code, 20) << result.err;
  EXPECT_LT(result.took, absl::Seconds(10));
  std::map<std::string, std::string> verdicts;
  const google::protobuf::Struct json = Json(result.out);
  EXPECT_EQ(json.fields().at("kind").string_value(), "CheckList");
  for (const auto& item : json.fields().at("items").list_value().values()) {
    const auto& fields = item.struct_value().fields();
    verdicts[fields.at("check").string_value()] = fields.at("verdict").string_value();
  }
  EXPECT_EQ(verdicts["config"], "missing");
  EXPECT_EQ(verdicts["ca"], "ok");
  EXPECT_EQ(verdicts["certificate"], "missing");
  EXPECT_EQ(verdicts["endpoint"], "refused");
  EXPECT_EQ(verdicts["leader"], "none");
  EXPECT_EQ(Json(result.err).fields().at("code").string_value(), "UNHEALTHY");
}

TEST_F(Curatorctl, DoctorSaysWhatIsWrongWithTheConfigFile) {
  const std::string path = home_.path() + "/c.yaml";
  std::ofstream(path) << "contexts:\n  lab:\n    endpoints: one\n";
  const RunResult result = home_.Run({"doctor", "--config", path});
  EXPECT_EQ(result.exit_code, 20) << result.err;
  EXPECT_THAT(result.out, HasSubstr("unreadable"));
  EXPECT_THAT(result.err, HasSubstr(path + ":3: "));
}

TEST_F(Curatorctl, WatchesHaveNoTimeLimitButTheOneAskedFor) {
  for (const std::vector<std::string>& watch :
       std::vector<std::vector<std::string>>{{"node", "watch"}, {"leader", "watch"}}) {
    std::vector<std::string> line = watch;
    line.insert(line.end(), {"-e", kNobody, "--ca-sha256", kPin});
    RunningCuratorctl unlimited(line, home_.Environment());
    unlimited.Signal(SIGTERM);
    EXPECT_EQ(unlimited.Wait().exit_code, 143);
    line.insert(line.end(), {"-t", "500ms"});
    EXPECT_EQ(home_.Run(line).exit_code, 6);  // nobody was found to watch
  }
}

TEST_F(Curatorctl, ContextsAreKept) {
  ASSERT_EQ(home_
                .Run({"context", "add", "lab", "-e", "10.0.0.1,[fd00::7]:7", "--ca-sha256",
                      "SHA256:" + std::string(64, 'A')})
                .exit_code,
            0);
  EXPECT_EQ(ModeOf(home_.config_path()), 0600U);
  ASSERT_EQ(home_.Run({"context", "add", "other", "-e", "10.0.0.2"}).exit_code, 0);
  EXPECT_EQ(home_.Run({"context", "list", "-o", "name"}).out, "lab\nother\n");
  EXPECT_EQ(home_.Run({"context", "add", "lab", "-e", "x"}).exit_code, 9);
  EXPECT_EQ(home_.Run({"context", "use", "nope"}).exit_code, 3);
  EXPECT_EQ(home_.Run({"context", "use", "other"}).exit_code, 0);
  const google::protobuf::Struct json = Json(home_.Run({"context", "list", "-o", "json"}).out);
  const auto& items = json.fields().at("items").list_value();
  ASSERT_EQ(items.values_size(), 2);
  EXPECT_FALSE(items.values(0).struct_value().fields().at("current").bool_value());
  EXPECT_TRUE(items.values(1).struct_value().fields().at("current").bool_value());
  EXPECT_EQ(home_.Run({"trust", "show", "-c", "lab", "-o", "name"}).out, kPin + "\n");
  EXPECT_EQ(home_.Run({"trust", "forget", "-c", "lab"}).exit_code, 0);
  EXPECT_EQ(home_.Run({"trust", "show", "-c", "lab"}).exit_code, 3);
  EXPECT_EQ(home_.Run({"context", "remove", "other"}).exit_code, 0);
  EXPECT_EQ(home_.Run({"context", "list", "-o", "name"}).out, "lab\n");
  EXPECT_EQ(home_.Run({"context", "show"}).exit_code, 2);  // none is current any more
}

TEST_F(Curatorctl, ExplainNamesTheOriginOfEachSetting) {
  ASSERT_EQ(home_.Run({"context", "add", "lab", "-e", "10.0.0.1"}).exit_code, 0);
  const RunResult result = home_.Run({"context", "explain", "-t", "7s", "-o", "json"},
                                     {{"CURATORCTL_ENDPOINTS", "a,b"}});
  std::map<std::string, std::string> origins;
  const google::protobuf::Struct json = Json(result.out);
  for (const auto& item : json.fields().at("items").list_value().values()) {
    const auto& fields = item.struct_value().fields();
    origins[fields.at("key").string_value()] = fields.at("origin").string_value();
  }
  EXPECT_EQ(origins["timeout"], "flag --timeout");
  EXPECT_EQ(origins["endpoints"], "environment CURATORCTL_ENDPOINTS");
  EXPECT_THAT(origins["context"], StartsWith("current-context of "));
  EXPECT_EQ(origins["color"], "built in");
}

TEST_F(Curatorctl, AConfigFileWithAWrongTypeIsExit2WithItsLine) {
  const std::string path = home_.path() + "/c.yaml";
  std::ofstream(path) << "contexts:\n  lab:\n    endpoints: one\n";
  const RunResult result = home_.Run({"context", "list", "--config", path});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr(path + ":3: "));
  std::ofstream(path) << "contexs: {}\n";
  const RunResult warned = home_.Run({"context", "list", "--config", path});
  EXPECT_EQ(warned.exit_code, 0);
  EXPECT_THAT(warned.err, HasSubstr(path + ":1: unknown key"));
}

TEST_F(Curatorctl, ANewOwnerKeyIsPrivateAndNeverReplaced) {
  const std::string folder = home_.path() + "/k";
  const RunResult made = home_.Run({"cred", "new-key", "--out", folder, "-o", "json"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.err, IsEmpty());
  EXPECT_EQ(Json(made.out).fields().at("public_key").string_value().size(), 64U);
  EXPECT_EQ(ModeOf(folder), 0700U);
  EXPECT_EQ(ModeOf(folder + "/owner-key.pem"), 0600U);
  const std::string key = Read(folder + "/owner-key.pem");
  EXPECT_THAT(key, StartsWith("-----BEGIN METROPOLIS INITIAL OWNER PRIVATE KEY-----\n"));
  EXPECT_THAT(Read(folder + "/owner-key.pub"), StartsWith("-----BEGIN PUBLIC KEY-----\n"));
  EXPECT_THAT(made.out, Not(HasSubstr(key.substr(60, 40))));
  EXPECT_EQ(home_.Run({"cred", "new-key", "--out", folder}).exit_code, 9);
  EXPECT_EQ(Read(folder + "/owner-key.pem"), key);
}

TEST_F(Curatorctl, WithoutOwnerKeyTakingOwnershipIsExit4) {
  const RunResult result =
      home_.Run({"cluster", "takeownership", "-e", kNobody, "--context", "lab"});
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_THAT(result.err, HasSubstr("cred new-key"));
  const std::string path = home_.path() + "/not-a-key";
  std::ofstream(path) << "nonsense\n";
  EXPECT_EQ(
      home_
          .Run({"cluster", "takeownership", "-e", kNobody, "--context", "lab", "--owner-key", path})
          .exit_code,
      4);
  EXPECT_NE(access(home_.config_path().c_str(), F_OK), 0);  // nothing was written
}

TEST_F(Curatorctl, CompletionScriptsThatAreCheckedInAreCurrent) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(home_.Run({"completion", shell}).out,
              Read(absl::StrCat(CURATOR_SOURCE_DIR, "/completions/curatorctl.", shell)))
        << "run: curatorctl completion " << shell << " > completions/curatorctl." << shell;
  }
}

TEST_F(Curatorctl, DataIsOnStdoutAndNothingElse) {
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{"--help"},
                                             {"--version"},
                                             {"help"},
                                             {"help", "env"},
                                             {"version", "-o", "json"},
                                             {"help", "exit-codes", "-o", "json"},
                                             {"node", "approve", "--help"}}) {
    const RunResult result = home_.Run(line, {{"TERM", "xterm"}});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(result.err, IsEmpty());
    EXPECT_THAT(result.out, Not(IsEmpty()));
    EXPECT_THAT(result.out, Not(HasSubstr("\x1b")));
    if (line.back() == "json") Json(result.out);
  }
}

TEST_F(Curatorctl, RunsWithoutHomeWhereItNeedsNone) {
  EXPECT_EQ(RunningCuratorctl({"completion", "bash"}, {}).Wait().exit_code, 0);
  EXPECT_EQ(RunningCuratorctl({"node", "list"}, {}).Wait().exit_code, 2);
}

TEST_F(Curatorctl, AClosedPipeEndsItQuietly) {
  RunningCuratorctl running({"completion", "bash"}, home_.Environment());
  running.CloseStdout();
  const RunResult result = running.Wait();
  EXPECT_EQ(result.exit_code, 141);
  EXPECT_THAT(result.err, IsEmpty());
}

TEST_F(Curatorctl, SignalsEndAWaitWithTheirOwnCodes) {
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}}) {
    RunningCuratorctl running(
        {"wait", "--for", "leader", "-e", kNobody, "--ca-sha256", kPin, "-t", "0"},
        home_.Environment());
    running.Signal(signal);
    // Before it has taken the signals over, or after: the shell sees the same.
    EXPECT_EQ(running.Wait().exit_code, code);
  }
}

}  // namespace
}  // namespace curator::cli
