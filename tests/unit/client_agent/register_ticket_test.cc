#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "curator/node_agent.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "metropolis/storage.pb.h"

namespace curator {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Ends in white space, which must not be taken for the file's.
std::string Ticket() {
  storage::RegisterTicket ticket;
  ticket.set_opaque(std::string(31, '\x80') + "\n");
  return ticket.SerializeAsString();
}

TEST(ParseRegisterTicket, AcceptsEveryForm) {
  const std::string raw = Ticket();
  ASSERT_EQ(raw.size(), 34u);
  const std::string hex = absl::BytesToHexString(raw);
  const std::string base64 = absl::Base64Escape(raw);
  for (const std::string& contents :
       {raw, hex, absl::AsciiStrToUpper(hex), absl::StrCat(" ", hex, "\r\n"), base64,
        absl::StrCat("\n", base64, "\n")}) {
    const absl::StatusOr<std::string> ticket = ParseRegisterTicket(contents);
    ASSERT_TRUE(ticket.ok()) << absl::CHexEscape(contents);
    EXPECT_EQ(*ticket, raw);
  }
}

TEST(ParseRegisterTicket, RefusesOtherContentsWithoutRepeatingThem) {
  for (const std::string& contents :
       {std::string(), std::string("secret"), Ticket().substr(1), Ticket() + "x",
        absl::BytesToHexString(Ticket()).substr(2), std::string(34, 'x')}) {
    const absl::Status status = ParseRegisterTicket(contents).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace curator
