// What one command learns and the next one, or a key press, makes use of: through the
// binary, against a scripted curator.
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "cli/files.h"
#include "libclient/identity/node_id.h"
#include "tests/cli/curatorctl_harness.h"
#include "tests/unit/net/client_fixture.h"
#include "tests/unit/net/sockets.h"

namespace curator::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::PausableProxy;
using testing_support::ScriptedCurator;
using testing_support::WireNode;
namespace common = metropolis::proto::common;

using Words = std::vector<std::string>;

class Learning : public testing_support::ClientTest {
 protected:
  Learning() {
    const Identity owner = ca_.IssueUser();
    Write("ca.pem", ca_.ca().pem());
    Write("owner.pem", owner.certificate_pem());
    Write("owner-key.pem", owner.private_key_pem());
    WriteConfig({leader_.address()});
    leader_.SetNodes({WireNode(std::string(32, 'n'), common::NODE_STATE_NEW),
                      WireNode(std::string(32, 'u'), common::NODE_STATE_UP)});
    leader_.Lead(7);
  }

  void Write(const std::string& name, const std::string& text) const {
    const std::string path = absl::StrCat(FolderOf(home_.config_path()), "/", name);
    ASSERT_TRUE(MakeFolder(FolderOf(path)).ok());
    ASSERT_TRUE(WriteFileAtomically(path, text, 0600).ok());
  }
  void WriteConfig(const Words& endpoints) const {
    std::string list;
    for (const std::string& endpoint : endpoints) absl::StrAppend(&list, "\"", endpoint, "\", ");
    Write("config.yaml", absl::StrCat("current-context: lab\ncontexts:\n  lab:\n    endpoints: [",
                                      list, "]\n    ca: {sha256: \"", ca_.ca().sha256(),
                                      "\", file: ca.pem}\n    credential: {cert-file: owner.pem, "
                                      "key-file: owner-key.pem}\n"));
  }

  std::string cache_path() const { return home_.path() + "/.cache/curatorctl/lab.json"; }
  std::string CacheText() const {
    std::stringstream text;
    text << std::ifstream(cache_path()).rdbuf();
    return text.str();
  }
  void MakeCacheOld() const {
    std::filesystem::last_write_time(
        cache_path(), std::filesystem::file_time_type::clock::now() - std::chrono::minutes(1));
  }
  RunResult Complete(const std::string& current, const Words& words = {"node", "describe"}) const {
    Words arguments{"__complete", current};
    arguments.insert(arguments.end(), words.begin(), words.end());
    return home_.Run(arguments);
  }

  // Where it has to ask: on a busy machine the cluster may not answer in time.
  RunResult CompleteUntil(const std::string& wanted) const {
    RunResult result;
    for (const absl::Time deadline = absl::Now() + absl::Seconds(60);
         result.out != wanted && absl::Now() < deadline;) {
      result = Complete("");
      EXPECT_THAT(result.err, IsEmpty());
    }
    return result;
  }

  CuratorctlHome home_;
  ScriptedCurator& leader_ = AddCurator();
  const std::string new_id_ = identity::NodeIdFromPublicKey(std::string(32, 'n'));
  const std::string up_id_ = identity::NodeIdFromPublicKey(std::string(32, 'u'));
  const std::string both_ =
      new_id_ < up_id_ ? new_id_ + "\n" + up_id_ + "\n" : up_id_ + "\n" + new_id_ + "\n";
};

