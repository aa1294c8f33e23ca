// A wait that any of several reasons ends early.
#ifndef LIBCLIENT_NET_PAUSE_H_
#define LIBCLIENT_NET_PAUSE_H_

#include <stop_token>
#include <vector>

#include "absl/time/time.h"

namespace curator::net {

// Returns after `delay`, or as soon as one of `stops` stops.
void PauseFor(absl::Duration delay, const std::vector<std::stop_token>& stops);

}  // namespace curator::net

#endif  // LIBCLIENT_NET_PAUSE_H_
