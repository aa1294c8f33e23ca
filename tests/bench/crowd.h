// Watchers and agents by the thousand, which stay, and follow the leader when it
// changes.
//
// Each agent has a connection of its own, as a node; it reports its status when it
// connects, then sends heartbeats. Watchers, of all nodes, share connections. Who
// finds its stream broken comes back within half a second, as libcurator's agents
// do. Where the leader is, they ask of one search for all: on other machines
// searches would not burden this one.
//
// Commands are read from standard input, a line each, and answered by a report:
//   changes N   N changes of one node, each once the last has reached every watcher
//   healthy     waits until the leader lists every agent as HEALTHY
//   caught-up   waits until every watcher has seen all nodes since it connected
// Ends when standard input does.
#ifndef TESTS_BENCH_CROWD_H_
#define TESTS_BENCH_CROWD_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/bench/access.h"

namespace curator::bench {

struct CrowdOptions {
  std::vector<std::string> curators;  // addresses
  int watchers = 100;
  int watcher_connections = 10;
  int agents = 0;
  absl::Duration heartbeat_interval = absl::Seconds(5);
  // How many watchers may be on their way through the backlog at the same time.
  int watchers_at_once = 64;
};

void RunCrowd(const Access& access, const CrowdOptions& options);

}  // namespace curator::bench

#endif  // TESTS_BENCH_CROWD_H_
