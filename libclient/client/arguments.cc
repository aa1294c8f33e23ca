#include "libclient/client/arguments.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "curator/error.h"
#include "libclient/identity/node_id.h"

namespace curator {

absl::Status InvalidArgument(std::string message) {
  Error error;
  error.code = ErrorCode::kInvalidArgument;
  error.message = std::move(message);
  return MakeError(error);
}

absl::Status RequireNodeId(absl::string_view id) {
  if (identity::IsNodeId(id)) return absl::OkStatus();
  return InvalidArgument(absl::StrCat("\"", id, "\" is not a node id"));
}

}  // namespace curator
