// int(), uint(), double(), string(), bytes(), bool(), timestamp(), duration(), dyn()
// and type(). What the target cannot hold is an error, except for digits of a double.
#include <charconv>
#include <cmath>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "server/filter/functions/function.h"
#include "server/filter/time.h"
#include "server/filter/utf8.h"

namespace curatord::filter {
namespace {

using Arguments = absl::Span<const Value>;
using Result = absl::StatusOr<Value>;

absl::Status DoesNotFit(absl::string_view type) {
  return absl::InvalidArgumentError(absl::StrCat("out of the range of ", type));
}

absl::Status NotA(absl::string_view type, absl::string_view text) {
  return absl::InvalidArgumentError(absl::StrCat("\"", Excerpt(text), "\" is no ", type));
}

// absl's parsers skip spaces, CEL's do not. No number needs more than this, and a text
// of any length would cost more than a step.
bool MayBeNumber(absl::string_view text) {
  constexpr size_t kLongest = 512;
  return text.size() <= kLongest && text.find_first_of(" \t\n\v\f\r") == absl::string_view::npos;
}

Result Same(Arguments a, Work&) { return a[0]; }

Result IntOfUint(Arguments a, Work&) {
  if (a[0].uint_value() > static_cast<uint64_t>(INT64_MAX)) return DoesNotFit("int");
  return Value::Int(static_cast<int64_t>(a[0].uint_value()));
}

Result IntOfDouble(Arguments a, Work&) {
  // Towards zero. The bounds are excluded: near them doubles are no exact integers.
  const double number = a[0].double_value();
  if (!(number > -0x1p63 && number < 0x1p63)) return DoesNotFit("int");
  return Value::Int(static_cast<int64_t>(number));
}

Result IntOfString(Arguments a, Work&) {
  int64_t number = 0;
  if (!MayBeNumber(a[0].text()) || !absl::SimpleAtoi(a[0].text(), &number)) {
    return NotA("int", a[0].text());
  }
  return Value::Int(number);
}

Result IntOfTimestamp(Arguments a, Work&) { return Value::Int(absl::ToUnixSeconds(a[0].time())); }

Result UintOfInt(Arguments a, Work&) {
  if (a[0].int_value() < 0) return DoesNotFit("uint");
  return Value::Uint(static_cast<uint64_t>(a[0].int_value()));
}

Result UintOfDouble(Arguments a, Work&) {
  const double number = a[0].double_value();
  if (!(number >= 0 && number < 0x1p64)) return DoesNotFit("uint");
  return Value::Uint(static_cast<uint64_t>(number));
}

Result UintOfString(Arguments a, Work&) {
  uint64_t number = 0;
  if (!MayBeNumber(a[0].text()) || absl::StartsWith(a[0].text(), "-") ||
      !absl::SimpleAtoi(a[0].text(), &number)) {
    return NotA("uint", a[0].text());
  }
  return Value::Uint(number);
}

Result DoubleOfInt(Arguments a, Work&) {
  return Value::Double(static_cast<double>(a[0].int_value()));
}

Result DoubleOfUint(Arguments a, Work&) {
  return Value::Double(static_cast<double>(a[0].uint_value()));
}

Result DoubleOfString(Arguments a, Work&) {
  double number = 0;
  if (!MayBeNumber(a[0].text()) || !absl::SimpleAtod(a[0].text(), &number)) {
    return NotA("double", a[0].text());
  }
  return Value::Double(number);
}

// The shortest text that reads back as the same number.
Result StringOfDouble(Arguments a, Work&) {
  const double number = a[0].double_value();
  if (std::isnan(number)) return Value::String("NaN");
  if (std::isinf(number)) return Value::String(number < 0 ? "-Infinity" : "+Infinity");
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), number);
  return Value::String(std::string(buffer, end.ptr));
}

Result StringOfBytes(Arguments a, Work& work) {
  if (absl::Status s = work.SpendOnBytes(a[0].text().size()); !s.ok()) return s;
  if (ValidUtf8Prefix(a[0].text()) < a[0].text().size()) {
    return absl::InvalidArgumentError("the bytes are not valid UTF-8");
  }
  return Value::String(a[0].text(), a[0].owner());
}

