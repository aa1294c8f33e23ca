// Timestamps and durations: their ranges, their texts, time zones.
#ifndef SERVER_FILTER_TIME_H_
#define SERVER_FILTER_TIME_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/filter/value.h"

namespace curatord::filter {

// Timestamps lie in the years 1 to 9999, durations are 64 bits of nanoseconds (some
// 292 years). What lies beyond is kInvalidArgument.
absl::StatusOr<Value> CheckedTimestamp(absl::Time time);
absl::StatusOr<Value> CheckedDuration(absl::Duration span);

// From the fields of the protobuf messages.
absl::StatusOr<Value> TimestampOf(int64_t seconds, int32_t nanos);
absl::StatusOr<Value> DurationOf(int64_t seconds, int32_t nanos);

// RFC 3339: "2009-02-13T23:31:30.5Z", "2009-02-13T23:31:30+01:00".
absl::StatusOr<Value> ParseTimestamp(absl::string_view text);
std::string TimestampText(absl::Time time);

// A signed sequence of numbers with units: "1h30m", "-1.5s", "10ms", "3us", "7ns", "0".
absl::StatusOr<Value> ParseDuration(absl::string_view text);
// In seconds: "90s", "0.250s".
std::string DurationText(absl::Duration span);

// An IANA name, or an offset "+02:00", "-08:30", "02:00"; "" is UTC.
absl::StatusOr<absl::TimeZone> FindTimeZone(absl::string_view name);

}  // namespace curatord::filter

#endif  // SERVER_FILTER_TIME_H_
