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
#include "absl/time/time.h"

namespace curatord {

// The settings, as they are unless an operator says otherwise. A new one gets a row in
// limits.cc, and nothing else: flag, file and error texts follow.
struct Limits {
  // --- connections
  // Connections on which no request came with a member's certificate yet, in all and of one
  // address (of IPv6: of one network of 64 bits). Where descriptors are scarce, fewer.
  int64_t stranger_connections = 4096;
  int64_t stranger_connections_per_address = 1024;
  // What gRPC may hold in buffers for all connections; over it, it closes idle connections
  // and ends streams. The last net: the account of each connection bounds more tightly.
  int64_t buffers_mib = 512;

  // --- registration
  int64_t new_nodes = 10000;              // that wait for approval at a time
  int64_t registration_burst = 1000;      // new nodes at once, after a quiet time
  int64_t registrations_per_second = 50;  // and then

  // --- writes
  // What a node writes of itself: so many at once, then so many a second. The others wait.
  int64_t node_write_burst = 20;
  int64_t node_writes_per_second = 2;
};

// `name` as in the row. InvalidArgument, in three parts, for a name that is none and a
// number that is none or out of bounds.
absl::Status SetLimit(Limits* limits, absl::string_view name, absl::string_view number);

// "new-nodes, …"
std::string LimitNames();

// --- constants: connections

// What a peer may have sent for which no request was delivered yet, until a request came
// with a member's certificate, and then: 128 KiB, and 4 MiB beside one request that is too
// long and is told so; and an eighth for what they are wrapped in. Over it the connection is
// closed.
inline constexpr int64_t kUnpaidBytesOfStranger = 144 << 10;
inline constexpr int64_t kUnpaidBytesOfMember = 5760 << 10;
// So long may a request take to be complete (a part of it of more than kStalledBytes).
inline constexpr absl::Duration kRequestTimeout = absl::Seconds(10);
inline constexpr int64_t kStalledBytes = 4 << 10;
inline constexpr absl::Duration kHandshakeTimeout = absl::Seconds(5);
// Without a call: who is idle is told so and comes back when it has something to say.
inline constexpr absl::Duration kConnectionIdleTimeout = absl::Minutes(5);
// The same of a stranger, who may hold unfinished requests that nobody sees.
inline constexpr absl::Duration kStrangerIdleTimeout = absl::Seconds(30);
// Of the process' descriptors, what is left for files and the store: a quarter, and at
// most so many.
inline constexpr int64_t kOtherDescriptors = 256;
// Beyond what others may have, for this curator itself and other curators.
inline constexpr int64_t kReservedConnections = 64;

// --- constants: requests and streams

// ConfigureCluster, the longest, carries a base and a new configuration of 256 KiB each. And
// a little: of a field of 1 MiB the method says itself what is wrong with it.
inline constexpr int kLongestRequest = (1 << 20) + (4 << 10);
// gRPC's clients wait with what is above.
inline constexpr int kStreamsPerConnection = 100;

// Open at a leader at a time. Existing nodes hold about 8, and more while they start.
inline constexpr size_t kMaxStreamsOfNode = 256;
inline constexpr size_t kMaxStreamsOfOwner = 20000;
// Listings and watches are sent in pieces of so much, or of one node or one transaction
// that has more: what a stream costs that nobody reads.
inline constexpr size_t kPieceBytes = 64 << 10;

// Answers that a leader remembers, and how many of them of one node: a request that comes
// again is answered alike.
inline constexpr size_t kAnswersRemembered = 10000;
inline constexpr size_t kAnswersRememberedOfANode = 256;
inline constexpr size_t kAnswerBytesRemembered = 16 << 20;

// --- constants: registration

// Calls without a member's certificate that wait at a leader for its refusal to be
// confirmed, or for what memory can answer.
inline constexpr size_t kStrangersWaiting = 1024;
inline constexpr size_t kStrangerBytesWaiting = 8 << 20;

// --- constants: writes

// Writes that wait at a leader for the store, and reads that wait for it to be confirmed.
inline constexpr size_t kWritesWaiting = 16384;
inline constexpr size_t kWriteBytesWaiting = 32 << 20;
inline constexpr size_t kReadsWaiting = 16384;
// Of a node, those that wait until it may write again.
inline constexpr size_t kPacedWritesOfANode = 256;
inline constexpr size_t kPacedBytesOfANode = 1 << 20;

}  // namespace curatord

#endif  // SERVER_LIMITS_H_
