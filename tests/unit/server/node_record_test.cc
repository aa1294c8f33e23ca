#include "server/nodes/node_record.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "metropolis/curator.pb.h"
#include "metropolis/management.pb.h"
#include "server/store/keys.h"
#include "tests/support/test_cluster.h"

namespace curatord {
namespace {

using testing_support::TestNode;
namespace common = metropolis::proto::common;

void AddLabel(curator::storage::Node* node, const std::string& key, const std::string& value) {
  auto* pair = node->mutable_labels()->add_pairs();
  pair->set_key(key);
  pair->set_value(value);
}

metropolis::proto::api::Node ToManagementNode(const NodeRecord& record) {
  std::string bytes;
  AppendManagementNode(
      record, [](int) { return true; }, &bytes);
  metropolis::proto::api::Node node;
  EXPECT_TRUE(node.ParseFromString(bytes));
  return node;
}

metropolis::node::core::curator::proto::api::Node ToWatchNode(const NodeRecord& record) {
  std::string bytes;
  AppendWatchNode(record, &bytes);
  metropolis::node::core::curator::proto::api::Node node;
  EXPECT_TRUE(node.ParseFromString(bytes));
  return node;
}

class NodeRecordTest : public testing::Test {
 protected:
  absl::StatusOr<NodeRecord> Parse() { return Parse(keys::Node(node_.id())); }
  absl::StatusOr<NodeRecord> Parse(const std::string& key) {
    return ParseNodeRecord(key, node_.record.SerializeAsString(), 17);
  }

