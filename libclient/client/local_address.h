// The address this machine uses to reach another.
#ifndef LIBCLIENT_CLIENT_LOCAL_ADDRESS_H_
#define LIBCLIENT_CLIENT_LOCAL_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "libclient/core/endpoint.h"

namespace curator {

// By the routing table of now; sends nothing but the look-up of a name.
absl::StatusOr<std::string> LocalAddressTowards(const core::Endpoint& endpoint);

bool IsIpAddress(absl::string_view text);

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_LOCAL_ADDRESS_H_
