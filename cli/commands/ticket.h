// curatorctl ticket show
#ifndef CLI_COMMANDS_TICKET_H_
#define CLI_COMMANDS_TICKET_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/document.h"
#include "cli/session.h"

namespace curator::cli {

struct TicketShowArgs {
  bool raw = false;
  bool hex = false;
  bool base64 = false;
  bool reveal = false;
};
absl::StatusOr<CommandResult> TicketShowCommand(Session& session, const TicketShowArgs& args);

// The first 16 hex digits of the ticket's SHA-256: names it without telling it.
std::string TicketId(absl::string_view ticket);

}  // namespace curator::cli

#endif  // CLI_COMMANDS_TICKET_H_