Result BytesOfString(Arguments a, Work&) { return Value::Bytes(a[0].text(), a[0].owner()); }

Result BoolOfString(Arguments a, Work&) {
  const absl::string_view text = a[0].text();
  for (const absl::string_view yes : {"true", "True", "TRUE", "t", "1"}) {
    if (text == yes) return Value::Bool(true);
  }
  for (const absl::string_view no : {"false", "False", "FALSE", "f", "0"}) {
    if (text == no) return Value::Bool(false);
  }
  return NotA("bool", text);
}

Result TimestampOfInt(Arguments a, Work&) { return TimestampOf(a[0].int_value(), 0); }
Result TimestampOfString(Arguments a, Work&) { return ParseTimestamp(a[0].text()); }
Result DurationOfString(Arguments a, Work&) { return ParseDuration(a[0].text()); }

Result TypeOf(Arguments a, Work&) { return Value::Type(TypeName(a[0])); }

}  // namespace

void AddConversions(FunctionTable& table) {
  constexpr Kind kBool = Kind::kBool, kInt = Kind::kInt, kUint = Kind::kUint,
                 kDouble = Kind::kDouble, kString = Kind::kString, kBytes = Kind::kBytes,
                 kTime = Kind::kTimestamp, kSpan = Kind::kDuration;
  table.Add("bool", {kBool}, kBool, Same);
  table.Add("bool", {kString}, kBool, BoolOfString);

  table.Add("int", {kInt}, kInt, Same);
  table.Add("int", {kUint}, kInt, IntOfUint);
  table.Add("int", {kDouble}, kInt, IntOfDouble);
  table.Add("int", {kString}, kInt, IntOfString);
  table.Add("int", {kTime}, kInt, IntOfTimestamp);

  table.Add("uint", {kUint}, kUint, Same);
  table.Add("uint", {kInt}, kUint, UintOfInt);
  table.Add("uint", {kDouble}, kUint, UintOfDouble);
  table.Add("uint", {kString}, kUint, UintOfString);

  table.Add("double", {kDouble}, kDouble, Same);
  table.Add("double", {kInt}, kDouble, DoubleOfInt);
  table.Add("double", {kUint}, kDouble, DoubleOfUint);
  table.Add("double", {kString}, kDouble, DoubleOfString);

  table.Add("string", {kString}, kString, Same);
  table.Add("string", {kBool}, kString, [](Arguments a, Work&) -> Result {
    return Value::String(a[0].bool_value() ? "true" : "false");
  });
  table.Add("string", {kInt}, kString, [](Arguments a, Work&) -> Result {
    return Value::String(absl::StrCat(a[0].int_value()));
  });
  table.Add("string", {kUint}, kString, [](Arguments a, Work&) -> Result {
    return Value::String(absl::StrCat(a[0].uint_value()));
  });
  table.Add("string", {kDouble}, kString, StringOfDouble);
  table.Add("string", {kBytes}, kString, StringOfBytes);
  table.Add("string", {kTime}, kString,
            [](Arguments a, Work&) -> Result { return Value::String(TimestampText(a[0].time())); });
  table.Add("string", {kSpan}, kString, [](Arguments a, Work&) -> Result {
    return Value::String(DurationText(a[0].duration()));
  });

  table.Add("bytes", {kBytes}, kBytes, Same);
  table.Add("bytes", {kString}, kBytes, BytesOfString);

  table.Add("timestamp", {kTime}, kTime, Same);
  table.Add("timestamp", {kInt}, kTime, TimestampOfInt);
  table.Add("timestamp", {kString}, kTime, TimestampOfString);
  table.Add("duration", {kSpan}, kSpan, Same);
  table.Add("duration", {kString}, kSpan, DurationOfString);

  table.Add("dyn", {Kind::kDyn}, Kind::kDyn, Same);
  table.Add("type", {Kind::kDyn}, Kind::kType, TypeOf);
}

}  // namespace curatord::filter
