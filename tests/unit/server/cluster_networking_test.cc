// UpdateNodeClusterNetworking, rule by rule of protocol section 4.
#include "server/nodes/cluster_networking.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tests/unit/server/decision_fixture.h"

namespace curatord {
namespace {

using testing::ElementsAre;
using testing_support::DecidedToWrite;
using testing_support::DecidedToWriteNothing;
using testing_support::kFailedPrecondition;
using testing_support::kInvalidArgument;
using testing_support::kNotFound;
using testing_support::Refused;
using testing_support::TestNode;

std::string WireGuardKey(char fill) { return absl::Base64Escape(std::string(32, fill)); }

class UpdateClusterNetworking : public testing_support::DecisionTest {
 protected:
  UpdateClusterNetworking() {
    node_.record.mutable_status()->set_external_address("10.1.2.3");
    Add(node_);
    Ask(WireGuardKey('a'), {});
  }
  void Ask(const std::string& key, const std::vector<std::string>& prefixes) {
    request_.mutable_clusternet()->Clear();
    request_.mutable_clusternet()->set_wireguard_pubkey(key);
    for (const std::string& prefix : prefixes) {
      request_.mutable_clusternet()->add_prefixes()->set_cidr(prefix);
    }
  }
  void AskPrefix(const std::string& prefix) { Ask(WireGuardKey('a'), {prefix}); }
  Operations Decide() { return DecideClusterNetworking(View(), node_.id(), request_); }
  std::vector<std::string> Prefixes() {
    std::vector<std::string> prefixes;
    const curator::storage::Node written = Written(Decide(), node_.id());
    for (const auto& prefix : written.clusternet().prefixes()) {
      prefixes.push_back(prefix.cidr());
    }
    return prefixes;
  }

