#include "cli/command_tree.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "cli/completion.h"
#include "cli/exit_code.h"
#include "cli/usage.h"
#include "curator/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace curator::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr char kId[] = "metropolis-00000000000000000000000000000001";

using Words = std::vector<std::string>;

TEST(CommandTree, UnderstandsEveryCommand) {
  const std::vector<std::pair<Words, std::string>> lines = {
      {{"node", "list"}, "node list"},
      {{"node", "ls"}, "node list"},
      {{"node", "list", kId, kId}, "node list"},
      {{"node", "list", "--filter", "node.id != ''", "-l", "a=b,!c", "-l", "d"}, "node list"},
      {{"node", "list", "--state", "UP,NEW", "--health", "healthy", "--role", "cm", kId,
        "--fail-empty"},
       "node list"},
      {{"node", "describe", kId}, "node describe"},
      {{"node", "pending"}, "node pending"},
      {{"node", "approve"}, "node approve"},
      {{"node", "approve", "--all", "--wait"}, "node approve"},
      {{"node", "approve", "--filter", "node.id != ''"}, "node approve"},
      {{"node", "approve", "--wait=STANDBY", kId}, "node approve"},
      {{"node", "approve", "--pubkey", "00", "--pubkey", "11"}, "node approve"},
      {{"node", "label", kId, "a=b", "c-", "--overwrite"}, "node label"},
      {{"node", "label", "--filter", "true", "a="}, "node label"},
      {{"node", "role", "add", "cm,kw", kId, kId}, "node role add"},
      {{"node", "role", "remove", "-y", "kc", kId}, "node role remove"},
      {{"node", "decommission", kId, "--wait", kId}, "node decommission"},
      {{"node", "delete", kId, "--force-has-roles", "--force-not-decommissioned", "--confirm", kId},
       "node delete"},
      {{"cluster", "config", "get"}, "cluster config get"},
      {{"cluster", "config", "get", "tpm_mode"}, "cluster config get"},
      {{"cluster", "config", "set", "node_labels_to_synchronize"}, "cluster config set"},
      {{"cluster", "config", "set", "k", "^a", "^b", "-n"}, "cluster config set"},
      {{"cluster", "info"}, "cluster info"},
      {{"cluster", "status"}, "cluster status"},
      {{"cluster", "takeownership", "--owner-key", "f", "--context", "lab"},
       "cluster takeownership"},
      {{"ticket", "show", "--hex"}, "ticket show"},
      {{"ticket", "show", "--out", "f"}, "ticket show"},
      {{"ticket", "rotate", "-n", "--out=f", "--base64"}, "ticket rotate"},
      {{"node", "delete", "--state", "NEW", "-l", "a=b", "--filter", "true"}, "node delete"},
      {{"leader", "show"}, "leader show"},
      {{"leader", "watch", "-o", "jsonl"}, "leader watch"},
      {{"leader", "transfer", "--to", kId}, "leader transfer"},
      {{"leader", "transfer"}, "leader transfer"},
      {{"node", "watch"}, "node watch"},
      {{"node", "watch", kId, "-t", "1m"}, "node watch"},
      {{"node", "watch", "-l", "a=b", "--state", "UP", "--health", "HEALTHY", "--role", "cm",
        "--filter", "true"},
       "node watch"},
      {{"doctor"}, "doctor"},
      {{"doctor", "--all-contexts"}, "doctor"},
      {{"context", "import", "--metroctl", "d", "lab", "-e", "h"}, "context import"},
      {{"wait", "--for", "leader", "--for-at-least", "2s"}, "wait"},
      {{"context", "list"}, "context list"},
      {{"context", "use", "lab"}, "context use"},
      {{"context", "show"}, "context show"},
      {{"context", "add", "lab", "-e", "h"}, "context add"},
      {{"context", "set", "lab", "--require-proof"}, "context set"},
      {{"context", "remove", "lab"}, "context remove"},
      {{"context", "explain"}, "context explain"},
      {{"cred", "new-key", "--out", "d"}, "cred new-key"},
      {{"cred", "show"}, "cred show"},
      {{"trust", "show"}, "trust show"},
      {{"trust", "pin"}, "trust pin"},
      {{"trust", "forget"}, "trust forget"},
      {{"completion", "bash"}, "completion bash"},
      {{"help", "exit-codes"}, "help exit-codes"},
      {{"help", "env"}, "help env"},
      {{"help", "formats"}, "help formats"},
      {{"help", "filters"}, "help filters"},
      {{"version", "--server"}, "version"},
  };
  std::set<std::string> seen;
  for (const auto& [words, path] : lines) {
    const absl::StatusOr<ParsedCommand> command = ParseCommandLine(words);
    ASSERT_TRUE(command.ok()) << path << ": " << command.status();
    EXPECT_EQ(command->path, path);
    EXPECT_TRUE(command->help.empty());
    seen.insert(path);
  }
  // Nothing in the tree is left out above.
  for (const CommandDescription& command : DescribeCommandTree()) {
    if (!command.subcommands.empty() || absl::StartsWith(command.path, "completion")) continue;
    EXPECT_THAT(seen, Contains(command.path));
  }
}

