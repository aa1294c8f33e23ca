#include "server/filter/limits.h"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/unit/filter/filter_fixture.h"

namespace curatord::filter {
namespace {

using metropolis::proto::api::Node;
using ::testing::HasSubstr;

std::string Repeat(absl::string_view part, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) absl::StrAppend(&text, part);
  return text;
}

TEST(FilterLimits, AnOverlongTextIsRefused) {
  const std::string text = absl::StrCat("node.id == '", std::string(1 << 20, 'x'), "'");
  EXPECT_EQ(Outcome(text), "compile: the filter has 1048589 bytes, more than 131072");
  EXPECT_THAT(Outcome(Repeat("(", 1 << 20)), HasSubstr("bytes, more than"));
}

TEST(FilterLimits, DepthIsRefusedHoweverItIsMade) {
  constexpr int kDepth = 10'000;
  const std::string cases[] = {
      Repeat("(", kDepth) + "true" + Repeat(")", kDepth),
      Repeat("(", kDepth),
      Repeat("[", kDepth) + Repeat("]", kDepth),
      Repeat("{1:", kDepth) + "1" + Repeat("}", kDepth),
      Repeat("!", kDepth) + "true",
      Repeat("-", kDepth) + "1",
      Repeat("-(", kDepth) + "1" + Repeat(")", kDepth),
      Repeat("true?1:", kDepth) + "1",
      Repeat("1?(", kDepth) + "1" + Repeat("):1", kDepth),
      "node" + Repeat(".a", kDepth),
      "node" + Repeat(".a()", kDepth),
      "[1]" + Repeat("[0]", kDepth),
      "1" + Repeat(" + 1", kDepth) + " == 1",
      "1" + Repeat(" < 1", kDepth),
      Repeat("size(", kDepth) + "''" + Repeat(")", kDepth),
      Repeat("[1].all(x, ", kDepth) + "true" + Repeat(")", kDepth),
      "[1]" + Repeat(".map(x, x)", kDepth),
      Repeat("Node{id:", kDepth) + "''" + Repeat("}", kDepth),
      Repeat("(true && ", kDepth) + "true" + Repeat(")", kDepth),
  };
  for (const std::string& text : cases) {
    EXPECT_THAT(Outcome(text), HasSubstr("nested more than 250 deep")) << text.substr(0, 40);
  }
}

TEST(FilterLimits, ChainsOfAndAndOrAreNotDeep) {
  EXPECT_EQ(Outcome("false" + Repeat(" || false", 10'000)), "false");
  EXPECT_EQ(Outcome("true" + Repeat(" && true", 10'000)), "true");
  EXPECT_EQ(Outcome("1" + Repeat(" + 1", 200) + " == 201"), "true");
}

TEST(FilterLimits, LongListsAreFine) {
  std::vector<std::string> ids;
  for (int i = 0; i < 2000; ++i) ids.push_back(absl::StrCat("'metropolis-", i, "'"));
  ids.push_back("'metropolis-abc'");
  EXPECT_EQ(Outcome(absl::StrCat("node.id in [", absl::StrJoin(ids, ", "), "]")), "true");
}

absl::StatusCode CodeOf(absl::string_view text, const Node& node = SampleNode()) {
  const absl::StatusOr<Filter> filter = CompileForNode(text);
  if (!filter.ok()) return filter.status().code();
  return filter->Matches(node).status().code();
}

TEST(FilterLimits, WorkIsBoundedAndItsEndIsNotAbsorbed) {
  const std::string digits = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]";
  const std::string million_and_more = Repeat(digits + ".all(x, ", 8) + "true" + Repeat(")", 8);
  EXPECT_EQ(CodeOf(million_and_more), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(million_and_more + " || true"), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf("[1].exists(x, " + million_and_more + ") || true"),
            absl::StatusCode::kResourceExhausted);

  // A text or a list that doubles at each step.
  std::string text = "['a'].all(x, " + Repeat("[x + x].all(x, ", 60) + "x == ''" + Repeat(")", 61);
  EXPECT_EQ(CodeOf(text), absl::StatusCode::kResourceExhausted);
  text = "[[1]].all(x, " + Repeat("[x + x].all(x, ", 60) + "x == []" + Repeat(")", 61);
  EXPECT_EQ(CodeOf(text), absl::StatusCode::kResourceExhausted);
  text = "[dyn([1])].all(x, " + Repeat("[dyn([x, x])].all(x, ", 60) + "x == x" + Repeat(")", 61);
  EXPECT_EQ(CodeOf(text), absl::StatusCode::kResourceExhausted);
}

TEST(FilterLimits, LongTextsOfMessagesCostSteps) {
  Node node;
  node.set_id(std::string(1 << 20, 'a'));
  EXPECT_EQ(CodeOf("node.id.contains(node.id)", node), absl::StatusCode::kOk);
  node.mutable_status()->set_external_address(std::string(1 << 19, 'a') + "b");
  EXPECT_EQ(CodeOf("node.id.contains(node.status.external_address)", node),
            absl::StatusCode::kResourceExhausted);
  const std::string repeated = "[1, 2, 3, 4, 5, 6, 7, 8, 9].all(x, [1, 2, 3, 4].all(y, ";
  EXPECT_EQ(CodeOf(repeated + "size(node.id) > 0))", node), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOf(repeated + "node.id == node.id))", node), absl::StatusCode::kResourceExhausted);
}

TEST(FilterLimits, RegularExpressionsAreLinear) {
  Node node;
  node.set_id(std::string(10'000, 'a') + "!");
  EXPECT_EQ(Outcome("node.id.matches('^(a+)+$')", node), "false");
  EXPECT_EQ(Outcome("node.id.matches('^(a|aa)+$')", node), "false");
  EXPECT_EQ(Outcome("node.id.matches('(.*)*(.*)*x')", node), "false");
  EXPECT_THAT(Outcome("node.id.matches('((a{100}){100}){100}')"),
              HasSubstr("compile: column 17: bad regular expression"));
  EXPECT_THAT(Outcome("node.id.matches('a{1001}')"),
              HasSubstr("compile: column 17: bad regular expression"));
  EXPECT_THAT(Outcome(absl::StrCat("node.id.matches('", Repeat("(", 20'000), "')")),
              HasSubstr("bad regular expression"));
  EXPECT_THAT(Outcome(absl::StrCat("node.id.matches('", Repeat("[a-z]+", 2'000), "' + node.id)")),
              HasSubstr("a computed regular expression may have 1024 bytes"));
}

TEST(FilterLimits, OneMessageMayNotTakeAllTheWorkOfARequest) {
  const std::string digits = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]";
  const absl::StatusOr<Filter> filter =
      CompileForNode(Repeat(digits + ".all(x, ", 8) + "node.id != ''" + Repeat(")", 8));
  ASSERT_TRUE(filter.ok());
  Work work(100 * kStepsPerMessage);
  EXPECT_EQ(filter->Matches(SampleNode(), work).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_GE(work.left(), 99 * kStepsPerMessage);
}

TEST(FilterLimits, WorkCanBeSharedByTheMessagesOfARequest) {
  const absl::StatusOr<Filter> filter = CompileForNode("node.id == 'metropolis-abc'");
  ASSERT_TRUE(filter.ok());
  const Node node = SampleNode();
  Work work(1000);
  int matched = 0;
  while (filter->Matches(node, work).ok()) ++matched;
  EXPECT_GT(matched, 100);
  EXPECT_LT(matched, 1000);
}

TEST(Filter, IsUsedByManyThreadsAtOnce) {
  const absl::StatusOr<Filter> filter = CompileForNode(
      "node.id.matches('^metropolis-') && node.labels.pairs.exists(l, l.key in ['rack']) && "
      "node == node && node.status.timestamp.getHours('Europe/Berlin') == 0");
  ASSERT_TRUE(filter.ok());
  const Node node = SampleNode();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&filter, &node] {
      for (int n = 0; n < 200; ++n) EXPECT_TRUE(*filter->Matches(node));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Prints what it takes; the figures are for people.
TEST(Filter, GoesThroughTenThousandNodes) {
  std::vector<Node> nodes;
  for (int i = 0; i < 10'000; ++i) {
    nodes.push_back(SampleNode());
    nodes.back().set_id(absl::StrCat("metropolis-", i));
  }
  for (const char* text : {
           "node.status.external_address==\"10.8.0.2\"",
           "node.state == NODE_STATE_NEW || node.health != HEALTH_HEALTHY",
           "has(node.roles.consensus_member) && node.time_since_heartbeat < duration('5s')",
           "node.id.matches('^metropolis-[0-9]+$') && node.labels.pairs.exists(l, l.key == 'zone')",
       }) {
    const absl::StatusOr<Filter> filter = CompileForNode(text);
    ASSERT_TRUE(filter.ok()) << filter.status();
    const auto start = std::chrono::steady_clock::now();
    int matched = 0;
    for (const Node& node : nodes) matched += *filter->Matches(node) ? 1 : 0;
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    printf("%6.2f ms, %d of 10000: %s\n", took.count(), matched, text);
  }
}

}  // namespace
}  // namespace curatord::filter
