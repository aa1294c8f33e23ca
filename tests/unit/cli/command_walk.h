// Walkers over a tree of commands: each looks at every flag of every command and returns
// what it finds wrong. They see no more of a tree than descriptions and a parser, so that a
// test can walk one in which a mistake was planted.
#ifndef TESTS_UNIT_CLI_COMMAND_WALK_H_
#define TESTS_UNIT_CLI_COMMAND_WALK_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/command_tree.h"

namespace curator::cli {

using Words = std::vector<std::string>;
using Parser = std::function<absl::StatusOr<ParsedCommand>(const Words&)>;
using Tree = std::vector<CommandDescription>;

// A flag takes its own value and no other, wherever it stands and however it is written.
std::vector<std::string> FaultsOfPosition(const Tree& tree, const Parser& parse);

// An empty value, or argument, is a mistake of usage.
std::vector<std::string> FaultsOfEmptiness(const Tree& tree, const Parser& parse);

// A flag takes a value in one command if it does in another: it may stand before either.
std::vector<std::string> FaultsOfMeaning(const Tree& tree);

}  // namespace curator::cli

#endif  // TESTS_UNIT_CLI_COMMAND_WALK_H_