TEST(CommandTree, TakesGlobalFlagsInAnyPosition) {
  for (const Words& words : std::vector<Words>{
           {"-o", "json", "node", "list"},
           {"node", "-o", "json", "list"},
           {"node", "list", "-o", "json"},
           {"node", "list", "--output=json"},
           {"node", "list", "-ojson"},
       }) {
    const absl::StatusOr<ParsedCommand> command = ParseCommandLine(words);
    ASSERT_TRUE(command.ok()) << command.status();
    EXPECT_EQ(command->flags.output, "json");
    EXPECT_EQ(OutputFlag(words), "json");
  }
}

TEST(CommandTree, TheLastOfARepeatedFlagCounts) {
  const absl::StatusOr<ParsedCommand> command =
      ParseCommandLine({"node", "list", "-o", "json", "-o", "yaml", "-vv"});
  ASSERT_TRUE(command.ok()) << command.status();
  EXPECT_EQ(command->flags.output, "yaml");
  EXPECT_EQ(command->flags.verbosity, 2);
}

TEST(CommandTree, EndpointsAddUpAndTakeOneValueEach) {
  const absl::StatusOr<ParsedCommand> command =
      ParseCommandLine({"-e", "a,b", "node", "list", "-e", "[::1]:7"});
  ASSERT_TRUE(command.ok()) << command.status();
  EXPECT_THAT(command->flags.endpoints, ElementsAre("a,b", "[::1]:7"));
}

TEST(CommandTree, ArgumentsMayBeNamedAsCommandsAre) {
  const absl::StatusOr<ParsedCommand> command = ParseCommandLine({"context", "use", "node"});
  ASSERT_TRUE(command.ok()) << command.status();
  EXPECT_EQ(command->path, "context use");
}

TEST(CommandTree, TwoDashesEndFlags) {
  EXPECT_TRUE(ParseCommandLine({"context", "use", "--", "lab"}).ok());
  const absl::StatusOr<ParsedCommand> command = ParseCommandLine({"node", "list", "--", "-o"});
  ASSERT_TRUE(command.ok()) << command.status();
  EXPECT_FALSE(command->flags.output.has_value());
  EXPECT_EQ(OutputFlag({"node", "list", "--", "-o", "json"}), absl::nullopt);
}

TEST(CommandTree, RefusesWhatItDoesNotKnow) {
  for (const Words& words : std::vector<Words>{
           {},
           {"nod"},
           {"node"},
           {"node", "lst"},
           {"node", "list", "--bogus"},
           {"node", "list", "--outp", "json"},  // no abbreviations
           {"--bogus", "node", "list"},
           {"node", "describe"},
           {"node", "pending", "extra"},
           {"node", "list", "-o"},
           {"ticket", "bundle"},  // not built yet: absent, not a stub
           {"cluster", "config"},
           {"cluster", "config", "set"},
           {"cluster", "config", "get", "a", "b"},
           {"node", "role"},
           {"node", "role", "add", "cm"},
           {"node", "role", "cm", kId},
           {"node", "delete", kId, "--confirm"},
           {"node", "decommission"},
           {"node", "label"},
           {"node", "list", "-l"},
           {"context", "import", "lab"},  // from where?
           {"leader", "transfer", "--to"},
           {"ticket", "show", "--raw", "--hex"},
           {"ticket", "show", "--dry-run"},
           {"ticket", "rotate", "--out"},
           {"wait"},
           {"context", "use"},
           {"cred", "new-key"},
           {"completion", "tcsh"},
           {"help", "nonsense"},
       }) {
    const absl::StatusOr<ParsedCommand> command = ParseCommandLine(words);
    ASSERT_FALSE(command.ok()) << (words.empty() ? "" : words.back());
    EXPECT_EQ(ExitCodeOf(command.status()), ExitCode::kUsage);
  }
}

