// Register tickets as operators hand them around.
#ifndef CURATOR_REGISTER_TICKET_H_
#define CURATOR_REGISTER_TICKET_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace curator {

// Contents of a ticket file, raw (34 bytes), hex or base64, with or without white
// space around; returns the 34 raw bytes. The error never quotes the contents: a
// ticket is a secret.
absl::StatusOr<std::string> ParseRegisterTicket(absl::string_view contents);

// The same for a file; "-" is standard input. kNotFound if it cannot be read.
absl::StatusOr<std::string> ReadRegisterTicket(const std::string& path);

}  // namespace curator

#endif  // CURATOR_REGISTER_TICKET_H_
