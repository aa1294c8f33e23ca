// The register ticket as it is made, replaced and described.
#include "server/nodes/register_ticket.h"

#include <string>

#include "libclient/identity/key.h"
#include "tests/unit/server/decision_fixture.h"

namespace curatord {
namespace {

using curator::identity::Sha256;
using testing_support::DecidedToWrite;
using testing_support::DecidedToWriteNothing;
using testing_support::Refused;

class RegisterTicketTest : public testing_support::DecisionTest {
 protected:
  Operations Rotate(const std::string& replaces) {
    curator::v1::RotateRegisterTicketRequest request;
    request.set_replaces_sha256(Sha256(replaces));
    response_.Clear();
    return DecideTicketRotation(View(), request, now_, &response_);
  }
  void DeleteTicket() { Apply({Operation::Delete(std::string(keys::kRegisterTicket))}); }
  std::string Ticket() const { return View().Find(keys::kRegisterTicket).value_or(""); }

  const absl::Time now_ = absl::FromUnixSeconds(1700000000);
  curator::v1::RotateRegisterTicketResponse response_;
};

TEST_F(RegisterTicketTest, IsReplacedByAnotherOfTheSameForm) {
  const Operations decided = Rotate(cluster_.ticket);
  ASSERT_THAT(decided, DecidedToWrite());
  Apply(*decided);
  EXPECT_EQ(Ticket().size(), 34u);
  EXPECT_NE(Ticket(), cluster_.ticket);
  EXPECT_EQ(response_.ticket(), Ticket());
  EXPECT_TRUE(response_.replaced());
  EXPECT_EQ(response_.facts().sha256(), Sha256(Ticket()));
  EXPECT_EQ(response_.facts().since().seconds(), 1700000000);
}

TEST_F(RegisterTicketTest, IsLeftAloneOnceItIsAnother) {
  Apply(*Rotate(cluster_.ticket));
  const std::string standing = Ticket();
  EXPECT_THAT(Rotate(cluster_.ticket), DecidedToWriteNothing());
  EXPECT_FALSE(response_.replaced());
  EXPECT_EQ(response_.ticket(), standing);
  EXPECT_EQ(response_.facts().since().seconds(), 1700000000);
}

TEST_F(RegisterTicketTest, IsNamedByAWholeHash) {
  curator::v1::RotateRegisterTicketRequest request;
  EXPECT_THAT(DecideTicketRotation(View(), request, now_, &response_),
              Refused(testing_support::kInvalidArgument));
  request.set_replaces_sha256(Sha256(cluster_.ticket).substr(0, 8));
  EXPECT_THAT(DecideTicketRotation(View(), request, now_, &response_),
              Refused(testing_support::kInvalidArgument));
}

TEST_F(RegisterTicketTest, CannotBeReplacedBeforeThereIsOne) {
  DeleteTicket();
  EXPECT_THAT(Rotate(cluster_.ticket), Refused(testing_support::kNotFound));
  EXPECT_EQ(DescribeTicket(View()).status().code(), testing_support::kNotFound);
}

TEST_F(RegisterTicketTest, IsMadeOnFirstUseAndThenStands) {
  DeleteTicket();
  metropolis::proto::api::GetRegisterTicketResponse response;
  const Operations decided = DecideTicket(View(), now_, &response);
  ASSERT_THAT(decided, DecidedToWrite());
  Apply(*decided);
  EXPECT_EQ(response.ticket(), Ticket());
  EXPECT_EQ(DescribeTicket(View())->since().seconds(), 1700000000);
  EXPECT_THAT(DecideTicket(View(), now_ + absl::Hours(1), &response), DecidedToWriteNothing());
  EXPECT_EQ(response.ticket(), Ticket());
}

// Of another version, or by hand: nothing is said of since when it stands.
TEST_F(RegisterTicketTest, ThatSomebodyElsePutHasNoTime) {
  EXPECT_EQ(DescribeTicket(View())->sha256(), Sha256(cluster_.ticket));
  EXPECT_FALSE(DescribeTicket(View())->has_since());
  Apply(*Rotate(cluster_.ticket));
  EXPECT_TRUE(DescribeTicket(View())->has_since());
  Apply({Operation::Put(std::string(keys::kRegisterTicket), cluster_.ticket)});
  EXPECT_EQ(DescribeTicket(View())->sha256(), Sha256(cluster_.ticket));
  EXPECT_FALSE(DescribeTicket(View())->has_since());
}

}  // namespace
}  // namespace curatord
