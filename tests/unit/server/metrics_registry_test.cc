#include "server/metrics/registry.h"

#include <limits>

#include "gtest/gtest.h"

namespace curatord {
namespace {

using Type = Registry::Type;

TEST(MetricsRegistry, WritesHelpTypeAndSamplesOfEachFamily) {
  Registry registry;
  Counter calls;
  registry.Add("test_calls_total", "Calls.", &calls);
  registry.Add("test_role", Type::kGauge, "Role.", [](Samples* samples) {
    samples->Add({{"role", "leader"}, {"of", "n1"}}, 1);
    samples->Add({{"role", "none"}, {"of", "n1"}}, 0);
  });
  calls.Increment();
  calls.Increment();
  EXPECT_EQ(registry.Text(),
            "# HELP test_calls_total Calls.\n"
            "# TYPE test_calls_total counter\n"
            "test_calls_total 2\n"
            "# HELP test_role Role.\n"
            "# TYPE test_role gauge\n"
            "test_role{role=\"leader\",of=\"n1\"} 1\n"
            "test_role{role=\"none\",of=\"n1\"} 0\n");
}

TEST(MetricsRegistry, WritesHistogramsCumulatively) {
  Registry registry;
  Histogram took{0.5, 1, 2.5};
  registry.Add("test_seconds", "Spans.", &took);
  // A value on a bound belongs below it.
  for (double seconds : {0.25, 0.5, 1.5, 100.0}) took.Observe(absl::Seconds(seconds));
  EXPECT_EQ(registry.Text(),
            "# HELP test_seconds Spans.\n"
            "# TYPE test_seconds histogram\n"
            "test_seconds_bucket{le=\"0.5\"} 2\n"
            "test_seconds_bucket{le=\"1\"} 2\n"
            "test_seconds_bucket{le=\"2.5\"} 3\n"
            "test_seconds_bucket{le=\"+Inf\"} 4\n"
            "test_seconds_sum 102.25\n"
            "test_seconds_count 4\n");
}

TEST(MetricsRegistry, PutsTheBoundAfterOtherLabels) {
  Registry registry;
  const Histogram took{1};
  registry.Add("test_seconds", Type::kHistogram, "Spans.", [&took](Samples* samples) {
    samples->Add({{"operation", "range"}}, took);
  });
  EXPECT_EQ(registry.Text(),
            "# HELP test_seconds Spans.\n"
            "# TYPE test_seconds histogram\n"
            "test_seconds_bucket{operation=\"range\",le=\"1\"} 0\n"
            "test_seconds_bucket{operation=\"range\",le=\"+Inf\"} 0\n"
            "test_seconds_sum{operation=\"range\"} 0\n"
            "test_seconds_count{operation=\"range\"} 0\n");
}

TEST(MetricsRegistry, EscapesLabelsAndHelp) {
  Registry registry;
  registry.Add("test_text", Type::kGauge, "Two\nlines, one \\.", [](Samples* samples) {
    samples->Add({{"said", "a \"b\" \\ c\nd"}}, 1);
  });
  EXPECT_EQ(registry.Text(),
            "# HELP test_text Two\\nlines, one \\\\.\n"
            "# TYPE test_text gauge\n"
            "test_text{said=\"a \\\"b\\\" \\\\ c\\nd\"} 1\n");
}

TEST(MetricsRegistry, LosesNoDigitOfACounterAndKnowsWhatIsNoNumber) {
  Registry registry;
  registry.Add("test_numbers", Type::kGauge, "Numbers.", [](Samples* samples) {
    samples->Add(1234567890123);
    samples->Add(0.1);
    samples->Add(-2);
    samples->Add(std::numeric_limits<double>::infinity());
    samples->Add(std::numeric_limits<double>::quiet_NaN());
  });
  EXPECT_EQ(registry.Text(),
            "# HELP test_numbers Numbers.\n"
            "# TYPE test_numbers gauge\n"
            "test_numbers 1234567890123\n"
            "test_numbers 0.1\n"
            "test_numbers -2\n"
            "test_numbers +Inf\n"
            "test_numbers NaN\n");
}

TEST(MetricsRegistry, LeavesAFamilyWithoutSamplesOut) {
  Registry registry;
  registry.Add("test_nothing", Type::kGauge, "Nothing.", [](Samples*) {});
  EXPECT_EQ(registry.Text(), "");
}

}  // namespace
}  // namespace curatord
