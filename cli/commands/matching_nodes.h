// Which nodes a CEL expression holds of: what the server says, for commands that list,
// watch and wait.
#ifndef CLI_COMMANDS_MATCHING_NODES_H_
#define CLI_COMMANDS_MATCHING_NODES_H_

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/session.h"
#include "curator/client.h"

namespace curator::cli {

// Nodes of which `filter` holds; "" is all. kUsage, and what to do about it, for one
// that the server cannot make sense of.
absl::StatusOr<NodeList> ListMatching(Session& session, const std::string& filter);

// Lets through those events of a watch that are about the nodes meant: of these ids,
// and of which the filter holds after the event or held before it. Of what the watch
// itself does not tell (health) the filter sees what it is at the next other change.
// Events are held back until the watch is in step, so that one listing decides about
// all of them.
class MatchingEvents {
 public:
  using List = std::function<absl::StatusOr<NodeList>(const std::string& filter)>;
  using Emit = std::function<absl::Status(const NodeEvent&)>;

  // No ids: all nodes; filter "": whatever they are.
  MatchingEvents(const std::vector<std::string>& ids, std::string filter, List list, Emit emit);

  // The first failure of `list` or `emit` is the last answer.
  absl::Status OnEvent(const NodeEvent& event);

 private:
  absl::Status OnNodeEvent(const NodeEvent& event);
  absl::Status OnSynced();
  absl::Status EmitIfMeant(const NodeEvent& event, bool matches);

  const std::set<std::string> ids_;
  const std::string filter_;
  const List list_;
  const Emit emit_;
  bool is_synced_ = false;
  std::vector<NodeEvent> held_;     // while it is not
  std::set<std::string> matching_;  // ids, as of the last event of each
};

}  // namespace curator::cli

#endif  // CLI_COMMANDS_MATCHING_NODES_H_
