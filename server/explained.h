// Errors of curatord's commands, in the three parts that people get: what
// happened (the status message), why probably, what to do; and the exit code.
#ifndef SERVER_EXPLAINED_H_
#define SERVER_EXPLAINED_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace curatord {

// `status` with the two parts attached.
absl::Status Explained(absl::Status status, absl::string_view why, absl::string_view what_to_do);

// The text, as curatorctl prints its own: "error: …\n  why:   …\n  do:    …\n".
// An error of libcurator is printed with its own cause and hints.
std::string ExplainedText(const absl::Status& status);

// One log line with the same parts.
void LogExplained(const absl::Status& status);

// As curatorctl's: 2 usage, 3 not found, 5 denied, 6 unreachable, 7 untrusted,
// 9 refused, 10 timeout, 1 anything else.
int ExitCodeOf(const absl::Status& status);

}  // namespace curatord

#endif  // SERVER_EXPLAINED_H_