  TestNode node_;
  const std::string id_ = node_.id();
};

TEST_F(NodeRecordTest, IsWhatItsKeyNames) {
  auto record = Parse();
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->id, id_);
  EXPECT_EQ(record->Parse().public_key(), node_.public_key());
  EXPECT_EQ(record->mod_revision, 17);
}

TEST_F(NodeRecordTest, OfAnOldCuratorHasNoIdInIt) {
  node_.record.clear_id();
  auto record = Parse(keys::Node(id_));
  ASSERT_TRUE(record.ok()) << record.status();
  EXPECT_EQ(record->id, id_);
  EXPECT_EQ(record->Parse().id(), id_);
}

TEST_F(NodeRecordTest, OfAnotherNodeIsRefused) {
  const TestNode other;
  EXPECT_FALSE(Parse(keys::Node(other.id())).ok());
  node_.record.clear_id();
  EXPECT_FALSE(Parse(keys::Node(other.id())).ok());
  node_.record.set_id(other.id());
  EXPECT_FALSE(Parse(keys::Node(id_)).ok());
  node_.record.set_id(id_);
  node_.record.set_public_key(other.public_key());
  EXPECT_FALSE(Parse(keys::Node(id_)).ok());
  node_.record.clear_public_key();
  EXPECT_FALSE(Parse(keys::Node(id_)).ok());
  node_.record.set_public_key(node_.public_key().substr(0, 16));
  EXPECT_FALSE(Parse(keys::Node(id_)).ok());
}

TEST_F(NodeRecordTest, NeedsTheKeyOfANode) {
  EXPECT_FALSE(Parse("/nodes/").ok());
  EXPECT_FALSE(Parse(id_).ok());
  EXPECT_FALSE(Parse("/join_keys/" + id_).ok());
  EXPECT_FALSE(Parse(keys::Node(id_) + "/x").ok());
}

TEST_F(NodeRecordTest, ThatDoesNotParseIsRefused) {
  EXPECT_FALSE(ParseNodeRecord(keys::Node(id_), "\xff\xff garbage", 1).ok());
  EXPECT_FALSE(ParseNodeRecord(keys::Node(id_), "", 1).ok());
}

TEST_F(NodeRecordTest, AlwaysHasRolesAndLabels) {
  node_.record.clear_roles();
  node_.record.clear_labels();
  auto record = Parse();
  ASSERT_TRUE(record.ok());
  EXPECT_TRUE(record->Parse().has_roles());
  EXPECT_TRUE(ToWatchNode(*record).has_roles());
  EXPECT_TRUE(ToWatchNode(*record).has_labels());
  EXPECT_TRUE(ToManagementNode(*record).has_roles());
  EXPECT_TRUE(ToManagementNode(*record).has_labels());
  curator::storage::Node stored;
  ASSERT_TRUE(stored.ParseFromString(SerializeNode(node_.record)));
  EXPECT_TRUE(stored.has_roles());
}

TEST_F(NodeRecordTest, DropsInvalidLabelsKeepsTheFirstOfAKeyAndSorts) {
  AddLabel(&node_.record, "zone", "z");
  AddLabel(&node_.record, "-bad", "x");
  AddLabel(&node_.record, "arch", "-bad");
  AddLabel(&node_.record, "disk", "");
  AddLabel(&node_.record, "zone", "second");
  AddLabel(&node_.record, "Arch", "x");
  auto record = Parse();
  ASSERT_TRUE(record.ok());
  std::string labels;
  const curator::storage::Node node = record->Parse();
  for (const auto& pair : node.labels().pairs()) {
    absl::StrAppend(&labels, pair.key(), "=", pair.value(), " ");
  }
  EXPECT_EQ(labels, "Arch=x disk= zone=z ");
}

TEST_F(NodeRecordTest, ShowsRolesToOperatorsByPresenceAndToWatchersInFull) {
  auto* roles = node_.record.mutable_roles();
  roles->mutable_consensus_member()->set_ca_certificate("ca");
  roles->mutable_consensus_member()->add_peers()->set_name("peer");
  roles->mutable_kubernetes_worker();
  auto record = Parse();
  ASSERT_TRUE(record.ok());
  const auto listed = ToManagementNode(*record);
  EXPECT_TRUE(listed.roles().has_consensus_member());
  EXPECT_TRUE(listed.roles().consensus_member().SerializeAsString().empty());
  EXPECT_TRUE(listed.roles().has_kubernetes_worker());
  EXPECT_FALSE(listed.roles().has_kubernetes_controller());
  const auto watched = ToWatchNode(*record);
  EXPECT_EQ(watched.roles().consensus_member().ca_certificate(), "ca");
  EXPECT_EQ(watched.roles().consensus_member().peers(0).name(), "peer");
}

TEST_F(NodeRecordTest, ShowsNoSecret) {
  node_.record.set_cluster_unlock_key("unlock-secret");
  node_.record.mutable_status()->set_external_address("10.0.0.1");
  node_.record.mutable_clusternet()->set_wireguard_pubkey("wg");
  auto record = Parse();
  ASSERT_TRUE(record.ok());
  const auto listed = ToManagementNode(*record);
  const auto watched = ToWatchNode(*record);
  EXPECT_EQ(listed.SerializeAsString().find("unlock-secret"), std::string::npos);
  EXPECT_EQ(watched.SerializeAsString().find("unlock-secret"), std::string::npos);
  EXPECT_EQ(listed.status().external_address(), "10.0.0.1");
  EXPECT_EQ(listed.pubkey(), node_.public_key());
  EXPECT_EQ(listed.state(), common::NODE_STATE_UP);
  EXPECT_EQ(listed.tpm_usage(), common::NODE_TPM_USAGE_NOT_PRESENT);
  EXPECT_EQ(watched.id(), id_);
  EXPECT_EQ(watched.state(), common::NODE_STATE_UP);
  EXPECT_EQ(watched.clusternet().wireguard_pubkey(), "wg");
}

TEST_F(NodeRecordTest, LeavesOutOfAListingWhatIsNotWanted) {
  AddLabel(&node_.record, "zone", "z");
  auto record = Parse();
  ASSERT_TRUE(record.ok());
  using Listed = metropolis::proto::api::Node;
  std::string bytes;
  AppendManagementNode(
      *record, [](int number) { return number == Listed::kLabelsFieldNumber; }, &bytes);
  Listed expected;
  *expected.mutable_labels() = ToManagementNode(*record).labels();
  EXPECT_EQ(bytes, expected.SerializeAsString());
}

}  // namespace
}  // namespace curatord
