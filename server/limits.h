// What others can cost this curator: every bound of the server that somebody may meet,
// in one place. docs/operations.md lists them, and what is met at each.
//
// Those that an operator may need otherwise are settings: `curatord run --limit NAME=NUMBER`,
// or a mapping `limits` in its configuration file. The others are constants.
#ifndef SERVER_LIMITS_H_
#define SERVER_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace curatord {

// The settings, as they are unless an operator says otherwise. A new one gets a row in
// limits.cc, and nothing else: flag, file and error texts follow.
struct Limits {
  // --- connections

  // --- requests and streams

  // --- registration
  int64_t new_nodes = 10000;  // that wait for approval at a time

  // --- writes
};

// `name` as in the row. InvalidArgument, in three parts, for a name that is none and a
// number that is none or out of bounds.
absl::Status SetLimit(Limits* limits, absl::string_view name, absl::string_view number);

// "new-nodes, …"
std::string LimitNames();

// --- constants: connections

// --- constants: requests and streams

// Listings and watches are sent in pieces of so much, or of one node or one transaction
// that has more: what a stream costs that nobody reads.
inline constexpr size_t kPieceBytes = 64 << 10;

// Answers that a leader remembers, and how many of them of one node: a request that comes
// again is answered alike.
inline constexpr size_t kAnswersRemembered = 10000;
inline constexpr size_t kAnswersRememberedOfANode = 256;
inline constexpr size_t kAnswerBytesRemembered = 16 << 20;

// --- constants: registration

// --- constants: writes

}  // namespace curatord

#endif  // SERVER_LIMITS_H_
