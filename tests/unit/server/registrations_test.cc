// How many nodes may register, on a clock of the test's own.
#include "server/leader/registrations.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libclient/core/error_info.h"
#include "tests/unit/server/decision_fixture.h"
#include "tests/unit/server/leadership_fixture.h"

namespace curatord {
namespace {

using testing_support::Refused;
using testing_support::TestNode;

namespace common = metropolis::proto::common;
constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;

class RegistrationsTest : public testing_support::DecisionTest {
 protected:
  RegistrationsTest() {
    limits_.new_nodes = 5;
    limits_.registration_burst = 3;
    limits_.registrations_per_second = 2;
  }
  absl::Status Admit() { return Admit(View()); }
  absl::Status Admit(const DecisionView& view) { return registrations().Begin()->Admit(view); }
  // As a request that decides to register `node` with `ticket`.
  Operations Register(const TestNode& node, const std::string& ticket) {
    curator_api::RegisterNodeRequest request;
    request.set_register_ticket(ticket);
    request.set_join_key(node.join_key.public_key());
    curator_api::RegisterNodeResponse response;
    return DecideRegister(
        View(), node.public_key(), request,
        [this](const DecisionView& view) { return Admit(view); }, &response);
  }
  Registrations& registrations() {
    if (!registrations_.has_value()) registrations_.emplace(limits_, [this] { return now_; });
    return *registrations_;
  }
  void AddNew(int count) {
    for (int i = 0; i < count; ++i) Add(TestNode(common::NODE_STATE_NEW));
  }

  Limits limits_;
  absl::Duration now_ = absl::Hours(1);
  absl::optional<Registrations> registrations_;
};

TEST_F(RegistrationsTest, TakeABurstThenSoManyASecond) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Admit().ok());
  const absl::Status refused = Admit();
  EXPECT_EQ(refused.code(), kExhausted);
  EXPECT_EQ(testing_support::ReasonOf(refused), curator::core::kReasonRegistrationRate);
  now_ += absl::Milliseconds(499);
  EXPECT_EQ(Admit().code(), kExhausted);
  now_ += absl::Milliseconds(2);
  EXPECT_TRUE(Admit().ok());
  EXPECT_EQ(Admit().code(), kExhausted);
  now_ += absl::Hours(1);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Admit().ok());
  EXPECT_EQ(Admit().code(), kExhausted);
}

TEST_F(RegistrationsTest, CountARequestOnceHoweverOftenItIsDecided) {
  const auto request = registrations().Begin();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(request->Admit(View()).ok());
  EXPECT_TRUE(Admit().ok());
  EXPECT_TRUE(Admit().ok());
  EXPECT_EQ(Admit().code(), kExhausted);
}

TEST_F(RegistrationsTest, EndWhenAsManyWaitAsMay) {
  AddNew(5);
  const absl::Status refused = Admit();
  EXPECT_EQ(refused.code(), kExhausted);
  EXPECT_EQ(testing_support::ReasonOf(refused), curator::core::kReasonTooManyNewNodes);
}

TEST_F(RegistrationsTest, GoOnOnceSomeAreApprovedOrDeleted) {
  AddNew(3);
  TestNode one(common::NODE_STATE_NEW), two(common::NODE_STATE_NEW);
  Add(one);
  Add(two);
  EXPECT_EQ(Admit().code(), kExhausted);
  one.record.set_fsm_state(common::NODE_STATE_STANDBY);
  Add(one);
  EXPECT_TRUE(Admit().ok());
  Add(TestNode(common::NODE_STATE_NEW));
  EXPECT_EQ(Admit().code(), kExhausted);
  Apply({Operation::Delete(keys::Node(two.id()))});
  EXPECT_TRUE(Admit().ok());
}

// What earlier decisions of the same transaction are about to write counts.
TEST_F(RegistrationsTest, CountWhatIsNotWrittenYet) {
  AddNew(4);
  DecisionView view = View();
  EXPECT_TRUE(Admit(view).ok());
  const TestNode node(common::NODE_STATE_NEW);
  view.Overlay({PutNode(node.record)});
  view.Overlay({PutNode(node.record)});  // as it was
  EXPECT_EQ(Admit(view).code(), kExhausted);
  view.Overlay({Operation::Delete(keys::Node(node.id()))});
  EXPECT_TRUE(Admit(view).ok());
}

TEST_F(RegistrationsTest, WithAWrongTicketCostNobodyAnything) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(Register(TestNode(), "wrong"), Refused(testing_support::kPermissionDenied));
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Register(TestNode(), cluster_.ticket).ok());
  }
  EXPECT_THAT(Register(TestNode(), cluster_.ticket), Refused(kExhausted));
}

TEST_F(RegistrationsTest, OfANodeThatIsNewAlreadyAlwaysSucceed) {
  const TestNode waiting(common::NODE_STATE_NEW);
  Add(waiting);
  AddNew(4);
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(Register(waiting, cluster_.ticket).ok());
  }
}

}  // namespace
}  // namespace curatord
