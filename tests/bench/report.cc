#include "tests/bench/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace curator::bench {
namespace {

std::string Number(double value) { return absl::StrFormat("%.10g", value); }

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\"");
}

}  // namespace

Report::Report(absl::string_view measure) { Add("measure", measure); }

Report& Report::Add(absl::string_view name, double value) {
  absl::StrAppend(&fields_, fields_.empty() ? "" : ", ", Quoted(name), ": ", Number(value));
  return *this;
}

Report& Report::Add(absl::string_view name, absl::string_view value) {
  absl::StrAppend(&fields_, fields_.empty() ? "" : ", ", Quoted(name), ": ", Quoted(value));
  return *this;
}

Report& Report::Add(absl::string_view name, const std::map<std::string, double>& values) {
  std::string object;
  for (const auto& [key, value] : values) {
    absl::StrAppend(&object, object.empty() ? "" : ", ", Quoted(key), ": ", Number(value));
  }
  absl::StrAppend(&fields_, fields_.empty() ? "" : ", ", Quoted(name), ": {", object, "}");
  return *this;
}

Report& Report::Add(absl::string_view name, const std::vector<float>& values) {
  const auto append = [](std::string* out, float value) { absl::StrAppend(out, Number(value)); };
  absl::StrAppend(&fields_, fields_.empty() ? "" : ", ", Quoted(name), ": [",
                  absl::StrJoin(values, ", ", append), "]");
  return *this;
}

void Report::Print() const {
  std::printf("{%s}\n", fields_.c_str());
  std::fflush(stdout);
}

void AddLatencies(std::vector<float> milliseconds, Report* report) {
  if (milliseconds.empty()) return;
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto rank = [&](double share) {
    const auto last = static_cast<double>(milliseconds.size());
    return milliseconds[static_cast<size_t>(std::ceil(share * last)) - 1];
  };
  report->Add("p50_ms", rank(0.5)).Add("p99_ms", rank(0.99)).Add("max_ms", milliseconds.back());
}

}  // namespace curator::bench
