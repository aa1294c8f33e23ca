// Which labels are valid, and UpdateNodeLabels, rule by rule of protocol section 4.
#include "server/nodes/node_labels.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/server/decision_fixture.h"

namespace curatord {
namespace {

using metropolis::proto::api::UpdateNodeLabelsRequest;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing_support::DecidedToWriteNothing;
using testing_support::kInvalidArgument;
using testing_support::kNotFound;
using testing_support::Refused;
using testing_support::TestNode;

std::string Letters(size_t length) { return std::string(length, 'a'); }

TEST(LabelRules, KeysFollowTheTable) {
  const std::string prefix_253 =
      absl::StrCat(Letters(63), ".", Letters(63), ".", Letters(63), ".", Letters(61));
  ASSERT_EQ(prefix_253.size(), 253u);
  for (const std::string& key :
       {std::string("a"), std::string("A"), std::string("7"), std::string("a.b_c-D9"), Letters(63),
        std::string("example.com/zone"), std::string("a/b"), std::string("3.a/b"),
        std::string("1a/b"), prefix_253 + "/" + Letters(63), Letters(63) + "/x"}) {
    EXPECT_EQ(LabelKeyFault(key), "") << key;
  }
  for (const std::string& key : {std::string(),
                                 std::string("-a"),
                                 std::string("a-"),
                                 std::string(".a"),
                                 std::string("a_"),
                                 std::string("a b"),
                                 std::string("a:b"),
                                 std::string("\xc3\xa4"),
                                 std::string("a\0b", 3),
                                 Letters(64),
                                 std::string("/a"),
                                 std::string("a/"),
                                 std::string("a/b/c"),
                                 std::string("Example.com/a"),
                                 std::string("ex_ample/a"),
                                 std::string("example./a"),
                                 std::string(".example/a"),
                                 std::string("a..b/c"),
                                 std::string("-a/b"),
                                 std::string("a-/b"),
                                 std::string("a.3/b"),
                                 std::string("3/b"),
                                 std::string("example.com/-a"),
                                 Letters(64) + "/x",
                                 prefix_253 + "a/x",
                                 std::string("example.com/") + Letters(64)}) {
    EXPECT_NE(LabelKeyFault(key), "") << key;
  }
}

TEST(LabelRules, ValuesFollowTheTableAndMayBeEmpty) {
  for (const std::string& value :
       {std::string(), std::string("a"), std::string("A.b_c-9"), Letters(63)}) {
    EXPECT_EQ(LabelValueFault(value), "") << value;
  }
  for (const std::string& value : {std::string("-a"), std::string("a-"), std::string("a/b"),
                                   std::string(" "), std::string("a\n"), Letters(64)}) {
    EXPECT_NE(LabelValueFault(value), "") << value;
  }
}

class UpdateNodeLabels : public testing_support::DecisionTest {
 protected:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  UpdateNodeLabels() {
    SetLabels({{"arch", "arm"}, {"zone", "a"}});
    request_.set_id(node_.id());
  }
  void SetLabels(const Labels& labels) {
    node_.record.clear_labels();
    for (const auto& [key, value] : labels) {
      auto* pair = node_.record.mutable_labels()->add_pairs();
      pair->set_key(key);
      pair->set_value(value);
    }
    Add(node_);
  }
  void Upsert(const std::string& key, const std::string& value) {
    auto* pair = request_.add_upsert();
    pair->set_key(key);
    pair->set_value(value);
  }
  Operations Decide() { return DecideLabels(View(), request_); }
  Labels Decided() {
    Labels labels;
    const curator::storage::Node written = Written(Decide(), node_.id());
    for (const auto& pair : written.labels().pairs()) {
      labels.emplace_back(pair.key(), pair.value());
    }
    return labels;
  }

