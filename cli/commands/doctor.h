// curatorctl doctor
#ifndef CLI_COMMANDS_DOCTOR_H_
#define CLI_COMMANDS_DOCTOR_H_

#include "absl/status/statusor.h"
#include "cli/document.h"
#include "cli/session.h"

namespace curator::cli {

struct DoctorArgs {
  bool all_contexts = false;
};
// Examines what is configured, then every endpoint, within three seconds. Asks no
// question and changes nothing. Exit code kUnhealthy, with the document, if
// anything is not as it should be.
absl::StatusOr<CommandResult> DoctorCommand(Session& session, const DoctorArgs& args);

}  // namespace curator::cli

#endif  // CLI_COMMANDS_DOCTOR_H_
