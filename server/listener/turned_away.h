// TurnedAway: the connections that were closed, or not taken, against their peer's will,
// counted by cause. Logged at powers of two, so that a flood does not fill the log.
// Thread-safe.
#ifndef SERVER_LISTENER_TURNED_AWAY_H_
#define SERVER_LISTENER_TURNED_AWAY_H_

#include <array>
#include <cstdint>

#include "server/listener/peer_address.h"
#include "server/metrics/registry.h"

namespace curatord {

class TurnedAway {
 public:
  enum Cause {
    kFull,         // as many connections as descriptors allow
    kSamePort,     // another one is open from the same address and port
    kStrangers,    // for another one, at the bound of those without a certificate
    kUnpaid,       // it sent more than its requests account for
    kStalled,      // a request was not completed in time
    kDescriptors,  // the process had no descriptor left
    kCauses,
  };

  void Count(Cause cause, const PeerAddress& peer);
  uint64_t count(Cause cause) const { return counters_[cause].value(); }
  void Collect(Samples* samples) const;

 private:
  std::array<Counter, kCauses> counters_;
};

}  // namespace curatord

#endif  // SERVER_LISTENER_TURNED_AWAY_H_
