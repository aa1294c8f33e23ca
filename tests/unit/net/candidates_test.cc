// How much curators that lie can make a client dial.
#include "libclient/net/candidates.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace curator::net {
namespace {

core::Endpoint At(const std::string& host, int port = core::kDefaultPort) {
  core::Endpoint endpoint;
  endpoint.host = host;
  endpoint.port = port;
  return endpoint;
}

class CandidatesTest : public ::testing::Test {
 protected:
  // How often `candidate` is dialled in that time, if it is tried all the time.
  int DialsWithin(Candidate& candidate, absl::Duration time) {
    int dials = 0;
    for (absl::Duration passed; passed < time; passed += absl::Milliseconds(1)) {
      core::Instant next = core::kNever;
      if (candidates_.MayDial(candidate, core::After(now_, passed), &next)) ++dials;
    }
    now_ = core::After(now_, time);
    return dials;
  }

  Candidates candidates_;
  core::LeaderView view_;
  core::Instant now_ = core::After(core::Instant{}, absl::Hours(1));
  core::Instant again_at_ = core::kNever;
};

TEST_F(CandidatesTest, OneAddressIsDialledAFewTimesASecond) {
  Candidate& seed = candidates_.Ensure(At("10.0.0.1"));
  seed.seed = true;
  EXPECT_LE(DialsWithin(seed, absl::Seconds(10)), 10 + 10 * 5);
  EXPECT_GE(DialsWithin(seed, absl::Seconds(10)), 40);
}

TEST_F(CandidatesTest, StrangersAreDialledSoOftenAllTogether) {
  int dials = 0;
  std::vector<core::LeaderView::Curator> curators;
  for (int i = 0; i < 60; ++i) curators.push_back({"id", absl::StrCat("10.0.1.", i)});
  candidates_.Learn(curators);
  for (int ms = 0; ms < 10000; ++ms) {
    for (const auto& candidate : candidates_.all()) {
      core::Instant next = core::kNever;
      if (candidates_.MayDial(*candidate, core::After(now_, absl::Milliseconds(ms)), &next)) {
        ++dials;
      }
    }
  }
  EXPECT_LE(dials, 64 + 10 * 20);
}

TEST_F(CandidatesTest, NewLeadersAreNamedNoOftenerThanLeadersChange) {
  std::set<std::string> named;
  for (int i = 0; i < 6000; ++i) {
    const core::Instant now = core::After(now_, absl::Milliseconds(i));
    const std::string host = absl::StrCat("10.1.", i / 256, ".", i % 256);
    if (candidates_.EnsureNamed(At(host), view_, now, &again_at_) != nullptr) named.insert(host);
  }
  EXPECT_LE(named.size(), 16u + 6u);
  EXPECT_LT(again_at_, core::kNever);
}

TEST_F(CandidatesTest, ANewLeaderTakesThePlaceOfAStrangerThatFails) {
  std::vector<core::LeaderView::Curator> curators;
  for (int i = 0; i < 200; ++i) curators.push_back({"id", absl::StrCat("10.0.1.", i)});
  candidates_.Learn(curators);
  const size_t most = candidates_.all().size();
  EXPECT_EQ(most, 64u);
  candidates_.Find(At("10.0.1.7"))->backoff.Next(0.5);
  ASSERT_NE(candidates_.EnsureNamed(At("10.0.2.1"), view_, now_, &again_at_), nullptr);
  EXPECT_EQ(candidates_.all().size(), most);
  EXPECT_EQ(candidates_.Find(At("10.0.1.7")), nullptr);
}

TEST_F(CandidatesTest, SeedsAreNotBoundedAndStay) {
  for (int i = 0; i < 200; ++i) candidates_.Ensure(At(absl::StrCat("10.0.3.", i))).seed = true;
  EXPECT_EQ(candidates_.all().size(), 200u);
  for (int i = 0; i < 100; ++i) {
    candidates_.EnsureNamed(At("10.0.4.1", 1000 + i), view_, core::After(now_, absl::Seconds(i)),
                            &again_at_);
  }
  for (int i = 0; i < 200; ++i) {
    EXPECT_NE(candidates_.Find(At(absl::StrCat("10.0.3.", i))), nullptr);
  }
}

TEST_F(CandidatesTest, WhoIsLearntIsExpectedUnderItsId) {
  candidates_.Ensure(At("10.0.0.1")).seed = true;
  candidates_.Learn({{"metropolis-a", "10.0.0.1:7835"}, {"metropolis-b", "10.0.0.2:7835"}});
  EXPECT_EQ(candidates_.Find(At("10.0.0.1"))->expected_node_id, "");
  EXPECT_EQ(candidates_.Find(At("10.0.0.2"))->expected_node_id, "metropolis-b");
}

}  // namespace
}  // namespace curator::net
