// curatorctl leader show | watch | transfer
#ifndef CLI_COMMANDS_LEADER_H_
#define CLI_COMMANDS_LEADER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "cli/document.h"
#include "cli/session.h"
#include "curator/client.h"

namespace curator::cli {

absl::StatusOr<CommandResult> LeaderShowCommand(Session& session);

// A row for who leads and for each change, until it is ended.
absl::StatusOr<CommandResult> LeaderWatchCommand(Session& session);

struct LeaderTransferArgs {
  std::string to;  // node id; empty: whoever has waited longest
};
absl::StatusOr<CommandResult> LeaderTransferCommand(Session& session,
                                                    const LeaderTransferArgs& args);

// One row of leader watch.
Document LeaderEventDocument(const absl::optional<Leader>& leader, absl::Time at);

}  // namespace curator::cli

#endif  // CLI_COMMANDS_LEADER_H_
