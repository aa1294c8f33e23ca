// Every flag of every command, in every position, with every way to leave its value out; and
// that the walkers which look see a mistake when there is one.
#include "tests/unit/cli/command_walk.h"

#include <CLI/CLI.hpp>

#include "cli/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libclient/process/command_line.h"

namespace curator::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CommandWalk, AFlagMeansTheSameInEveryPosition) {
  EXPECT_THAT(FaultsOfPosition(DescribeCommandTree(), ParseCommandLine), IsEmpty());
}

TEST(CommandWalk, NothingIsEmpty) {
  EXPECT_THAT(FaultsOfEmptiness(DescribeCommandTree(), ParseCommandLine), IsEmpty());
}

TEST(CommandWalk, AFlagTakesAValueInAllCommandsOrInNone) {
  EXPECT_THAT(FaultsOfMeaning(DescribeCommandTree()), IsEmpty());
}

// A tree with one command, planted and parsed by CLI11 alone unless `ordered`.
absl::StatusOr<ParsedCommand> ParsePlanted(const Words& words, bool ordered) {
  CLI::App app;
  std::vector<std::string> ids, endpoints;
  std::string to;
  CLI::App* go = app.add_subcommand("go");
  app.require_subcommand(1);
  go->fallthrough();
  app.add_option("-e,--endpoint", endpoints);
  go->add_option("--to", to);
  go->add_option("ID", ids);
  Words line = words;
  if (ordered && PutInOrder(app, words, &line).has_value()) {
    return Failure(ExitCode::kUsage, "not understood");
  }
  try {
    app.parse(Words(line.rbegin(), line.rend()));
  } catch (const CLI::ParseError& error) {
    return Failure(ExitCode::kUsage, error.what());
  }
  ParsedCommand parsed;
  parsed.path = "go";
  for (const CLI::App* at : {&app, go}) {
    for (const CLI::Option* option : at->get_options()) {
      if (option->count() > 0) parsed.given[option->get_name()] = option->results();
    }
  }
  return parsed;
}

Tree PlantedTree() {
  Tree tree(2);
  tree[0].subcommands = {{"go", ""}};
  tree[0].options.resize(1);
  tree[0].options[0].names = {"-e", "--endpoint"};
  tree[0].options[0].takes_value = true;
  tree[1].path = "go";
  tree[1].options.resize(1);
  tree[1].options[0].names = {"--to"};
  tree[1].options[0].takes_value = true;
  tree[1].arguments = {{"ID", false}};
  return tree;
}

TEST(CommandWalk, SeesAFlagThatTakesWhatFollows) {
  const std::vector<std::string> faults = FaultsOfPosition(
      PlantedTree(), [](const Words& words) { return ParsePlanted(words, false); });
  EXPECT_THAT(faults, Contains(HasSubstr("go -e value metropolis-")));
  EXPECT_THAT(faults, Contains(HasSubstr("-e=value")));
  EXPECT_THAT(
      FaultsOfPosition(PlantedTree(), [](const Words& words) { return ParsePlanted(words, true); }),
      IsEmpty());
}

TEST(CommandWalk, SeesAFlagThatTakesNothingForAValue) {
  const std::vector<std::string> faults = FaultsOfEmptiness(
      PlantedTree(), [](const Words& words) { return ParsePlanted(words, false); });
  EXPECT_THAT(faults, Contains(HasSubstr("--to ''")));
  EXPECT_THAT(FaultsOfEmptiness(PlantedTree(),
                                [](const Words& words) { return ParsePlanted(words, true); }),
              IsEmpty());
}

TEST(CommandWalk, SeesAFlagThatIsASwitchElsewhere) {
  Tree tree = PlantedTree();
  tree[1].options[0].names = {"-e"};
  tree[1].options[0].takes_value = false;
  EXPECT_THAT(FaultsOfMeaning(tree), ElementsAre(HasSubstr("-e of \"go\"")));
}

