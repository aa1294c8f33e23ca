// Who leads, as a fact: a belief of LeaderFinder becomes one when a call that
// only a leader serves has been answered.
#ifndef LIBCLIENT_CLIENT_LEADER_FACTS_H_
#define LIBCLIENT_CLIENT_LEADER_FACTS_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "curator/client.h"
#include "libclient/net/leader_call.h"
#include "libclient/net/leader_finder.h"

namespace curator {

// Waits for a leader and has it bear out that it leads, where there is an identity
// to ask with; without one its claim, and the proof that comes with it, have to do.
absl::StatusOr<net::LeaderConnection> FindConfirmedLeader(net::LeaderFinder& finder,
                                                          const net::CallContext& context);

// With what the other endpoints say of it; waits a moment for those being asked.
Leader DescribeLeader(net::LeaderFinder& finder, const net::LeaderConnection& connection,
                      const net::CallContext& context);
// The same without waiting.
Leader DescribeLeader(const net::LeaderFinder& finder, const net::LeaderConnection& connection);

// Client::WatchLeader.
absl::Status WatchLeader(net::LeaderFinder& finder, const net::CallContext& context,
                         const std::function<void(const absl::optional<Leader>&)>& on_change);

// What a watch ends with when its time is over; `last` is how its last attempt
// ended, OK if a leader was being watched.
absl::Status WatchIsOver(const absl::Status& last);

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_LEADER_FACTS_H_
