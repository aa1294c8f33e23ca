// Which nodes a command is about, from flags to the one CEL expression that the
// server evaluates.
#ifndef CLI_NODE_FILTER_H_
#define CLI_NODE_FILTER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "curator/types.h"

namespace curator::cli {

// All that is given must hold; of the several values of one flag, any.
struct NodeSelection {
  std::string filter;                // CEL, as given
  std::vector<std::string> labels;   // "k=v,k!=v,k,!k": all of them
  std::vector<std::string> states;   // "UP,STANDBY"
  std::vector<std::string> healths;  // "HEALTHY"
  std::vector<std::string> roles;    // "cm,kubernetes-worker"
};

// "" selects all nodes. kUsage for what no node can match.
absl::StatusOr<std::string> FilterOf(const NodeSelection& selection);

// `filter` as part of a longer expression; a comment of the operator's in it does not
// swallow what follows.
std::string InParentheses(const std::string& filter);

// A CEL string literal that means exactly `text`, whatever is in it.
std::string CelString(absl::string_view text);

// "consensus-member" or "cm"; else kUsage.
absl::StatusOr<NodeRole> ParseRole(absl::string_view text);
// "cm,kc": each once, in the order of NodeRole.
absl::StatusOr<std::vector<NodeRole>> ParseRoles(absl::string_view text);

}  // namespace curator::cli

#endif  // CLI_NODE_FILTER_H_
