#include "curator/register_ticket.h"

#include <fstream>
#include <iostream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "curator/error.h"

namespace curator {
namespace {

constexpr size_t kTicketSize = 34;  // a serialized RegisterTicket: tag, length, 32 bytes

bool IsTicket(absl::string_view bytes) {
  return bytes.size() == kTicketSize && bytes[0] == 0x0a && bytes[1] == 0x20;
}

bool IsHex(absl::string_view text) {
  for (unsigned char c : text) {
    if (!absl::ascii_isxdigit(c)) return false;
  }
  return true;
}

absl::Status TicketError(ErrorCode code, std::string message, std::string cause) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  error.cause = std::move(cause);
  error.hints = {"write the ticket anew: curatorctl ticket show --raw > FILE"};
  return MakeError(error);
}

}  // namespace

absl::StatusOr<std::string> ParseRegisterTicket(absl::string_view contents) {
  if (IsTicket(contents)) return std::string(contents);
  const absl::string_view text = absl::StripAsciiWhitespace(contents);
  if (text.size() == 2 * kTicketSize && IsHex(text)) {
    if (std::string bytes = absl::HexStringToBytes(text); IsTicket(bytes)) return bytes;
  }
  std::string bytes;
  if (absl::Base64Unescape(text, &bytes) && IsTicket(bytes)) return bytes;
  return TicketError(ErrorCode::kInvalidArgument, "this is no register ticket",
                     absl::StrCat("it has ", contents.size(),
                                  " bytes; a ticket has 34, or those in hex or base64"));
}

absl::StatusOr<std::string> ReadRegisterTicket(const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& input = path == "-" ? std::cin : file;
  std::string contents((std::istreambuf_iterator<char>(input)), std::istreambuf_iterator<char>());
  if (!input.good() && !input.eof()) {
    return TicketError(ErrorCode::kNotFound, absl::StrCat("cannot read the ticket file ", path),
                       "it does not exist, or may not be read");
  }
  absl::StatusOr<std::string> ticket = ParseRegisterTicket(contents);
  if (ticket.ok()) return ticket;
  return TicketError(ErrorCode::kInvalidArgument,
                     absl::StrCat("ticket file ", path, " holds no register ticket"),
                     DescribeError(ticket.status()).cause);
}

}  // namespace curator
