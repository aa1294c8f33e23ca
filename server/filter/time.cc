#include "server/filter/time.h"

#include <unistd.h>

#include <cstdlib>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/filter/utf8.h"

namespace curatord::filter {
namespace {

constexpr int64_t kFirstSecond = -62135596800;  // 0001-01-01T00:00:00Z
constexpr int64_t kLastSecond = 253402300799;   // 9999-12-31T23:59:59Z
constexpr size_t kMaxTimeZoneName = 64;
constexpr size_t kMaxTimeText = 512;  // longer ones are not looked at: reading costs time

absl::Status OutOfRange(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(what, " out of range"));
}

absl::Status BadTimestamp(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", Excerpt(text), "\" is no RFC 3339 timestamp"));
}

absl::Status BadDuration(absl::string_view text) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", Excerpt(text), "\" is no duration such as \"1h30m\" or \"1.5s\""));
}

// A number of exactly `digits` digits at the start of `text`, which it is cut off.
bool ConsumeDigits(absl::string_view& text, size_t digits, int& number) {
  if (text.size() < digits) return false;
  number = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(text[i]))) return false;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool ConsumeChar(absl::string_view& text, absl::string_view any_of) {
  if (text.empty() || !absl::StrContains(any_of, text[0])) return false;
  text.remove_prefix(1);
  return true;
}

// "hh:mm" and nothing after it, as seconds.
bool ParseOffset(absl::string_view text, int& seconds) {
  int hours = 0;
  int minutes = 0;
  if (!ConsumeDigits(text, 2, hours) || !ConsumeChar(text, ":") ||
      !ConsumeDigits(text, 2, minutes) || !text.empty() || hours > 23 || minutes > 59) {
    return false;
  }
  seconds = (hours * 60 + minutes) * 60;
  return true;
}

size_t CountDigits(absl::string_view text) {
  size_t count = 0;
  while (count < text.size() && absl::ascii_isdigit(static_cast<unsigned char>(text[count]))) {
    ++count;
  }
  return count;
}

// The unit at the start of `text`, which it is cut off; 0 for none.
int64_t ConsumeUnit(absl::string_view& text) {
  constexpr struct {
    absl::string_view name;
    int64_t nanos;
  } kUnits[] = {
      {"ns", 1},          {"us", 1'000},        {"\u00b5s", 1'000},  // micro sign
      {"\u03bcs", 1'000},                                            // Greek mu
      {"ms", 1'000'000},  {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000},
  };
  for (const auto& unit : kUnits) {
    if (absl::StartsWith(text, unit.name)) {
      text.remove_prefix(unit.name.size());
      return unit.nanos;
    }
  }
  return 0;
}

// Adds one "12.5h".
absl::Status AddPart(absl::string_view whole, absl::string_view& text, int64_t& sum) {
  const absl::string_view integer = text.substr(0, CountDigits(text));
  text.remove_prefix(integer.size());
  absl::string_view fraction;
  if (ConsumeChar(text, ".")) {
    fraction = text.substr(0, CountDigits(text));
    text.remove_prefix(fraction.size());
  }
  if (integer.empty() && fraction.empty()) return BadDuration(whole);
  const int64_t unit = ConsumeUnit(text);
  if (unit == 0) return BadDuration(whole);

  int64_t number = 0;
  int64_t nanos = 0;
  if (!integer.empty() && !absl::SimpleAtoi(integer, &number)) return OutOfRange("duration");
  if (__builtin_mul_overflow(number, unit, &nanos)) return OutOfRange("duration");
  int64_t place = unit;
  for (const char digit : fraction) {
    // What is below a nanosecond is cut off.
    if (__builtin_add_overflow(nanos, place / 10 * (digit - '0'), &nanos)) {
      return OutOfRange("duration");
    }
    if (place % 10 != 0) break;
    place /= 10;
  }
  if (__builtin_add_overflow(sum, nanos, &sum)) return OutOfRange("duration");
  return absl::OkStatus();
}

// Whether the time zone database has a file of this name. absl::LoadTimeZone would
// also take absolute paths, and remembers for ever each name that it is asked for.
bool ZoneFileExists(absl::string_view name) {
  for (const char c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && !absl::StrContains("_+-/", c)) {
      return false;
    }
  }
  const char* directory = std::getenv("TZDIR");
  const std::string path =
      absl::StrCat(directory != nullptr ? directory : "/usr/share/zoneinfo", "/", name);
  return ::access(path.c_str(), R_OK) == 0;
}

}  // namespace

absl::StatusOr<Value> CheckedTimestamp(absl::Time time) {
  if (time < absl::FromUnixSeconds(kFirstSecond) ||
      time >= absl::FromUnixSeconds(kLastSecond + 1)) {
    return OutOfRange("timestamp");
  }
  return Value::Timestamp(time);
}

