// curatorctl wait
#ifndef CLI_COMMANDS_WAIT_H_
#define CLI_COMMANDS_WAIT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "cli/document.h"
#include "cli/session.h"
#include "curator/types.h"

namespace curator::cli {

struct WaitArgs {
  std::vector<std::string> conditions;   // all must hold at the same time
  absl::optional<std::string> at_least;  // for how long; none: once is enough
};
// Met: exit 0. Not met in time: exit code kTimeout with the last state seen.
absl::StatusOr<CommandResult> WaitCommand(Session& session, const WaitArgs& args);

// One parsed --for.
struct WaitCondition {
  enum class Kind { kLeader, kState, kHealth, kDeleted, kExists, kNodes };
  Kind kind = Kind::kLeader;
  std::string node_id;  // all but kLeader and kNodes
  std::string value;    // kState, kHealth: as the protocol spells it
  // kNodes: how many nodes match ("" is all), against `count`.
  std::string filter;
  std::string comparison;  // ">=", "<=", "==", "!=", ">", "<"
  int64_t count = 0;
  std::string text;  // as given
};
// "leader", "node/ID:state=UP", "node/ID:health=HEALTHY", "node/ID:deleted",
// "node/ID:exists", "nodes(CEL)>=3". Fails with exit code kUsage.
absl::StatusOr<WaitCondition> ParseWaitCondition(absl::string_view text);

// Whether a condition on a node holds; `node` none: it does not exist.
bool Holds(const WaitCondition& condition, const absl::optional<Node>& node);
// Whether one on how many nodes match does.
bool Holds(const WaitCondition& condition, int64_t matching);

}  // namespace curator::cli

#endif  // CLI_COMMANDS_WAIT_H_
