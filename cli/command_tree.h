// The command tree: argv becomes a command that is ready to run. Global flags
// are accepted in any position, `--` ends them, nothing is abbreviated.
#ifndef CLI_COMMAND_TREE_H_
#define CLI_COMMAND_TREE_H_

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "cli/document.h"
#include "cli/session.h"
#include "cli/settings.h"

namespace curator::cli {

struct ParsedCommand {
  std::string path;  // "node list"
  GlobalFlags flags;
  // What the line gives: each flag, by its long name, and argument with its values ("true"
  // of a switch). -vv shows it.
  std::map<std::string, std::vector<std::string>> given;
  std::string help;  // not empty: print this and do nothing else
  // Does not touch the config file: runs without reading it.
  bool offline = false;
  // Looks for what is wrong: runs with a config file that cannot be read as well.
  bool diagnoses = false;
  std::function<absl::StatusOr<CommandResult>(Session&)> run;
};

// `arguments` without the program's name. Fails with exit code kUsage.
absl::StatusOr<ParsedCommand> ParseCommandLine(const std::vector<std::string>& arguments);

// The flags that choose a cluster, of a line that may be incomplete and may have any
// others; none if it cannot be understood at all.
absl::optional<GlobalFlags> TargetFlags(const std::vector<std::string>& words);

struct OptionDescription {
  std::vector<std::string> names;  // "-o", "--output"
  bool required = false;
  bool takes_value = false;
  bool may_take_value = false;       // after "=" alone
  std::vector<std::string> choices;  // of the value, if it is one of a few
  bool is_file = false;              // the value names a file or folder
  bool is_node = false;              // the value is a node id
  std::string summary;
};

struct ArgumentDescription {
  std::string name;
  bool required = false;
};

struct CommandDescription {
  std::string path;  // "" for the root, "node", "node list"
  std::string summary;
  std::vector<OptionDescription> options;                        // the root's are global
  std::vector<std::pair<std::string, std::string>> subcommands;  // name, summary
  std::vector<ArgumentDescription> arguments;
  // How many arguments come before the ids of nodes; none: it takes no node ids.
  absl::optional<int> before_nodes;
};

// The tree in depth-first order, as completion scripts need it.
std::vector<CommandDescription> DescribeCommandTree();

}  // namespace curator::cli

#endif  // CLI_COMMAND_TREE_H_
