// The grammar of command lines that our programs share, laid over CLI11: flags in any
// position, each with exactly one value or none, `--` ends them, nothing is empty.
//
// CLI11 alone lets a flag that may be repeated take the arguments behind it, takes the
// "=" of a short flag for its value, lets a flag without a value after "=" take the next
// word, and takes "[a]" apart. Each of these is a command that does something else than
// was asked for.
#ifndef LIBCLIENT_PROCESS_COMMAND_LINE_H_
#define LIBCLIENT_PROCESS_COMMAND_LINE_H_

#include <string>
#include <vector>

#include "absl/types/optional.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace curator {

// Why a line cannot be understood.
struct LineFault {
  std::string what;
  std::string why;      // may be empty
  std::string command;  // as far as it was understood: "node list"; "" for the program
};

// How many values a flag takes.
enum class FlagValue {
  kNone,      // a switch
  kOne,       // always
  kAfterSign  // one if "=" follows, else none: declared with a value in braces, "--wait{UP}"
};
FlagValue ValueOf(const CLI::Option& flag);

// `words`, without the program's name, in the one order in which CLI11 cannot
// misunderstand them: commands, flags with their values as "--name=value", "--",
// arguments. A flag means the same in the whole tree of commands of `app`. What `app`
// does not know stays where it stands among the flags, for `app` to refuse.
//
// Changes `app`: none of its options takes more than one value at a time, and arguments are
// expected as often as they stand there. Its help is to be taken from another one.
absl::optional<LineFault> PutInOrder(CLI::App& app, const std::vector<std::string>& words,
                                     std::vector<std::string>* ordered);

}  // namespace curator

#endif  // LIBCLIENT_PROCESS_COMMAND_LINE_H_