// What a line comes to, or why it cannot be understood.
std::vector<std::string> InOrder(const Words& words) {
  CLI::App app;
  app.set_help_flag("-h,--help", "");
  std::vector<std::string> ids;
  std::string to, wait;
  app.add_flag("-q,--quiet");
  CLI::App* go = app.add_subcommand("go");
  go->add_option("-t,--to", to);
  go->add_flag("--wait{UP}", wait);
  go->add_option("ID", ids);
  app.add_subcommand("stay");
  std::vector<std::string> ordered;
  const absl::optional<LineFault> fault = PutInOrder(app, words, &ordered);
  return fault.has_value() ? std::vector<std::string>{fault->what} : ordered;
}

TEST(PutInOrder, PutsCommandsFirstAndArgumentsLast) {
  EXPECT_THAT(InOrder({"-q", "-t", "x", "go", "a", "b"}),
              ElementsAre("go", "--quiet", "--to=x", "--", "a", "b"));
  EXPECT_THAT(InOrder({"go", "a", "-qtx", "go"}),
              ElementsAre("go", "--quiet", "--to=x", "--", "a", "go"));
  EXPECT_THAT(InOrder({"go", "--", "-q", "--to"}), ElementsAre("go", "--", "-q", "--to"));
}

TEST(PutInOrder, TakesAValueOnlyWhereThereIsOne) {
  EXPECT_THAT(InOrder({"go", "--to"}), ElementsAre("--to needs a value"));
  EXPECT_THAT(InOrder({"go", "-t", "-q"}), ElementsAre("-t needs a value, and -q is a flag"));
  EXPECT_THAT(InOrder({"go", "-t", "--", "x"}), ElementsAre("-t needs a value, and -- is a flag"));
  EXPECT_THAT(InOrder({"go", "-t", "-field"}), ElementsAre("go", "--to=-field"));
  EXPECT_THAT(InOrder({"go", "-t=-q"}), ElementsAre("go", "--to=-q"));
  EXPECT_THAT(InOrder({"go", "--to", "a=b"}), ElementsAre("go", "--to=a=b"));
  EXPECT_THAT(InOrder({"go", "--to="}), ElementsAre("--to is empty"));
}

TEST(PutInOrder, ASwitchTakesNoneAndAnOptionalValueFollowsTheSign) {
  EXPECT_THAT(InOrder({"go", "--quiet=no"}), ElementsAre("--quiet takes no value"));
  EXPECT_THAT(InOrder({"go", "-q=no"}), ElementsAre("-q takes no value"));
  EXPECT_THAT(InOrder({"go", "--wait", "UP"}), ElementsAre("go", "--wait", "--", "UP"));
  EXPECT_THAT(InOrder({"go", "--wait=STANDBY"}), ElementsAre("go", "--wait=STANDBY"));
  EXPECT_THAT(InOrder({"go", "--wait="}), ElementsAre("--wait is empty"));
}

TEST(PutInOrder, RefusesArgumentsThatNobodyTakes) {
  EXPECT_THAT(InOrder({"stay", "here"}), ElementsAre("unexpected argument here"));
  EXPECT_THAT(InOrder({"stay", "--", "go"}), ElementsAre("unexpected argument go"));
  EXPECT_THAT(InOrder({"go", "a", ""}), ElementsAre("an argument is empty"));
}

TEST(PutInOrder, TakesNoArgumentApart) {
  const absl::StatusOr<ParsedCommand> command =
      ParseCommandLine({"cluster", "config", "set", "key", "[a-z]", "[a,b]"});
  ASSERT_TRUE(command.ok()) << command.status();
  EXPECT_THAT(command->given.at("VALUE"), ElementsAre("[a-z]", "[a,b]"));
}

TEST(CommandTree, DryRunExistsWhereSomethingChanges) {
  std::vector<std::string> with;
  for (const CommandDescription& command : DescribeCommandTree()) {
    for (const OptionDescription& option : command.options) {
      if (option.names.back() == "--dry-run") with.push_back(command.path);
    }
  }
  EXPECT_THAT(with, ElementsAre("node approve", "node label", "node role add", "node role remove",
                                "node decommission", "node delete", "cluster takeownership",
                                "cluster config set", "ticket rotate", "leader transfer",
                                "context use", "context add", "context set", "context import",
                                "context remove", "cred new-key", "trust pin", "trust forget"));
  EXPECT_EQ(ExitCodeOf(ParseCommandLine({"node", "list", "-n"}).status()), ExitCode::kUsage);
}

}  // namespace
}  // namespace curator::cli
