// contains(), startsWith(), endsWith(), matches(), and size() of anything.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/filter/functions/function.h"
#include "server/filter/limits.h"
#include "server/filter/regex.h"
#include "server/filter/utf8.h"

namespace curatord::filter {
namespace {

using Arguments = absl::Span<const Value>;
using Result = absl::StatusOr<Value>;

Value IntOfSize(size_t size) { return Value::Int(static_cast<int64_t>(size)); }

Result SizeOfString(Arguments a, Work& work) {
  if (absl::Status s = work.SpendOnBytes(a[0].text().size()); !s.ok()) return s;
  return IntOfSize(CountCodePoints(a[0].text()));
}

Result SizeOfBytes(Arguments a, Work&) { return IntOfSize(a[0].text().size()); }

Result SizeOfAggregate(Arguments a, Work&) { return IntOfSize(a[0].size()); }

// The search is naive: it may compare the whole of the part at each place.
Result Contains(Arguments a, Work& work) {
  const size_t text = a[0].text().size();
  const size_t part = a[1].text().size();
  if (part > text) return Value::Bool(false);
  if (absl::Status s = work.SpendOnBytes((text - part + 1) * (part / 16 + 1)); !s.ok()) return s;
  return Value::Bool(absl::StrContains(a[0].text(), a[1].text()));
}

Result StartsWith(Arguments a, Work& work) {
  if (absl::Status s = work.SpendOnBytes(a[1].text().size()); !s.ok()) return s;
  return Value::Bool(absl::StartsWith(a[0].text(), a[1].text()));
}

Result EndsWith(Arguments a, Work& work) {
  if (absl::Status s = work.SpendOnBytes(a[1].text().size()); !s.ok()) return s;
  return Value::Bool(absl::EndsWith(a[0].text(), a[1].text()));
}

// With a pattern that is only known now; literals are compiled once, by the checker.
Result Matches(Arguments a, Work& work) {
  if (a[1].text().size() > kMaxComputedRegexBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a computed regular expression may have ", kMaxComputedRegexBytes, " bytes"));
  }
  const absl::StatusOr<std::unique_ptr<RE2>> regex = CompileRegex(a[1].text(), work);
  if (!regex.ok()) return regex.status();
  const absl::StatusOr<bool> found = FindRegex(**regex, a[0].text(), work);
  if (!found.ok()) return found.status();
  return Value::Bool(*found);
}

}  // namespace

void AddStrings(FunctionTable& table) {
  constexpr Kind kString = Kind::kString;
  for (const absl::string_view name : {"size", ".size"}) {
    table.Add(name, {kString}, Kind::kInt, SizeOfString);
    table.Add(name, {Kind::kBytes}, Kind::kInt, SizeOfBytes);
    table.Add(name, {Kind::kList}, Kind::kInt, SizeOfAggregate);
    table.Add(name, {Kind::kMap}, Kind::kInt, SizeOfAggregate);
  }
  table.Add(".contains", {kString, kString}, Kind::kBool, Contains);
  table.Add(".startsWith", {kString, kString}, Kind::kBool, StartsWith);
  table.Add(".endsWith", {kString, kString}, Kind::kBool, EndsWith);
  table.Add("matches", {kString, kString}, Kind::kBool, Matches);
  table.Add(".matches", {kString, kString}, Kind::kBool, Matches);
}

}  // namespace curatord::filter
