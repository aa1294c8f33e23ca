#include "server/metrics/registry.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace curatord {
namespace {

// Whole numbers as such: a counter must not lose its last digits.
std::string NumberText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  constexpr double kExact = 9007199254740992;  // up to here each whole number is a double
  if (std::abs(value) < kExact && value == std::floor(value)) {
    return absl::StrCat(static_cast<int64_t>(value));
  }
  return absl::StrFormat("%.10g", value);
}

std::string LabelText(const std::string& value) {
  return absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}});
}

absl::string_view TypeText(Registry::Type type) {
  switch (type) {
    case Registry::Type::kCounter:
      return "counter";
    case Registry::Type::kGauge:
      return "gauge";
    case Registry::Type::kHistogram:
      return "histogram";
  }
  return "untyped";
}

}  // namespace

Histogram::Histogram(std::initializer_list<double> upper_bounds)
    : upper_bounds_(upper_bounds), counts_(upper_bounds.size() + 1) {}

void Histogram::Observe(absl::Duration span) {
  const auto bucket =
      std::lower_bound(upper_bounds_.begin(), upper_bounds_.end(), absl::ToDoubleSeconds(span));
  counts_[static_cast<size_t>(bucket - upper_bounds_.begin())].fetch_add(1,
                                                                         std::memory_order_relaxed);
  sum_nanoseconds_.fetch_add(absl::ToInt64Nanoseconds(span), std::memory_order_relaxed);
}

void Samples::Add(const MetricLabels& labels, double value) { Line("", labels, value); }

void Samples::Add(const MetricLabels& labels, const Histogram& histogram) {
  MetricLabels with_bound = labels;
  with_bound.emplace_back("le", "");
  uint64_t count = 0;
  for (size_t i = 0; i <= histogram.upper_bounds().size(); ++i) {
    count += histogram.CountIn(i);
    with_bound.back().second =
        i < histogram.upper_bounds().size() ? NumberText(histogram.upper_bounds()[i]) : "+Inf";
    Line("_bucket", with_bound, static_cast<double>(count));
  }
  Line("_sum", labels, absl::ToDoubleSeconds(histogram.sum()));
  // Of the buckets, not counted apart: they may not contradict each other.
  Line("_count", labels, static_cast<double>(count));
}

void Samples::Line(absl::string_view suffix, const MetricLabels& labels, double value) {
  absl::StrAppend(text_, name_, suffix);
  absl::string_view separator = "{";
  for (const auto& [label, label_value] : labels) {
    absl::StrAppend(text_, separator, label, "=\"", LabelText(label_value), "\"");
    separator = ",";
  }
  absl::StrAppend(text_, labels.empty() ? "" : "}", " ", NumberText(value), "\n");
}

void Registry::Add(absl::string_view name, Type type, absl::string_view help, Collect collect) {
  families_.push_back({std::string(name), type, std::string(help), std::move(collect)});
}

void Registry::Add(absl::string_view name, absl::string_view help, const Counter* counter) {
  Add(name, Type::kCounter, help,
      [counter](Samples* samples) { samples->Add(static_cast<double>(counter->value())); });
}

void Registry::Add(absl::string_view name, absl::string_view help, const Histogram* histogram) {
  Add(name, Type::kHistogram, help,
      [histogram](Samples* samples) { samples->Add({}, *histogram); });
}

std::string Registry::Text() const {
  std::string text;
  for (const Family& family : families_) {
    std::string lines;
    Samples samples(family.name, &lines);
    family.collect(&samples);
    if (lines.empty()) continue;
    absl::StrAppend(&text, "# HELP ", family.name, " ",
                    absl::StrReplaceAll(family.help, {{"\\", "\\\\"}, {"\n", "\\n"}}), "\n# TYPE ",
                    family.name, " ", TypeText(family.type), "\n", lines);
  }
  return text;
}

}  // namespace curatord
