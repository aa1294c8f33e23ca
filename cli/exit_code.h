// Exit codes: what a script can count on. Only added to, never renumbered.
#ifndef CLI_EXIT_CODE_H_
#define CLI_EXIT_CODE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "curator/error.h"

namespace curator::cli {

enum class ExitCode {
  kOk = 0,
  kError = 1,
  kUsage = 2,
  kNotFound = 3,
  kNoCredentials = 4,
  kDenied = 5,
  kUnreachable = 6,
  kUntrusted = 7,
  kNoLeader = 8,
  kRefused = 9,
  kTimeout = 10,
  kPartial = 11,
  kUnsupported = 12,
  kNotConfirmed = 13,
  kUnknownOutcome = 14,
  kUnhealthy = 20,
  kInterrupted = 130,
  kClosedPipe = 141,
  kTerminated = 143,
};

// "NO_LEADER", as machine formats and `help exit-codes` name it.
const char* ToString(ExitCode code);

struct ExitCodeMeaning {
  ExitCode code;
  const char* meaning;
  const char* retry;  // worth a retry: "yes", "no", "" where it makes no sense
};
const std::vector<ExitCodeMeaning>& ExitCodeMeanings();

bool IsRetryable(ExitCode code);

ExitCode FromErrorCode(ErrorCode code);

// A failure of this program's own (usage, an unconfirmed question), which
// libcurator has no code for. The status carries `error` and the exit code.
absl::Status Failure(ExitCode code, const Error& error);
absl::Status Failure(ExitCode code, std::string message, std::string cause = "",
                     std::vector<std::string> hints = {});

// kOk for an OK status; the code of Failure(); else that of the ErrorCode.
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace curator::cli

#endif  // CLI_EXIT_CODE_H_
