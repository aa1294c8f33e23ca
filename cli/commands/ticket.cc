#include "cli/commands/ticket.h"

#include <openssl/evp.h>

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"

namespace curator::cli {

std::string TicketId(absl::string_view ticket) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(ticket.data(), ticket.size(), digest, &size, EVP_sha256(), nullptr) != 1) {
    return "";
  }
  return absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(digest), 8));
}

absl::StatusOr<CommandResult> TicketShowCommand(Session& session, const TicketShowArgs& args) {
  absl::StatusOr<Client*> client = session.GetClient();
  if (!client.ok()) return client.status();
  absl::StatusOr<std::string> ticket = (*client)->GetRegisterTicket(session.GetCallOptions());
  if (!ticket.ok()) return ticket.status();

  const bool hidden = session.terminal().StdoutIsTerminal() && !args.reveal;
  const bool bytes_wanted = args.raw || args.hex || args.base64;
  Document document;
  document.kind = "Ticket";
  if (bytes_wanted && !hidden) {
    document.layout = Layout::kText;
    if (args.raw) document.text = *ticket;
    if (args.hex) document.text = absl::StrCat(absl::BytesToHexString(*ticket), "\n");
    if (args.base64) document.text = absl::StrCat(absl::Base64Escape(*ticket), "\n");
    return CommandResult{std::move(document), {}};
  }
  if (hidden) {
    session.terminal().Note("the ticket is a secret and is not shown on a terminal; --reveal does");
  }
  document.fields = {{"id", TicketId(*ticket)},
                     {"bytes_b64", hidden ? Value() : Value(absl::Base64Escape(*ticket))}};
  document.rows = {Value(document.fields)};
  document.columns = {{"FINGERPRINT", "id"}};
  if (args.reveal) document.columns.push_back({"TICKET", "bytes_b64"});
  document.name = "id";
  return CommandResult{std::move(document), {}};
}

}  // namespace curator::cli
