// The inside of curator::Cancellation, and the wait on two reasons to stop.
#ifndef LIBCLIENT_NET_CANCELLATION_H_
#define LIBCLIENT_NET_CANCELLATION_H_

#include <stop_token>

#include "absl/types/optional.h"
#include "curator/client.h"

namespace curator {

struct Cancellation::State {
  std::stop_source source;
};

namespace net {

// A token that never stops if there is no cancellation.
inline std::stop_token TokenOf(const absl::optional<Cancellation>& cancellation) {
  return cancellation.has_value() ? cancellation->state()->source.get_token() : std::stop_token();
}

}  // namespace net
}  // namespace curator

#endif  // LIBCLIENT_NET_CANCELLATION_H_