  TestNode node_;
  metropolis::node::core::curator::proto::api::UpdateNodeClusterNetworkingRequest request_;
};

TEST_F(UpdateClusterNetworking, ReplacesTheWholeAndKeepsTheRestOfTheNode) {
  node_.record.mutable_clusternet()->add_prefixes()->set_cidr("10.192.0.0/24");
  Add(node_);
  Ask(WireGuardKey('a'), {"10.200.0.0/24", "10.1.2.3/32"});
  curator::storage::Node stored = Written(Decide(), node_.id());
  EXPECT_EQ(stored.clusternet().wireguard_pubkey(), WireGuardKey('a'));
  EXPECT_THAT(Prefixes(), ElementsAre("10.200.0.0/24", "10.1.2.3/32"));
  stored.clear_clusternet();
  stored.clear_labels();
  stored.clear_roles();
  node_.record.clear_clusternet();
  EXPECT_EQ(stored.SerializeAsString(), node_.record.SerializeAsString());
}

TEST_F(UpdateClusterNetworking, ThatChangesNothingWritesNothing) {
  Ask(WireGuardKey('a'), {"10.200.0.0/24"});
  Apply(*Decide());
  EXPECT_THAT(Decide(), DecidedToWriteNothing());
}

TEST_F(UpdateClusterNetworking, ComesAfterAFirstStatus) {
  node_.record.clear_status();
  Add(node_);
  EXPECT_THAT(Decide(), Refused(kFailedPrecondition));
}

TEST_F(UpdateClusterNetworking, OfADeletedNodeIsNotFound) {
  Apply({Operation::Delete(keys::Node(node_.id()))});
  EXPECT_THAT(Decide(), Refused(kNotFound));
}

TEST_F(UpdateClusterNetworking, NeedsClusternet) {
  request_.clear_clusternet();
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
}

TEST_F(UpdateClusterNetworking, NeedsAWireGuardKey) {
  const std::string key = WireGuardKey('a');
  for (const std::string& wrong :
       {std::string(), std::string("key"), key.substr(1), key + "=", key + "\n", " " + key,
        key.substr(0, key.size() - 1), absl::Base64Escape(std::string(31, 'a')),
        absl::Base64Escape(std::string(33, 'a')),
        absl::WebSafeBase64Escape(std::string(32, '\xff')), std::string(32, 'a'),
        std::string(1 << 20, 'A')}) {
    Ask(wrong, {});
    const Operations decided = Decide();
    EXPECT_THAT(decided, Refused(kInvalidArgument)) << wrong.substr(0, 60);
    EXPECT_LT(decided.status().message().size(), 500u);
  }
}

TEST_F(UpdateClusterNetworking, KeepsKeysUnique) {
  TestNode other;
  other.record.mutable_clusternet()->set_wireguard_pubkey(WireGuardKey('a'));
  Add(other);
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
  Ask(WireGuardKey('b'), {});
  Apply(*Decide());
  EXPECT_THAT(Decide(), DecidedToWriteNothing()) << "its own is no other's";
}

// Two who ask at once share a transaction.
TEST_F(UpdateClusterNetworking, KeepsKeysUniqueWithinATransaction) {
  TestNode other;
  other.record.mutable_status()->set_external_address("10.1.2.4");
  Add(other);
  DecisionView view = View();
  const Operations first = DecideClusterNetworking(view, other.id(), request_);
  ASSERT_THAT(first, DecidedToWrite());
  view.Overlay(*first);
  EXPECT_THAT(DecideClusterNetworking(view, node_.id(), request_), Refused(kInvalidArgument));
  view.Overlay({Operation::Delete(keys::Node(other.id()))});
  EXPECT_THAT(DecideClusterNetworking(view, node_.id(), request_), DecidedToWrite());
}

TEST_F(UpdateClusterNetworking, TakesPrefixesInsideTheClusterNetwork) {
  for (const char* prefix :
       {"10.192.0.0/11", "10.192.0.0/12", "10.223.255.255/32", "10.200.7.0/24", "10.192.0.0/32"}) {
    AskPrefix(prefix);
    EXPECT_THAT(Prefixes(), ElementsAre(prefix));
  }
  for (const char* prefix :
       {"10.192.0.0/10", "10.0.0.0/8", "0.0.0.0/0", "10.224.0.0/24", "10.191.255.0/24",
        "192.168.0.0/16", "fd00::/8", "::/0", "::ffff:10.200.0.0/120"}) {
    AskPrefix(prefix);
    EXPECT_THAT(Decide(), Refused(kInvalidArgument)) << prefix;
  }
}

TEST_F(UpdateClusterNetworking, TakesTheNodesOwnAddressAsASingleOne) {
  AskPrefix("10.1.2.3/32");
  EXPECT_THAT(Prefixes(), ElementsAre("10.1.2.3/32"));
  for (const char* prefix : {"10.1.2.4/32", "10.1.2.2/31", "10.1.2.0/24"}) {
    AskPrefix(prefix);
    EXPECT_THAT(Decide(), Refused(kInvalidArgument)) << prefix;
  }
  node_.record.mutable_status()->set_external_address("fd00:0::1:7");
  Add(node_);
  AskPrefix("fd00::0001:7/128");
  EXPECT_THAT(Prefixes(), ElementsAre("fd00::1:7/128"));
  AskPrefix("10.1.2.3/32");
  EXPECT_THAT(Decide(), Refused(kInvalidArgument)) << "it was its address once";
}

TEST_F(UpdateClusterNetworking, TakesCanonicalPrefixesOnly) {
  for (const char* prefix : {"10.200.0.1/24", "10.200.0.1/31", "10.200.128.0/16"}) {
    AskPrefix(prefix);
    EXPECT_THAT(Decide(), Refused(kInvalidArgument)) << prefix;
  }
}

TEST_F(UpdateClusterNetworking, TakesPrefixesOnly) {
  for (const std::string& prefix :
       {std::string(), std::string("10.200.0.0"), std::string("/24"), std::string("10.200.0.0/"),
        std::string("10.200.0.0/33"), std::string("10.200.0.0/-1"), std::string("10.200.0.0/024"),
        std::string("10.200.0.0/+24"), std::string("10.200.0.0/24 "), std::string("10.200.0/24"),
        std::string("10.200.0.00/24"), std::string("10.200.0.0/24/24"), std::string("zone/24"),
        std::string("10.200.0.0\0/24", 14), std::string("fd00::/129"), std::string("a%lo/128"),
        std::string(1 << 20, '1')}) {
    AskPrefix(prefix);
    const Operations decided = Decide();
    EXPECT_THAT(decided, Refused(kInvalidArgument)) << prefix.substr(0, 60);
    EXPECT_LT(decided.status().message().size(), 500u);
  }
}

TEST_F(UpdateClusterNetworking, IsAllValidOrAllRefused) {
  Ask(WireGuardKey('a'), {"10.200.0.0/24", "10.200.0.1/24"});
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
}

TEST_F(UpdateClusterNetworking, TakesAPrefixThatIsRepeatedForOne) {
  Ask(WireGuardKey('a'), {"10.200.0.0/24", "10.200.0.0/24"});
  EXPECT_THAT(Prefixes(), ElementsAre("10.200.0.0/24"));
}

TEST_F(UpdateClusterNetworking, RefusesMorePrefixesThanEveryNodeShouldBeSent) {
  std::vector<std::string> prefixes;
  for (int i = 0; i < kMaxClusterPrefixes; ++i)
    prefixes.push_back(absl::StrCat("10.200.", i, ".0/24"));
  Ask(WireGuardKey('a'), prefixes);
  EXPECT_THAT(Decide(), DecidedToWrite());
  prefixes.push_back("10.201.0.0/24");
  Ask(WireGuardKey('a'), prefixes);
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
}

}  // namespace
}  // namespace curatord
