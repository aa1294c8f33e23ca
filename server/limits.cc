#include "server/limits.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/explained.h"

namespace curatord {
namespace {

struct Row {
  const char* name;
  int64_t Limits::*value;
  int64_t least;
  int64_t most;
};

constexpr Row kRows[] = {
    // --- connections
    {"stranger-connections", &Limits::stranger_connections, 16, 1000000},
    {"stranger-connections-per-address", &Limits::stranger_connections_per_address, 16, 1000000},
    {"buffers-mib", &Limits::buffers_mib, 64, 1000000},

    // --- registration
    {"new-nodes", &Limits::new_nodes, 1, 1000000},
    {"registration-burst", &Limits::registration_burst, 1, 1000000},
    {"registrations-per-second", &Limits::registrations_per_second, 1, 1000000},

    // --- writes
    {"node-write-burst", &Limits::node_write_burst, 1, 1000000},
    {"node-writes-per-second", &Limits::node_writes_per_second, 1, 1000000},
};

}  // namespace

absl::Status SetLimit(Limits* limits, absl::string_view name, absl::string_view number) {
  for (const Row& row : kRows) {
    if (name != row.name) continue;
    int64_t value = 0;
    if (absl::SimpleAtoi(number, &value) && value >= row.least && value <= row.most) {
      limits->*row.value = value;
      return absl::OkStatus();
    }
    return Explained(absl::InvalidArgumentError(
                         absl::StrCat("\"", number, "\" is no value of the limit ", row.name)),
                     absl::StrCat("it is a number from ", row.least, " to ", row.most),
                     absl::StrCat("give ", row.name, "=", Limits().*row.value,
                                  ", which is also what holds ", "without it"));
  }
  return Explained(absl::InvalidArgumentError(absl::StrCat("there is no limit \"", name, "\"")),
                   absl::StrCat("the limits are ", LimitNames()), "see docs/operations.md");
}

std::string LimitNames() {
  return absl::StrJoin(kRows, ", ",
                       [](std::string* out, const Row& row) { absl::StrAppend(out, row.name); });
}

}  // namespace curatord
