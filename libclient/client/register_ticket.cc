#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "curator/node_agent.h"
#include "metropolis/storage.pb.h"

namespace curator {
namespace {

constexpr size_t kSerializedSize = 34;
constexpr size_t kOpaqueSize = 32;

bool IsTicket(absl::string_view bytes) {
  storage::RegisterTicket ticket;
  return bytes.size() == kSerializedSize &&
         ticket.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) &&
         ticket.opaque().size() == kOpaqueSize;
}

}  // namespace

absl::StatusOr<std::string> ParseRegisterTicket(absl::string_view contents) {
  // A raw ticket begins with a line feed: it is looked for before white space is.
  if (IsTicket(contents)) return std::string(contents);
  const absl::string_view text = absl::StripAsciiWhitespace(contents);
  if (text.size() == 2 * kSerializedSize &&
      text.find_first_not_of("0123456789abcdefABCDEF") == absl::string_view::npos) {
    std::string bytes = absl::HexStringToBytes(text);
    if (IsTicket(bytes)) return bytes;
  }
  std::string bytes;
  if (absl::Base64Unescape(text, &bytes) && IsTicket(bytes)) return bytes;
  // No part of the contents: they may be secret.
  return absl::InvalidArgumentError(
      absl::StrCat("these ", contents.size(), " bytes are no register ticket: expected ",
                   kSerializedSize, " bytes, raw, in hex or in base64"));
}

}  // namespace curator
