// What the completion scripts ask for as `curatorctl __complete CURRENT WORD…`:
// the ids of nodes that begin with the word under the cursor, for the cluster that
// the words before it choose.
#ifndef CLI_NODE_COMPLETION_H_
#define CLI_NODE_COMPLETION_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/settings.h"

namespace curator::cli {

// The hidden command's name.
inline constexpr char kCompleteCommand[] = "__complete";

// `current` and `words` are as typed, so may be incomplete or wrong: what cannot be
// answered is answered with nothing. Asks no question and shows none of its faults.
// From the cache if that is but a few seconds old, which takes neither gRPC nor
// OpenSSL; else from the cluster within 200 ms, and from the cache if it does not
// answer. One id a line.
std::string CompleteNodes(absl::string_view current, const std::vector<std::string>& words,
                          const Environment& environment);

}  // namespace curator::cli

#endif  // CLI_NODE_COMPLETION_H_
