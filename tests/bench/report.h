// What a measurement prints: one line of JSON.
#ifndef TESTS_BENCH_REPORT_H_
#define TESTS_BENCH_REPORT_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace curator::bench {

class Report {
 public:
  explicit Report(absl::string_view measure);
  Report& Add(absl::string_view name, double value);
  Report& Add(absl::string_view name, absl::string_view value);
  Report& Add(absl::string_view name, const std::map<std::string, double>& values);
  Report& Add(absl::string_view name, const std::vector<float>& values);
  // Flushed, for those who wait for it at the other end of a pipe.
  void Print() const;

 private:
  std::string fields_;
};

// p50, p99 and max of `milliseconds`, under these names.
void AddLatencies(std::vector<float> milliseconds, Report* report);

}  // namespace curator::bench

#endif  // TESTS_BENCH_REPORT_H_
