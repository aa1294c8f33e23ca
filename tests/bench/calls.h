// Any method of the cluster, called in a closed loop.
#ifndef TESTS_BENCH_CALLS_H_
#define TESTS_BENCH_CALLS_H_

#include <string>

#include "tests/bench/access.h"
#include "tests/bench/closed_loop.h"

namespace curator::bench {

struct CallsOptions {
  std::string method;  // "metropolis.proto.api.Management.GetNodes"
  // In protobuf's text form. {node}, {pubkey}, {joinkey} (escaped bytes) and {pubkey64}
  // are of the call's actor, {call} is the number of the call.
  std::string request;
  Role role = Role::kOwner;
  int connections = 1;
  // Calls by number: each is of an actor of its own, from `first_actor` on, and if
  // not made as owner has a connection of its own. Calls by time: of the actor of
  // its connection.
  size_t first_actor = 0;
  // A stream has answered with its first message; it is cancelled then.
  bool first_message_only = false;
  Load load;
};

void MeasureCalls(const Access& access, const CallsOptions& options, const Processes& processes);

}  // namespace curator::bench

#endif  // TESTS_BENCH_CALLS_H_
