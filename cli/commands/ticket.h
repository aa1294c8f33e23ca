// curatorctl ticket show | rotate
#ifndef CLI_COMMANDS_TICKET_H_
#define CLI_COMMANDS_TICKET_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/document.h"
#include "cli/session.h"

namespace curator::cli {

// How the ticket is told: both commands tell the one that stands, or stands then.
struct TicketArgs {
  bool raw = false;
  bool hex = false;
  bool base64 = false;
  bool reveal = false;
  std::string out;  // file it goes to, instead of standard output
};
absl::StatusOr<CommandResult> TicketShowCommand(Session& session, const TicketArgs& args);
absl::StatusOr<CommandResult> TicketRotateCommand(Session& session, const TicketArgs& args);

// The first 16 hex digits of the ticket's SHA-256: names it without telling it.
std::string TicketId(absl::string_view ticket);

}  // namespace curator::cli

#endif  // CLI_COMMANDS_TICKET_H_
