// Registry: what this process counts, in the text that Prometheus scrapes (format
// 0.0.4).
//
// Counters and histograms are lock-free and cost an atomic addition or two. Gauges
// keep nothing: what is now is asked for when somebody scrapes, so it is never stale.
#ifndef SERVER_METRICS_REGISTRY_H_
#define SERVER_METRICS_REGISTRY_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace curatord {

class Counter {
 public:
  void Increment() { value_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Spans of time, counted in buckets.
class Histogram {
 public:
  // `upper_bounds`: seconds, ascending; what is longer goes into a last bucket of its own.
  explicit Histogram(std::initializer_list<double> upper_bounds);

  void Observe(absl::Duration span);

  const std::vector<double>& upper_bounds() const { return upper_bounds_; }
  // Of bucket `i` alone; the last is that without a bound.
  uint64_t CountIn(size_t i) const { return counts_[i].load(std::memory_order_relaxed); }
  absl::Duration sum() const {
    return absl::Nanoseconds(sum_nanoseconds_.load(std::memory_order_relaxed));
  }

 private:
  const std::vector<double> upper_bounds_;
  std::vector<std::atomic<uint64_t>> counts_;
  std::atomic<int64_t> sum_nanoseconds_{0};
};

using MetricLabels = std::vector<std::pair<absl::string_view, std::string>>;

// The samples of one family, as it is scraped.
class Samples {
 public:
  Samples(absl::string_view name, std::string* text) : name_(name), text_(text) {}

  void Add(double value) { Add({}, value); }
  void Add(const MetricLabels& labels, double value);
  void Add(const MetricLabels& labels, const Histogram& histogram);

 private:
  void Line(absl::string_view suffix, const MetricLabels& labels, double value);

  const absl::string_view name_;
  std::string* const text_;
};

class Registry {
 public:
  enum class Type { kCounter, kGauge, kHistogram };
  using Collect = std::function<void(Samples*)>;

  // `collect` is called for each scrape, on the scraper's thread. Families are added
  // before the first scrape.
  void Add(absl::string_view name, Type type, absl::string_view help, Collect collect);
  // The same for a value that stands alone; it outlives this.
  void Add(absl::string_view name, absl::string_view help, const Counter* counter);
  void Add(absl::string_view name, absl::string_view help, const Histogram* histogram);

  // One scrape. A family without samples is left out.
  std::string Text() const;

 private:
  struct Family {
    std::string name;
    Type type;
    std::string help;
    Collect collect;
  };
  std::vector<Family> families_;  // constant after the first scrape
};

}  // namespace curatord

#endif  // SERVER_METRICS_REGISTRY_H_
