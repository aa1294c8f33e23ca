// The limit that gRPC, TLS and this machine set: a server of the curator's
// methods with nothing behind them. Heartbeat echoes; GetNodes streams messages
// of one size, each ready made.
#ifndef TESTS_BENCH_BARE_SERVER_H_
#define TESTS_BENCH_BARE_SERVER_H_

#include "tests/bench/access.h"

namespace curator::bench {

struct BareServerOptions {
  int messages = 1000;  // of GetNodes
  int bytes = 300;      // of each
};

// At access.address, as the first actor. Runs until standard input ends.
void RunBareServer(const Access& access, const BareServerOptions& options);

}  // namespace curator::bench

#endif  // TESTS_BENCH_BARE_SERVER_H_
