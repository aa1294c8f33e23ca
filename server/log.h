// Logs of curatord: logfmt on stderr, RFC 3339 UTC with milliseconds, one line
// per event. Never a secret: keys, tickets and unlock keys have no business here.
// Thread-safe; a line is written with one write(2).
#ifndef SERVER_LOG_H_
#define SERVER_LOG_H_

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace curatord {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// One key and its value; values are quoted where they need it.
struct LogField {
  LogField(absl::string_view field_key, const absl::AlphaNum& field_value)
      : key(field_key), value(field_value.Piece()) {}
  std::string key;
  std::string value;
};

absl::StatusOr<LogLevel> ParseLogLevel(absl::string_view text);
void SetLogLevel(LogLevel level);
// Appended to every line, to tell processes apart that share a terminal.
void SetLogName(std::string name);

void Log(LogLevel level, absl::string_view message, std::initializer_list<LogField> fields = {});

// What gRPC has to say goes into this log at level debug: it reports as errors
// what is everyday life here (a client that dials an IP address, a peer that left).
void RouteGrpcLogs();

inline void LogDebug(absl::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kDebug, message, fields);
}
inline void LogInfo(absl::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kInfo, message, fields);
}
inline void LogWarning(absl::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kWarning, message, fields);
}
inline void LogError(absl::string_view message, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kError, message, fields);
}

}  // namespace curatord

#endif  // SERVER_LOG_H_
