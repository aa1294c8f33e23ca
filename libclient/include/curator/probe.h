// Probe: asks each endpoint separately what it is, in parallel, bounded. Sends
// no request that could change anything.
#ifndef CURATOR_PROBE_H_
#define CURATOR_PROBE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "curator/credentials.h"
#include "curator/error.h"

namespace curator {

struct ProbeOptions {
  std::vector<std::string> endpoints;
  absl::optional<ClusterCa> ca;       // none: identity is read but not judged
  absl::optional<Identity> identity;  // none: a leader cannot be confirmed, parts are not read
  // As ClientOptions. Nothing is asked of, or told by, who claims to lead and is not
  // believed; without a CA no proof can be checked.
  bool accept_unproven = false;
  // By endpoint, in the same words: which node it must be; others may be any of the cluster.
  std::map<std::string, std::string> expected_node_ids;
  absl::Duration timeout = absl::Seconds(3);
};

// Health of one long-running part of a server, where it tells.
struct ServerPart {
  std::string name;
  std::string health;      // "running", "backing-off", "stopped"
  std::string last_error;  // empty if none
  absl::Duration since;
};

struct ProbeResult {
  EndpointReport endpoint;
  std::string leader_address;  // that a follower named
  int64_t term = 0;            // 0: not told
  std::string server_version;
  std::vector<ServerPart> parts;
};

// One result per endpoint, in the order given. Never fails as a whole.
std::vector<ProbeResult> Probe(const ProbeOptions& options);

}  // namespace curator

#endif  // CURATOR_PROBE_H_
