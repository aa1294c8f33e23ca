// What commands share that change several nodes, one after the other: which nodes,
// what became of each, and what that is as a whole.
#ifndef CLI_COMMANDS_NODE_RESULTS_H_
#define CLI_COMMANDS_NODE_RESULTS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/document.h"
#include "cli/session.h"
#include "curator/client.h"
#include "curator/types.h"

namespace curator::cli {

struct NodeResult {
  Node node;
  std::string outcome;  // applied, unchanged, refused, unknown, skipped; empty: not decided yet
  std::string detail;
  absl::Status status;
  Value::Object more;    // fields of this command's own
  bool changed = false;  // or would be, in a dry run
};

// Those named, in that order, or those that `filter` matches. kUsage: neither or
// both are given, or what is no node id; kNotFound: a node that does not exist.
absl::StatusOr<std::vector<NodeResult>> ChooseNodes(Session& session,
                                                    const std::vector<std::string>& ids,
                                                    const std::string& filter = "");

// `status` is not OK: outcome and detail follow from it.
void SetFailure(NodeResult& result, absl::Status status);
void SetOutcome(NodeResult& result, ChangeOutcome outcome, std::string detail);
// Of a dry run.
void SetSpared(NodeResult& result, bool would_change, absl::string_view detail);

// `change` for each that is not decided yet; once interrupted they are skipped.
void ForEachUndecided(const Session& session, std::vector<NodeResult>& results,
                      const std::function<void(NodeResult&)>& change);

// Until those that did not fail are in state `wanted` (or past it), are gone, or the
// time is over. `participle`: "approved", for messages.
absl::Status WaitForState(Client& client, Session& session, NodeState wanted,
                          const char* participle, std::vector<NodeResult>& results);

// OK if none failed; one code if all failed and are alike, else kPartial.
absl::Status Overall(const std::vector<NodeResult>& results, const char* participle);

// Kind ResultList, with the columns ID RESULT DETAIL.
Document ResultDocument(const std::vector<NodeResult>& results, const char* action);

// "approve 2 nodes of cluster "lab"", and a line for each of them, for questions
// about those not decided yet.
std::string QuestionAbout(const Session& session, const std::vector<NodeResult>& results,
                          const char* verb);
std::string LinesAbout(const std::vector<NodeResult>& results);
bool AnyUndecided(const std::vector<NodeResult>& results);

}  // namespace curator::cli

#endif  // CLI_COMMANDS_NODE_RESULTS_H_