  TestNode node_;
  UpdateNodeLabelsRequest request_;
};

TEST_F(UpdateNodeLabels, AddsReplacesAndDeletesAtOnce) {
  Upsert("zone", "b");
  Upsert("example.com/disk", "");
  request_.add_delete_("arch");
  EXPECT_THAT(Decided(), ElementsAre(Pair("example.com/disk", ""), Pair("zone", "b")));
}

TEST_F(UpdateNodeLabels, KeepsTheRestOfTheNode) {
  node_.record.set_cluster_unlock_key("unlock");
  node_.record.mutable_roles()->mutable_kubernetes_worker();
  Add(node_);
  request_.add_delete_("arch");
  request_.add_delete_("zone");
  curator::storage::Node stored = Written(Decide(), node_.id());
  EXPECT_THAT(stored.labels().pairs(), IsEmpty());
  stored.clear_labels();
  node_.record.clear_labels();
  EXPECT_EQ(stored.SerializeAsString(), node_.record.SerializeAsString());
}

TEST_F(UpdateNodeLabels, TakesTheNodesKeyForTheNodeAsWell) {
  request_.set_pubkey(node_.public_key());
  Upsert("zone", "b");
  EXPECT_THAT(Decided(), ElementsAre(Pair("arch", "arm"), Pair("zone", "b")));
}

TEST_F(UpdateNodeLabels, ThatChangeNothingWriteNothing) {
  EXPECT_THAT(Decide(), DecidedToWriteNothing());
  Upsert("zone", "a");
  request_.add_delete_("absent");
  EXPECT_THAT(Decide(), DecidedToWriteNothing());
}

TEST_F(UpdateNodeLabels, NeedsToBeToldWhichNode) {
  request_.clear_node();
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
  for (const char* id : {"", "a/b", "/"}) {
    request_.set_id(id);
    EXPECT_THAT(Decide(), Refused(kInvalidArgument)) << id;
  }
  for (size_t size : {0, 31, 33}) {
    request_.set_pubkey(std::string(size, 'k'));
    EXPECT_THAT(Decide(), Refused(kInvalidArgument)) << size;
  }
}

TEST_F(UpdateNodeLabels, OfAnUnknownNodeIsNotFound) {
  request_.set_id(TestNode().id());
  EXPECT_THAT(Decide(), Refused(kNotFound));
  request_.set_pubkey(TestNode().public_key());
  EXPECT_THAT(Decide(), Refused(kNotFound));
  std::string other_key_of_the_same_id = node_.public_key();
  other_key_of_the_same_id.back() ^= 1;
  request_.set_pubkey(other_key_of_the_same_id);
  EXPECT_THAT(Decide(), Refused(kNotFound));
}

TEST_F(UpdateNodeLabels, ChecksTheSyntaxBeforeItLooksForTheNode) {
  request_.set_id(TestNode().id());
  Upsert("-a", "");
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
}

TEST_F(UpdateNodeLabels, AreAllValidOrAllRefused) {
  const UpdateNodeLabelsRequest valid = request_;
  Upsert("good", "yes");
  Upsert("bad key", "yes");
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
  request_ = valid;
  Upsert("good", "yes");
  Upsert("bad-value", "no/slash");
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
  request_ = valid;
  Upsert("good", "yes");
  request_.add_delete_("");
  EXPECT_THAT(Decide(), Refused(kInvalidArgument));
}

TEST_F(UpdateNodeLabels, RefusesAKeyThatIsNamedTwice) {
  const UpdateNodeLabelsRequest valid = request_;
  Upsert("zone", "b");
  Upsert("zone", "b");
  EXPECT_THAT(Decide(), Refused(kInvalidArgument)) << "repeated";
  request_ = valid;
  request_.add_delete_("zone");
  request_.add_delete_("zone");
  EXPECT_THAT(Decide(), Refused(kInvalidArgument)) << "deleted twice";
  request_ = valid;
  Upsert("zone", "b");
  request_.add_delete_("zone");
  EXPECT_THAT(Decide(), Refused(kInvalidArgument)) << "conflicting";
}

TEST_F(UpdateNodeLabels, CountsTheLabelsThatResult) {
  Labels full;
  for (int i = 0; i < kMaxLabels; ++i) full.emplace_back(absl::StrCat("l", i), "");
  SetLabels(full);
  Upsert("one-more", "");
  EXPECT_THAT(Decide(), Refused(absl::StatusCode::kOutOfRange));
  request_.add_delete_("l0");
  EXPECT_EQ(Decided().size(), static_cast<size_t>(kMaxLabels));
  request_.clear_delete_();
  request_.clear_upsert();
  Upsert("l0", "replaced");
  EXPECT_EQ(Decided().size(), static_cast<size_t>(kMaxLabels));
}

// An error travels in headers, which have room for a few kilobytes.
TEST_F(UpdateNodeLabels, QuoteLittleOfWhatIsTooLong) {
  Upsert(std::string(1 << 20, 'k'), "");
  const Operations key = Decide();
  EXPECT_THAT(key, Refused(kInvalidArgument));
  EXPECT_LT(key.status().message().size(), 300u);
  request_.clear_upsert();
  request_.set_id(std::string(1 << 20, '\x01'));
  const Operations id = Decide();
  EXPECT_THAT(id, Refused(kNotFound));
  EXPECT_LT(id.status().message().size(), 500u);
}

}  // namespace
}  // namespace curatord
