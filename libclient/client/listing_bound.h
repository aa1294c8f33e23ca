// ListingBound: how much of a listing or a watch a client takes in, so that a server that
// sends without end costs a bounded amount of memory.
#ifndef LIBCLIENT_CLIENT_LISTING_BOUND_H_
#define LIBCLIENT_CLIENT_LISTING_BOUND_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "curator/types.h"

namespace curator {

class ListingBound {
 public:
  // `what`: "the list of nodes".
  ListingBound(absl::string_view what, size_t most_bytes) : what_(what), most_(most_bytes) {}

  void Restart() { taken_ = 0; }
  // Not OK: too much. Of messages the number counts as well as what is in them.
  absl::Status TakeMessage(size_t bytes = 0);
  absl::Status Take(const Node& node);
  void GiveBack(const Node& node);

 private:
  absl::Status Check() const;

  const std::string what_;
  const size_t most_;
  size_t taken_ = 0;
};

// The server breaks its promise that each node comes once, in the order of the ids.
absl::Status OutOfOrder(absl::string_view id, absl::string_view after);

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_LISTING_BOUND_H_
