#include "libclient/core/leader_view.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace curator::core {
namespace {

LeaderView::Statement Leads(const std::string& node, int64_t term = 0) {
  return {node, node, "", term};
}
LeaderView::Statement Follows(const std::string& node, const std::string& leader) {
  return {node, leader, "10.0.0.9:7835", 0};
}

TEST(LeaderView, BelievesOnlyWhatAnEndpointSaysOfItself) {
  LeaderView view;
  view.OnStatement("a", Follows("na", "nb"));
  EXPECT_FALSE(view.believed_leader().has_value());
  view.OnStatement("b", Follows("nb", "na"));
  EXPECT_FALSE(view.believed_leader().has_value());
  view.OnStatement("b", Leads("nb"));
  EXPECT_EQ(view.believed_leader(), "b");
}

TEST(LeaderView, PrefersTheHigherTermWhateverTheOrder) {
  LeaderView view;
  view.OnStatement("new", Leads("n2", 20));
  view.OnStatement("old", Leads("n1", 10));
  EXPECT_EQ(view.believed_leader(), "new");
  view.OnConfirmed("old");
  EXPECT_EQ(view.believed_leader(), "new");
}

TEST(LeaderView, PrefersTheClaimThatIsProvedWhateverTheTerm) {
  LeaderView view;
  LeaderView::Statement proved = Leads("n1", 10);
  proved.proof = LeaderView::Proof::kValid;
  view.OnStatement("rogue", Leads("n2", int64_t{1} << 62));
  EXPECT_EQ(view.believed_leader(), "rogue");
  view.OnStatement("leader", proved);
  EXPECT_EQ(view.believed_leader(), "leader");
  view.OnStatement("existing", Leads("n3"));
  EXPECT_EQ(view.believed_leader(), "leader");
  proved.node_id = proved.leader_id = "n4";
  proved.term = 11;
  view.OnStatement("next", proved);
  EXPECT_EQ(view.believed_leader(), "next");
  EXPECT_TRUE(view.CheckInvariants().ok()) << view.CheckInvariants();
}

TEST(LeaderView, WithoutTermsTheLaterClaimWins) {
  LeaderView view;
  view.OnStatement("z", Leads("n1"));
  view.OnStatement("a", Leads("n2"));
  EXPECT_EQ(view.believed_leader(), "a");
  view.OnStatement("z", Leads("n1"));  // the same claim again is no news
  EXPECT_EQ(view.believed_leader(), "a");
}

TEST(LeaderView, RefutedClaimCountsAgainOnlyWhenMadeAnew) {
  LeaderView view;
  view.OnStatement("a", Leads("n1", 10));
  view.OnStatement("b", Leads("n2", 20));
  view.OnRefuted("b");
  EXPECT_EQ(view.believed_leader(), "a");
  view.OnStatement("b", Leads("n2", 20));
  EXPECT_EQ(view.believed_leader(), "b");
}

TEST(LeaderView, NeverComparesTermsBeyondTheConnection) {
  LeaderView view;
  view.OnStatement("a", Leads("n1", 1000));
  view.OnDisconnected("a");
  EXPECT_FALSE(view.believed_leader().has_value());
  view.OnStatement("b", Leads("n2", 5));  // restored cluster: terms began anew
  EXPECT_EQ(view.believed_leader(), "b");
}

TEST(LeaderView, OneNodeByTwoAddressesStaysWhereItIs) {
  LeaderView view;
  view.OnStatement("localhost", Leads("n1", 10));
  view.OnStatement("127.0.0.1", Leads("n1", 10));
  EXPECT_EQ(view.believed_leader(), "localhost");
  view.OnConfirmed("127.0.0.1");
  EXPECT_EQ(view.believed_leader(), "127.0.0.1");
}

TEST(LeaderView, KnowsWhichNodesAreConnected) {
  LeaderView view;
  view.OnStatement("a", Follows("na", "nb"));
  EXPECT_TRUE(view.IsConnected("na"));
  EXPECT_FALSE(view.IsConnected("nb"));
  view.OnDisconnected("a");
  EXPECT_FALSE(view.IsConnected("na"));
}

// Any sequence of events keeps the invariants, and a standing claim is always
// enough to have somebody to call.
TEST(LeaderView, KeepsItsInvariantsUnderRandomEvents) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](int n) { return static_cast<int>(random() % n); };
    LeaderView view;
    for (int step = 0; step < 200; ++step) {
      const std::string address = absl::StrCat("e", pick(5));
      const std::string node = absl::StrCat("n", pick(4));
      switch (pick(6)) {
        case 0: {
          LeaderView::Statement claim = Leads(node, pick(4));
          claim.proof = static_cast<LeaderView::Proof>(pick(3));
          view.OnStatement(address, claim);
          break;
        }
        case 1:
          view.OnStatement(address, Follows(node, absl::StrCat("n", pick(4))));
          break;
        case 2:
          view.OnDisconnected(address);
          break;
        case 3:
          view.OnConfirmed(address);
          break;
        case 4:
          view.OnRefuted(address);
          break;
        case 5: {
          const auto believed = view.believed_leader();
          if (believed.has_value()) view.OnRefuted(*believed);
          break;
        }
      }
      const absl::Status status = view.CheckInvariants();
      ASSERT_TRUE(status.ok()) << status << " seed " << seed << " step " << step;
    }
    // Refuting or losing whoever is believed comes to an end.
    for (int i = 0; view.believed_leader().has_value(); ++i) {
      ASSERT_LE(i, 5) << "seed " << seed;
      view.OnRefuted(*view.believed_leader());
    }
  }
}

}  // namespace
}  // namespace curator::core