TEST(CommandTree, OnlyDoctorRunsWithoutAReadableConfigFile) {
  EXPECT_TRUE(ParseCommandLine({"doctor"})->diagnoses);
  EXPECT_FALSE(ParseCommandLine({"node", "list"})->diagnoses);
}

TEST(CommandTree, SaysWhatWasProbablyMeant) {
  const Error error = DescribeError(ParseCommandLine({"node", "lst"}).status());
  EXPECT_EQ(error.message, "unknown command \"lst\" of \"curatorctl node\"");
  EXPECT_EQ(error.cause,
            "commands: list, describe, watch, pending, approve, label, role, decommission, "
            "delete");
  EXPECT_THAT(error.hints, Contains("did you mean: curatorctl node list"));
  EXPECT_EQ(Nearest("xyzzy", {"node", "list"}), "");
}

TEST(CommandTree, HelpIsOfTheCommandItIsAskedFor) {
  for (const Words& words :
       std::vector<Words>{{"node", "approve", "--help"}, {"help", "node", "approve"}}) {
    const absl::StatusOr<ParsedCommand> command = ParseCommandLine(words);
    ASSERT_TRUE(command.ok()) << command.status();
    EXPECT_THAT(command->help, HasSubstr("curatorctl node approve"));
    EXPECT_THAT(command->help, HasSubstr("--pubkey"));
  }
  EXPECT_THAT(ParseCommandLine({"help"})->help, HasSubstr("takeownership"));
  EXPECT_THAT(ParseCommandLine({"help", "node", "role", "add"})->help,
              HasSubstr("curatorctl node role add"));
}

TEST(TargetFlags, AreFoundInALineThatIsNotFinished) {
  const absl::optional<GlobalFlags> flags =
      TargetFlags({"node", "-c", "lab", "label", kId, "--overwrite", "--filter", "x", "-e", "a,b",
                   "--config=f", "-o", "json", "a=b"});
  ASSERT_TRUE(flags.has_value());
  EXPECT_EQ(flags->context, "lab");
  EXPECT_THAT(flags->endpoints, ElementsAre("a,b"));
  EXPECT_EQ(flags->config, "f");
  EXPECT_FALSE(TargetFlags({"node", "-c"}).has_value());
}

TEST(Completion, KnowsWhatTakesNodes) {
  std::map<std::string, int> found;
  for (const CommandDescription& command : DescribeCommandTree()) {
    if (command.before_nodes.has_value()) found[command.path] = *command.before_nodes;
    for (const OptionDescription& option : command.options) {
      if (option.is_node) found[command.path + " " + option.names.back()] = -1;
    }
  }
  EXPECT_THAT(found,
              ElementsAre(Pair("leader transfer --to", -1), Pair("node approve", 0),
                          Pair("node decommission", 0), Pair("node delete", 0),
                          Pair("node delete --confirm", -1), Pair("node describe", 0),
                          Pair("node label", 0), Pair("node list", 0), Pair("node role add", 1),
                          Pair("node role remove", 1), Pair("node watch", 0)));
}

TEST(Completion, OffersCommandsAndFlagsOfTheTree) {
  const std::vector<CommandDescription> tree = DescribeCommandTree();
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = CompletionScript(shell, tree);
    for (const char* word : {"takeownership", "approve", "pubkey", "owner-key", "always",
                             "node role add", "overwrite", "cluster config set"}) {
      EXPECT_THAT(script, HasSubstr(word)) << shell;
    }
  }
}

}  // namespace
}  // namespace curator::cli