absl::StatusOr<Value> CheckedDuration(absl::Duration span) {
  if (span < absl::Nanoseconds(std::numeric_limits<int64_t>::min()) ||
      span > absl::Nanoseconds(std::numeric_limits<int64_t>::max())) {
    return OutOfRange("duration");
  }
  return Value::Duration(span);
}

absl::StatusOr<Value> TimestampOf(int64_t seconds, int32_t nanos) {
  return CheckedTimestamp(absl::FromUnixSeconds(seconds) + absl::Nanoseconds(nanos));
}

absl::StatusOr<Value> DurationOf(int64_t seconds, int32_t nanos) {
  return CheckedDuration(absl::Seconds(seconds) + absl::Nanoseconds(nanos));
}

absl::StatusOr<Value> ParseTimestamp(absl::string_view text) {
  // absl::ParseTime is more generous: spaces, years of any length, leap seconds.
  absl::string_view rest = text;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (text.size() > kMaxTimeText) return BadTimestamp(text);
  if (CountDigits(rest) > 4) return OutOfRange("timestamp");
  if (!ConsumeDigits(rest, 4, year) || !ConsumeChar(rest, "-") || !ConsumeDigits(rest, 2, month) ||
      !ConsumeChar(rest, "-") || !ConsumeDigits(rest, 2, day) || !ConsumeChar(rest, "Tt") ||
      !ConsumeDigits(rest, 2, hour) || !ConsumeChar(rest, ":") || !ConsumeDigits(rest, 2, minute) ||
      !ConsumeChar(rest, ":") || !ConsumeDigits(rest, 2, second) || hour > 23 || minute > 59 ||
      second > 59) {
    return BadTimestamp(text);
  }
  int64_t nanos = 0;
  if (ConsumeChar(rest, ".")) {
    const absl::string_view fraction = rest.substr(0, CountDigits(rest));
    if (fraction.empty()) return BadTimestamp(text);
    rest.remove_prefix(fraction.size());
    int64_t place = 100'000'000;
    for (const char digit : fraction) {
      nanos += place * (digit - '0');
      place /= 10;
    }
  }
  int offset = 0;
  const bool west = absl::StartsWith(rest, "-");
  if (ConsumeChar(rest, "+-")) {
    if (!ParseOffset(rest, offset)) return BadTimestamp(text);
  } else if (!ConsumeChar(rest, "Zz") || !rest.empty()) {
    return BadTimestamp(text);
  }
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  if (civil.month() != month || civil.day() != day) return BadTimestamp(text);
  return CheckedTimestamp(absl::FromCivil(civil, absl::UTCTimeZone()) + absl::Nanoseconds(nanos) -
                          absl::Seconds(west ? -offset : offset));
}

std::string TimestampText(absl::Time time) {
  return absl::FormatTime("%E4Y-%m-%d%ET%H:%M:%E*SZ", time, absl::UTCTimeZone());
}

absl::StatusOr<Value> ParseDuration(absl::string_view text) {
  absl::string_view rest = text;
  const bool negative = absl::StartsWith(rest, "-");
  ConsumeChar(rest, "+-");
  if (rest == "0") return Value::Duration(absl::ZeroDuration());
  if (rest.empty() || text.size() > kMaxTimeText) return BadDuration(text);
  int64_t sum = 0;
  while (!rest.empty()) {
    if (absl::Status part = AddPart(text, rest, sum); !part.ok()) return part;
  }
  return Value::Duration(absl::Nanoseconds(negative ? -sum : sum));
}

std::string DurationText(absl::Duration span) {
  const int64_t nanos = absl::ToInt64Nanoseconds(span);
  const absl::string_view sign = nanos < 0 ? "-" : "";
  const uint64_t magnitude =
      nanos < 0 ? uint64_t{0} - static_cast<uint64_t>(nanos) : static_cast<uint64_t>(nanos);
  const uint64_t seconds = magnitude / 1'000'000'000;
  const uint64_t fraction = magnitude % 1'000'000'000;
  if (fraction == 0) return absl::StrCat(sign, seconds, "s");
  std::string digits = absl::StrFormat("%09d", fraction);
  digits.erase(digits.find_last_not_of('0') + 1);
  return absl::StrCat(sign, seconds, ".", digits, "s");
}

absl::StatusOr<absl::TimeZone> FindTimeZone(absl::string_view name) {
  if (name.empty() || name == "UTC") return absl::UTCTimeZone();
  const bool west = name[0] == '-';
  int offset = 0;
  if (ParseOffset(name[0] == '-' || name[0] == '+' ? name.substr(1) : name, offset)) {
    return absl::FixedTimeZone(west ? -offset : offset);
  }
  absl::TimeZone zone;
  if (name.size() <= kMaxTimeZoneName && ZoneFileExists(name) &&
      absl::LoadTimeZone(std::string(name), &zone)) {
    return zone;
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown time zone \"", Excerpt(name), "\""));
}

}  // namespace curatord::filter
