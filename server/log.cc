#include "server/log.h"

#include <unistd.h>

#include <atomic>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpc/support/log.h"

namespace curatord {
namespace {

std::atomic<LogLevel> minimum_level{LogLevel::kInfo};

std::string& LogName() {
  static std::string& name = *new std::string;
  return name;
}

const char* Name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

bool NeedsQuotes(absl::string_view value) {
  if (value.empty()) return true;
  for (unsigned char c : value) {
    if (c <= ' ' || c == '"' || c == '=' || c == 0x7f) return true;
  }
  return false;
}

void AppendField(std::string* line, absl::string_view key, absl::string_view value) {
  if (NeedsQuotes(value)) {
    absl::StrAppend(line, " ", key, "=\"", absl::Utf8SafeCEscape(value), "\"");
  } else {
    absl::StrAppend(line, " ", key, "=", value);
  }
}

}  // namespace

absl::StatusOr<LogLevel> ParseLogLevel(absl::string_view text) {
  for (LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    if (text == Name(level)) return level;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown log level \"", text, "\": use debug, info, warn or error"));
}

void SetLogLevel(LogLevel level) { minimum_level.store(level); }

void SetLogName(std::string name) { LogName() = std::move(name); }

void RouteGrpcLogs() {
  gpr_set_log_function([](gpr_log_func_args* entry) {
    LogDebug("grpc", {{"file", entry->file}, {"line", entry->line}, {"text", entry->message}});
  });
}

void Log(LogLevel level, absl::string_view message, std::initializer_list<LogField> fields) {
  if (level < minimum_level.load(std::memory_order_relaxed)) return;
  std::string line = absl::StrCat(
      "time=", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone()),
      " level=", Name(level));
  AppendField(&line, "msg", message);
  for (const LogField& field : fields) AppendField(&line, field.key, field.value);
  if (!LogName().empty()) AppendField(&line, "curator", LogName());
  line.push_back('\n');
  // A log that cannot be written is not worth stopping for.
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace curatord
