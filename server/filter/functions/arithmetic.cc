// + - * / % and the signs. Integers never wrap: what does not fit is an error.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/filter/functions/function.h"
#include "server/filter/time.h"

namespace curatord::filter {
namespace {

using Arguments = absl::Span<const Value>;
using Result = absl::StatusOr<Value>;

absl::Status Overflow(absl::string_view type) {
  return absl::InvalidArgumentError(absl::StrCat(type, " overflow"));
}

absl::Status DivisionByZero() { return absl::InvalidArgumentError("division by zero"); }

// `compute` says whether the result does not fit, like __builtin_add_overflow.
template <typename Compute>
Result CheckedInt(Arguments a, Compute compute) {
  int64_t result = 0;
  if (compute(a[0].int_value(), a[1].int_value(), &result)) return Overflow("int");
  return Value::Int(result);
}

template <typename Compute>
Result CheckedUint(Arguments a, Compute compute) {
  uint64_t result = 0;
  if (compute(a[0].uint_value(), a[1].uint_value(), &result)) return Overflow("uint");
  return Value::Uint(result);
}

constexpr auto kAdd = [](auto a, auto b, auto* r) { return __builtin_add_overflow(a, b, r); };
constexpr auto kSubtract = [](auto a, auto b, auto* r) { return __builtin_sub_overflow(a, b, r); };
constexpr auto kMultiply = [](auto a, auto b, auto* r) { return __builtin_mul_overflow(a, b, r); };

bool IsLeastByMinusOne(Arguments a) {
  return a[0].int_value() == std::numeric_limits<int64_t>::min() && a[1].int_value() == -1;
}

Result DivideInts(Arguments a, Work&) {
  if (a[1].int_value() == 0) return DivisionByZero();
  if (IsLeastByMinusOne(a)) return Overflow("int");
  return Value::Int(a[0].int_value() / a[1].int_value());
}

Result DivideUints(Arguments a, Work&) {
  if (a[1].uint_value() == 0) return DivisionByZero();
  return Value::Uint(a[0].uint_value() / a[1].uint_value());
}

Result RemainderOfInts(Arguments a, Work&) {
  if (a[1].int_value() == 0) return absl::InvalidArgumentError("modulus by zero");
  if (IsLeastByMinusOne(a)) return Overflow("int");
  return Value::Int(a[0].int_value() % a[1].int_value());
}

Result RemainderOfUints(Arguments a, Work&) {
  if (a[1].uint_value() == 0) return absl::InvalidArgumentError("modulus by zero");
  return Value::Uint(a[0].uint_value() % a[1].uint_value());
}

Result NegateInt(Arguments a, Work&) {
  if (a[0].int_value() == std::numeric_limits<int64_t>::min()) return Overflow("int");
  return Value::Int(-a[0].int_value());
}

// Both are new text: what concatenations produce is bounded by the steps they cost.
absl::StatusOr<std::string> Concatenate(Arguments a, Work& work) {
  if (absl::Status s = work.SpendOnBytes(a[0].text().size() + a[1].text().size()); !s.ok()) {
    return s;
  }
  return absl::StrCat(a[0].text(), a[1].text());
}

Result ConcatenateStrings(Arguments a, Work& work) {
  absl::StatusOr<std::string> text = Concatenate(a, work);
  if (!text.ok()) return text.status();
  return Value::String(*std::move(text));
}

Result ConcatenateBytes(Arguments a, Work& work) {
  absl::StatusOr<std::string> text = Concatenate(a, work);
  if (!text.ok()) return text.status();
  return Value::Bytes(*std::move(text));
}

Result ConcatenateLists(Arguments a, Work& work) {
  const size_t size = a[0].size() + a[1].size();
  if (absl::Status s = work.Spend(static_cast<int64_t>(size)); !s.ok()) return s;
  std::vector<Value> elements;
  elements.reserve(size);
  for (const Value& list : a) {
    const size_t count = list.size();
    for (size_t i = 0; i < count; ++i) {
      Result element = list.Element(i);
      if (!element.ok()) return element;
      elements.push_back(*std::move(element));
    }
  }
  return Value::List(std::move(elements));
}

void AddNumbers(FunctionTable& table) {
  constexpr Kind kInt = Kind::kInt, kUint = Kind::kUint, kDouble = Kind::kDouble;
  table.Add("_+_", {kInt, kInt}, kInt, [](Arguments a, Work&) { return CheckedInt(a, kAdd); });
  table.Add("_-_", {kInt, kInt}, kInt, [](Arguments a, Work&) { return CheckedInt(a, kSubtract); });
  table.Add("_*_", {kInt, kInt}, kInt, [](Arguments a, Work&) { return CheckedInt(a, kMultiply); });
  table.Add("_/_", {kInt, kInt}, kInt, DivideInts);
  table.Add("_%_", {kInt, kInt}, kInt, RemainderOfInts);
  table.Add("-_", {kInt}, kInt, NegateInt);

  table.Add("_+_", {kUint, kUint}, kUint, [](Arguments a, Work&) { return CheckedUint(a, kAdd); });
  table.Add("_-_", {kUint, kUint}, kUint,
            [](Arguments a, Work&) { return CheckedUint(a, kSubtract); });
  table.Add("_*_", {kUint, kUint}, kUint,
            [](Arguments a, Work&) { return CheckedUint(a, kMultiply); });
  table.Add("_/_", {kUint, kUint}, kUint, DivideUints);
  table.Add("_%_", {kUint, kUint}, kUint, RemainderOfUints);

  table.Add("_+_", {kDouble, kDouble}, kDouble, [](Arguments a, Work&) -> Result {
    return Value::Double(a[0].double_value() + a[1].double_value());
  });
  table.Add("_-_", {kDouble, kDouble}, kDouble, [](Arguments a, Work&) -> Result {
    return Value::Double(a[0].double_value() - a[1].double_value());
  });
  table.Add("_*_", {kDouble, kDouble}, kDouble, [](Arguments a, Work&) -> Result {
    return Value::Double(a[0].double_value() * a[1].double_value());
  });
  table.Add("_/_", {kDouble, kDouble}, kDouble, [](Arguments a, Work&) -> Result {
    // By IEEE 754: infinity or NaN for a divisor of zero.
    const double dividend = a[0].double_value();
    const double divisor = a[1].double_value();
    if (divisor != 0) return Value::Double(dividend / divisor);
    if (dividend == 0 || std::isnan(dividend)) return Value::Double(std::nan(""));
    const bool negative = std::signbit(dividend) != std::signbit(divisor);
    return Value::Double(negative ? -HUGE_VAL : HUGE_VAL);
  });
  table.Add("-_", {kDouble}, kDouble,
            [](Arguments a, Work&) -> Result { return Value::Double(-a[0].double_value()); });
}

void AddSequences(FunctionTable& table) {
  table.Add("_+_", {Kind::kString, Kind::kString}, Kind::kString, ConcatenateStrings);
  table.Add("_+_", {Kind::kBytes, Kind::kBytes}, Kind::kBytes, ConcatenateBytes);
  table.Add("_+_", {Kind::kList, Kind::kList}, Kind::kList, ConcatenateLists);
}

// absl's times saturate far beyond the ranges of CEL, which are then checked.
void AddTimeArithmetic(FunctionTable& table) {
  constexpr Kind kTime = Kind::kTimestamp, kSpan = Kind::kDuration;
  table.Add("_+_", {kTime, kSpan}, kTime,
            [](Arguments a, Work&) { return CheckedTimestamp(a[0].time() + a[1].duration()); });
  table.Add("_+_", {kSpan, kTime}, kTime,
            [](Arguments a, Work&) { return CheckedTimestamp(a[1].time() + a[0].duration()); });
  table.Add("_+_", {kSpan, kSpan}, kSpan,
            [](Arguments a, Work&) { return CheckedDuration(a[0].duration() + a[1].duration()); });
  table.Add("_-_", {kTime, kTime}, kSpan,
            [](Arguments a, Work&) { return CheckedDuration(a[0].time() - a[1].time()); });
  table.Add("_-_", {kTime, kSpan}, kTime,
            [](Arguments a, Work&) { return CheckedTimestamp(a[0].time() - a[1].duration()); });
  table.Add("_-_", {kSpan, kSpan}, kSpan,
            [](Arguments a, Work&) { return CheckedDuration(a[0].duration() - a[1].duration()); });
}

}  // namespace

void AddArithmetic(FunctionTable& table) {
  AddNumbers(table);
  AddSequences(table);
  AddTimeArithmetic(table);
}

}  // namespace curatord::filter
