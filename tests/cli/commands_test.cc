// Commands from argv to document, against a scripted curator: what is asked, what
// is sent, what is shown, and how it ends.
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
    for (const char* word : {"-t", "10s", "-o", format}) words.emplace_back(word);
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
  EXPECT_EQ(ran.error.message, "1:5: syntax error");
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

TEST_F(Commands, ApprovingWhatMatchesTakesThoseThatWaitAndAsks) {
  EXPECT_EQ(Run({"node", "approve", "--filter", "true"}).code, ExitCode::kNotConfirmed);
  const Ran ran = Run({"node", "approve", "--filter", "true", "-y"}, "name");
  EXPECT_EQ(ran.code, ExitCode::kOk) << ran.error.message;
  EXPECT_EQ(ran.out, new_id_ + "\n");
  EXPECT_EQ(Count("ApproveNode"), 1);
  EXPECT_EQ(Run({"node", "approve", "--filter", "true", up_id_}).code, ExitCode::kUsage);
}

}  // namespace
}  // namespace curator::cli
