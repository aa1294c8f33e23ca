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
  int64_t new_nodes = 10000;              // that wait for approval at a time
  int64_t registration_burst = 1000;      // new nodes at once, after a quiet time
  int64_t registrations_per_second = 50;  // and then

  // --- writes
};

// `name` as in the row. InvalidArgument, in three parts, for a name that is none and a
// number that is none or out of bounds.
absl::Status SetLimit(Limits* limits, absl::string_view name, absl::string_view number);

// "new-nodes, …"
std::string LimitNames();

// --- constants: connections

// --- constants: requests and streams

// Open at a leader at a time. Existing nodes hold about 8, and more while they start.
inline constexpr size_t kMaxStreamsOfNode = 256;
inline constexpr size_t kMaxStreamsOfOwner = 20000;

// --- constants: registration

// --- constants: writes

}  // namespace curatord

#endif  // SERVER_LIMITS_H_