TEST_F(Learning, IsOfWhoLedAndWhichNodesThereWere) {
  leader_.SetCurators({leader_.entry(), "metropolis-other@127.9.8.7:7835"});
  ASSERT_EQ(home_.Run({"node", "list"}).exit_code, 0);
  const std::string text = CacheText();
  for (const std::string& learnt : {ca_.ca().sha256(), leader_.node_id(), leader_.address(),
                                    std::string("127.9.8.7:7835"), new_id_, up_id_}) {
    EXPECT_THAT(text, HasSubstr(learnt));
  }
  struct stat info = {};
  ASSERT_EQ(stat(cache_path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

// A listing of some nodes is none of all.
TEST_F(Learning, IsNotOfNodesThatMatchAFilter) {
  ASSERT_EQ(home_.Run({"node", "list", "--state", "UP"}).exit_code, 0);
  EXPECT_THAT(CacheText(), HasSubstr(leader_.node_id()));
  EXPECT_THAT(CacheText(), testing::Not(HasSubstr("nodes")));
}

TEST_F(Learning, SparesTheOtherCurators) {
  ScriptedCurator& follower = AddCurator();
  follower.Follow(leader_);
  const PausableProxy proxy(follower.host(), 7835);
  WriteConfig({proxy.address(), leader_.address()});
  ASSERT_EQ(home_.Run({"node", "list"}).exit_code, 0);
  // On a busy machine the leader may not answer within its head start.
  bool alone = false;
  for (const absl::Time deadline = absl::Now() + absl::Seconds(60);
       !alone && absl::Now() < deadline;) {
    const int before = proxy.connections();
    ASSERT_EQ(home_.Run({"node", "list"}).exit_code, 0);
    alone = proxy.connections() == before;
  }
  EXPECT_TRUE(alone);
}

TEST_F(Learning, OfALeaderThatIsGoneDoesNoHarm) {
  ASSERT_EQ(home_.Run({"node", "list"}).exit_code, 0);
  leader_.Stop();
  ScriptedCurator& next = AddCurator();
  next.Lead(8);
  WriteConfig({leader_.address(), next.address()});
  ASSERT_EQ(home_.Run({"node", "list", "-t", "20s"}).exit_code, 0);
  EXPECT_THAT(CacheText(), HasSubstr(next.address()));
}

TEST_F(Learning, IsNotNeeded) {
  for (const char* nowhere : {"/proc", "/dev/null"}) {
    const RunResult result = home_.Run({"node", "list"}, {{"XDG_CACHE_HOME", nowhere}});
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(result.err, IsEmpty());
  }
  EXPECT_EQ(CompleteUntil(both_).out, both_);
  std::ofstream(cache_path()) << "nonsense";
  EXPECT_EQ(CompleteUntil(both_).out, both_);
  EXPECT_THAT(CacheText(), HasSubstr(leader_.node_id()));
}

TEST_F(Learning, LetsCompletionAnswerWithoutTheCluster) {
  ASSERT_EQ(home_.Run({"node", "list"}).exit_code, 0);
  const int calls = leader_.CountCalls("GetNodes");
  EXPECT_EQ(Complete("").out, both_);
  EXPECT_EQ(Complete("metropolis-").out, both_);
  EXPECT_EQ(Complete(up_id_.substr(0, 20)).out, up_id_ + "\n");
  EXPECT_EQ(Complete("x").out, "");
  EXPECT_EQ(leader_.CountCalls("GetNodes"), calls);
}

TEST_F(Learning, OfLongAgoIsRefreshedByCompletion) {
  ASSERT_EQ(home_.Run({"node", "list"}).exit_code, 0);
  leader_.SetNodes({WireNode(std::string(32, 'u'), common::NODE_STATE_UP)});
  MakeCacheOld();
  EXPECT_EQ(CompleteUntil(up_id_ + "\n").out, up_id_ + "\n");
  EXPECT_THAT(CacheText(), testing::Not(HasSubstr(new_id_)));
}

TEST_F(Learning, OfLongAgoIsBetterThanNothing) {
  ASSERT_EQ(home_.Run({"node", "list"}).exit_code, 0);
  MakeCacheOld();
  leader_.Stop();
  const RunResult result = Complete("");
  EXPECT_EQ(result.out, both_);
  EXPECT_THAT(result.err, IsEmpty());
  EXPECT_EQ(result.exit_code, 0);
}

// A key press neither asks nor explains.
TEST_F(Learning, CompletionThatCannotAnswerIsSilent) {
  leader_.Stop();
  for (const Words& words : std::vector<Words>{{},
                                               {"node", "describe"},
                                               {"-c", "nope", "node", "list"},
                                               {"-c"},
                                               {"-e", "bad:port:x", "node", "list"},
                                               {"-e", leader_.address(), "--ca-sha256", "zz"},
                                               {"--config", "/dev/null", "node", "list"},
                                               {"--bogus", "'", "node", "--", "-x"}}) {
    const RunResult result = Complete("", words);
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, IsEmpty());
  }
}

TEST_F(Learning, CompletesInBash) {
  ASSERT_EQ(home_.Run({"node", "list"}).exit_code, 0);
  const auto complete = [this](const std::string& line) {
    const std::string command = absl::StrCat(
        "env -i HOME='", home_.path(), "' PATH=\"$PATH\" bash -c 'source ", CURATOR_SOURCE_DIR,
        "/completions/curatorctl.bash; COMP_LINE=\"", line, "\"; COMP_POINT=${#COMP_LINE}; ",
        "read -ra COMP_WORDS <<< \"$COMP_LINE\"; [[ $COMP_LINE != *\" \" ]] || "
        "COMP_WORDS+=(\"\"); ",
        "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _curatorctl ", CuratorctlBinary(),
        "; for word in \"${COMPREPLY[@]}\"; do echo \"$word\"; done'");
    FILE* const pipe = popen(command.c_str(), "r");
    std::string out;
    for (int c; (c = fgetc(pipe)) != EOF;) out.push_back(static_cast<char>(c));
    EXPECT_EQ(pclose(pipe), 0);
    return out;
  };
  const std::string part = up_id_.substr(0, 20);
  EXPECT_EQ(complete("curatorctl node describe "), both_);
  EXPECT_EQ(complete("curatorctl node describe " + part), up_id_ + "\n");
  EXPECT_EQ(complete("curatorctl -c lab node delete --confirm " + part), up_id_ + "\n");
  EXPECT_EQ(complete("curatorctl leader transfer --to " + part), up_id_ + "\n");
  EXPECT_EQ(complete("curatorctl node role add "), "");
  EXPECT_EQ(complete("curatorctl node role add cm " + part), up_id_ + "\n");
  EXPECT_EQ(complete("curatorctl -c nope node describe "), "");
  EXPECT_THAT(complete("curatorctl node "), HasSubstr("describe\n"));
}

}  // namespace
}  // namespace curator::cli
