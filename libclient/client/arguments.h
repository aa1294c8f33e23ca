// What an operation refuses before anything is sent.
#ifndef LIBCLIENT_CLIENT_ARGUMENTS_H_
#define LIBCLIENT_CLIENT_ARGUMENTS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace curator {

// kInvalidArgument.
absl::Status InvalidArgument(std::string message);

// kInvalidArgument unless `id` is a node id.
absl::Status RequireNodeId(absl::string_view id);

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_ARGUMENTS_H_
