// The parts of timestamps, in UTC or a given time zone, and of durations.
#include "server/filter/functions/function.h"
#include "server/filter/time.h"

namespace curatord::filter {
namespace {

using Arguments = absl::Span<const Value>;
using Result = absl::StatusOr<Value>;

// What a look-up of a time zone costs: a file system call and a lock.
constexpr int64_t kTimeZoneSteps = 50;

// Months and the days of week, month and year count from 0, Sunday is 0; only
// getDate() counts from 1.
int FullYear(const absl::TimeZone::CivilInfo& at) { return static_cast<int>(at.cs.year()); }
int Month(const absl::TimeZone::CivilInfo& at) { return at.cs.month() - 1; }
int Date(const absl::TimeZone::CivilInfo& at) { return at.cs.day(); }
int DayOfMonth(const absl::TimeZone::CivilInfo& at) { return at.cs.day() - 1; }
int DayOfWeek(const absl::TimeZone::CivilInfo& at) {
  return (static_cast<int>(absl::GetWeekday(at.cs)) + 1) % 7;  // absl: Monday is 0
}
int DayOfYear(const absl::TimeZone::CivilInfo& at) { return absl::GetYearDay(at.cs) - 1; }
int Hours(const absl::TimeZone::CivilInfo& at) { return at.cs.hour(); }
int Minutes(const absl::TimeZone::CivilInfo& at) { return at.cs.minute(); }
int Seconds(const absl::TimeZone::CivilInfo& at) { return at.cs.second(); }
int Milliseconds(const absl::TimeZone::CivilInfo& at) {
  return static_cast<int>(absl::ToInt64Milliseconds(at.subsecond));
}

template <int (*kPart)(const absl::TimeZone::CivilInfo&)>
Result InUtc(Arguments a, Work&) {
  return Value::Int(kPart(absl::UTCTimeZone().At(a[0].time())));
}

template <int (*kPart)(const absl::TimeZone::CivilInfo&)>
Result InTimeZone(Arguments a, Work& work) {
  if (absl::Status s = work.Spend(kTimeZoneSteps); !s.ok()) return s;
  const absl::StatusOr<absl::TimeZone> zone = FindTimeZone(a[1].text());
  if (!zone.ok()) return zone.status();
  return Value::Int(kPart(zone->At(a[0].time())));
}

template <int (*kPart)(const absl::TimeZone::CivilInfo&)>
void AddPart(FunctionTable& table, absl::string_view name) {
  table.Add(name, {Kind::kTimestamp}, Kind::kInt, InUtc<kPart>);
  table.Add(name, {Kind::kTimestamp, Kind::kString}, Kind::kInt, InTimeZone<kPart>);
}

}  // namespace

void AddTimes(FunctionTable& table) {
  AddPart<FullYear>(table, ".getFullYear");
  AddPart<Month>(table, ".getMonth");
  AddPart<Date>(table, ".getDate");
  AddPart<DayOfMonth>(table, ".getDayOfMonth");
  AddPart<DayOfWeek>(table, ".getDayOfWeek");
  AddPart<DayOfYear>(table, ".getDayOfYear");
  AddPart<Hours>(table, ".getHours");
  AddPart<Minutes>(table, ".getMinutes");
  AddPart<Seconds>(table, ".getSeconds");
  AddPart<Milliseconds>(table, ".getMilliseconds");

  // Of a duration: the whole of it in that unit, but for the milliseconds, which are
  // those beyond the whole seconds.
  table.Add(".getHours", {Kind::kDuration}, Kind::kInt, [](Arguments a, Work&) -> Result {
    return Value::Int(absl::ToInt64Hours(a[0].duration()));
  });
  table.Add(".getMinutes", {Kind::kDuration}, Kind::kInt, [](Arguments a, Work&) -> Result {
    return Value::Int(absl::ToInt64Minutes(a[0].duration()));
  });
  table.Add(".getSeconds", {Kind::kDuration}, Kind::kInt, [](Arguments a, Work&) -> Result {
    return Value::Int(absl::ToInt64Seconds(a[0].duration()));
  });
  table.Add(".getMilliseconds", {Kind::kDuration}, Kind::kInt, [](Arguments a, Work&) -> Result {
    return Value::Int(absl::ToInt64Milliseconds(a[0].duration()) % 1000);
  });
}

}  // namespace curatord::filter
