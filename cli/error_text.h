// How a failure reads: three parts for people, one JSON object for programs.
#ifndef CLI_ERROR_TEXT_H_
#define CLI_ERROR_TEXT_H_

#include <string>

#include "absl/status/status.h"
#include "cli/exit_code.h"
#include "curator/error.h"

namespace curator::cli {

struct ErrorContext {
  std::string context_name;  // of the config file; empty if none is in use
  bool color = false;
};

// "error: … (exit 8, waited 30s, 6 attempts)", then what, why and do, as far as
// they are known. Ends with a newline.
std::string ErrorForPeople(const absl::Status& status, const ErrorContext& context);

// The kind Error of machine formats, on several lines, with a newline.
std::string ErrorAsJson(const absl::Status& status, const ErrorContext& context);

// "10.0.1.6:7835 is a follower of metropolis-aa…" and the like, one fragment.
std::string DescribeEndpoint(const EndpointReport& report);

}  // namespace curator::cli

#endif  // CLI_ERROR_TEXT_H_
