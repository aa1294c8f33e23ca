// RegisterNode, rule by rule in the order of protocol section 4.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libclient/identity/node_id.h"
#include "tests/unit/server/decision_fixture.h"

namespace curatord {
namespace {

using metropolis::proto::common::ClusterConfiguration;
using testing::HasSubstr;
using testing_support::AdmitAll;
using testing_support::DecidedToWrite;
using testing_support::DecidedToWriteNothing;
using testing_support::Refused;
using testing_support::TestNode;
namespace common = metropolis::proto::common;

using testing_support::kFailedPrecondition;
using testing_support::kInvalidArgument;
using testing_support::kPermissionDenied;
using testing_support::kUnauthenticated;

class RegisterNode : public testing_support::DecisionTest {
 protected:
  RegisterNode() : node_(common::NODE_STATE_NEW) {
    request_.set_register_ticket(cluster_.ticket);
    request_.set_join_key(node_.join_key.public_key());
  }
  Operations Decide() { return Decide(node_.public_key()); }
  Operations Decide(const std::string& public_key) {
    return DecideRegister(View(), public_key, request_, AdmitAll, &response_);
  }

  TestNode node_;
  curator_api::RegisterNodeRequest request_;
  curator_api::RegisterNodeResponse response_;
};

TEST_F(RegisterNode, CreatesANewNodeAndItsJoinKey) {
  const Operations decided = Decide();
  ASSERT_THAT(decided, DecidedToWrite());
  const curator::storage::Node stored = Written(decided, node_.id());
  EXPECT_EQ(stored.id(), curator::identity::NodeIdFromPublicKey(node_.public_key()));
  EXPECT_EQ(stored.public_key(), node_.public_key());
  EXPECT_EQ(stored.join_key(), node_.join_key.public_key());
  EXPECT_EQ(stored.fsm_state(), common::NODE_STATE_NEW);
  EXPECT_TRUE(stored.has_roles());
  EXPECT_FALSE(stored.has_status());
  EXPECT_TRUE(stored.cluster_unlock_key().empty());
  ASSERT_EQ(decided->size(), 2u);
  EXPECT_EQ((*decided)[1].key, keys::JoinKey(node_.join_key.public_key()));
  EXPECT_EQ((*decided)[1].value, node_.id());
  EXPECT_EQ(response_.cluster_configuration().cluster_domain(), "cluster.internal");
}

// Each request is wrong in this and in every later respect: the earliest counts.
TEST_F(RegisterNode, ChecksInTheOrderOfTheProtocol) {
  cluster_.configuration.set_tpm_mode(ClusterConfiguration::TPM_MODE_REQUIRED);
  Reconfigure();
  TestNode known(common::NODE_STATE_UP);
  Add(known);
  request_.set_join_key("short");
  request_.set_register_ticket("wrong");
  EXPECT_THAT(Decide(""), Refused(kUnauthenticated));
  EXPECT_THAT(Decide(known.public_key()), Refused(kInvalidArgument));
  request_.set_join_key(known.join_key.public_key());
  EXPECT_THAT(Decide(known.public_key()), Refused(kPermissionDenied));
  EXPECT_THAT(std::string(Decide(known.public_key()).status().message()), HasSubstr("ticket"));
  request_.set_register_ticket(cluster_.ticket);
  EXPECT_THAT(Decide(known.public_key()), Refused(kPermissionDenied));
  EXPECT_THAT(std::string(Decide(known.public_key()).status().message()), HasSubstr("TPM"));
  request_.set_have_local_tpm(true);
  EXPECT_THAT(Decide(known.public_key()), Refused(kFailedPrecondition));
}

TEST_F(RegisterNode, TakesTheTicketAsAWholeOnly) {
  const std::string ticket = cluster_.ticket;
  for (const std::string& wrong :
       {std::string(), ticket.substr(2), ticket.substr(0, 33), ticket + "x",
        ticket.substr(0, 33) + static_cast<char>(ticket.back() ^ 1)}) {
    request_.set_register_ticket(wrong);
    EXPECT_THAT(Decide(), Refused(kPermissionDenied)) << wrong.size();
  }
}

TEST_F(RegisterNode, RefusesAnyTicketWhileTheClusterHasNone) {
  Apply({Operation::Delete(std::string(keys::kRegisterTicket))});
  EXPECT_THAT(Decide(), Refused(kPermissionDenied));
  request_.clear_register_ticket();
  EXPECT_THAT(Decide(), Refused(kPermissionDenied));
}

TEST_F(RegisterNode, RefusesJoinKeysOfAnotherSize) {
  for (size_t size : {0u, 31u, 33u, 64u}) {
    request_.set_join_key(std::string(size, 'k'));
    EXPECT_THAT(Decide(), Refused(kInvalidArgument)) << size;
  }
}

TEST_F(RegisterNode, RefusesTheJoinKeyOfAnotherNode) {
  const TestNode other(common::NODE_STATE_UP);
  Add(other);
  request_.set_join_key(other.join_key.public_key());
  EXPECT_THAT(Decide(), Refused(kFailedPrecondition));
}

TEST_F(RegisterNode, OfANodeThatIsNewAlreadyAnswersInFullAndChangesNothing) {
  node_.record.set_tpm_usage(common::NODE_TPM_USAGE_PRESENT_AND_USED);
  Add(node_);
  EXPECT_THAT(Decide(), DecidedToWriteNothing());
  EXPECT_EQ(response_.cluster_configuration().SerializeAsString(),
            cluster_.configuration.SerializeAsString());
  EXPECT_EQ(response_.tpm_usage(), common::NODE_TPM_USAGE_PRESENT_AND_USED);
  EXPECT_EQ(response_.recommended_node_storage_security(),
            common::NODE_STORAGE_SECURITY_AUTHENTICATED_ENCRYPTED);
}

TEST_F(RegisterNode, OfAKnownNodeInAnotherStateNamesTheState) {
  const std::vector<std::pair<common::NodeState, std::string>> states = {
      {common::NODE_STATE_STANDBY, "STANDBY"},
      {common::NODE_STATE_UP, "UP"},
      {common::NODE_STATE_DECOMMISSIONED, "DECOMMISSIONED"}};
  for (const auto& [state, name] : states) {
    node_.record.set_fsm_state(state);
    Add(node_);
    const Operations decided = Decide();
    EXPECT_THAT(decided, Refused(kFailedPrecondition));
    EXPECT_THAT(std::string(decided.status().message()), HasSubstr(name));
  }
}

TEST_F(RegisterNode, SeesNodesThatEarlierDecisionsOfItsTransactionCreate) {
  DecisionView view = View();
  const Operations first = DecideRegister(view, node_.public_key(), request_, AdmitAll, &response_);
  ASSERT_THAT(first, DecidedToWrite());
  view.Overlay(*first);
  EXPECT_THAT(DecideRegister(view, node_.public_key(), request_, AdmitAll, &response_),
              DecidedToWriteNothing());
  const TestNode other(common::NODE_STATE_NEW);
  EXPECT_THAT(DecideRegister(view, other.public_key(), request_, AdmitAll, &response_),
              Refused(kFailedPrecondition));  // the same join key
}

TEST_F(RegisterNode, DecidesHowTheTpmIsUsed) {
  struct Case {
    ClusterConfiguration::TPMMode mode;
    bool have_tpm;
    common::NodeTPMUsage usage;
  };
  const Case cases[] = {
      {ClusterConfiguration::TPM_MODE_REQUIRED, true, common::NODE_TPM_USAGE_PRESENT_AND_USED},
      {ClusterConfiguration::TPM_MODE_BEST_EFFORT, true, common::NODE_TPM_USAGE_PRESENT_AND_USED},
      {ClusterConfiguration::TPM_MODE_BEST_EFFORT, false, common::NODE_TPM_USAGE_NOT_PRESENT},
      {ClusterConfiguration::TPM_MODE_DISABLED, true, common::NODE_TPM_USAGE_PRESENT_BUT_UNUSED},
      {ClusterConfiguration::TPM_MODE_DISABLED, false, common::NODE_TPM_USAGE_NOT_PRESENT},
  };
  for (const Case& c : cases) {
    cluster_.configuration.set_tpm_mode(c.mode);
    Reconfigure();
    request_.set_have_local_tpm(c.have_tpm);
    const Operations decided = Decide();
    EXPECT_EQ(response_.tpm_usage(), c.usage);
    EXPECT_EQ(Written(decided, node_.id()).tpm_usage(), c.usage);
  }
}

TEST_F(RegisterNode, RecommendsStorageByThePolicy) {
  const std::vector<
      std::pair<ClusterConfiguration::StorageSecurityPolicy, common::NodeStorageSecurity>>
      cases = {
          {ClusterConfiguration::STORAGE_SECURITY_POLICY_PERMISSIVE,
           common::NODE_STORAGE_SECURITY_AUTHENTICATED_ENCRYPTED},
          {ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION,
           common::NODE_STORAGE_SECURITY_ENCRYPTED},
          {ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION_AND_AUTHENTICATION,
           common::NODE_STORAGE_SECURITY_AUTHENTICATED_ENCRYPTED},
          {ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_INSECURE,
           common::NODE_STORAGE_SECURITY_INSECURE},
      };
  for (const auto& [policy, recommended] : cases) {
    cluster_.configuration.set_storage_security_policy(policy);
    Reconfigure();
    ASSERT_THAT(Decide(), DecidedToWrite());
    EXPECT_EQ(response_.recommended_node_storage_security(), recommended);
  }
}

TEST_F(RegisterNode, WithoutAStoredConfigurationGoesByTheDefaults) {
  Apply({Operation::Delete(std::string(keys::kClusterConfiguration))});
  EXPECT_THAT(Decide(), Refused(kPermissionDenied));  // TPM REQUIRED
  request_.set_have_local_tpm(true);
  ASSERT_THAT(Decide(), DecidedToWrite());
  EXPECT_EQ(response_.cluster_configuration().cluster_domain(), "cluster.internal");
  EXPECT_EQ(response_.cluster_configuration().tpm_mode(), ClusterConfiguration::TPM_MODE_REQUIRED);
  EXPECT_EQ(response_.cluster_configuration().storage_security_policy(),
            ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION_AND_AUTHENTICATION);
}

TEST_F(RegisterNode, DropsInvalidAndRepeatedLabels) {
  auto add = [this](const std::string& key, const std::string& value) {
    auto* pair = request_.mutable_labels()->add_pairs();
    pair->set_key(key);
    pair->set_value(value);
  };
  add("zone", "a");
  add("zone", "b");
  add("-bad", "x");
  add("bad-value", "-");
  add("empty", "");
  const auto labels = Written(Decide(), node_.id()).labels();
  ASSERT_EQ(labels.pairs_size(), 2);
  EXPECT_EQ(labels.pairs(0).key(), "zone");
  EXPECT_EQ(labels.pairs(0).value(), "a");
  EXPECT_EQ(labels.pairs(1).key(), "empty");
}

TEST_F(RegisterNode, LooksAtTheFirst128LabelsOnly) {
  for (int i = 0; i < 10; ++i) request_.mutable_labels()->add_pairs()->set_key("-bad");
  for (int i = 0; i < 200; ++i) {
    request_.mutable_labels()->add_pairs()->set_key(absl::StrCat("k", i));
  }
  const auto labels = Written(Decide(), node_.id()).labels();
  EXPECT_EQ(labels.pairs_size(), 118);
  EXPECT_EQ(labels.pairs(117).key(), "k117");
}

}  // namespace
}  // namespace curatord
