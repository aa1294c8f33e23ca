// What `curatord run` is told: flags over file over defaults.
#ifndef SERVER_CONFIG_H_
#define SERVER_CONFIG_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "libclient/core/endpoint.h"
#include "server/limits.h"
#include "server/log.h"

namespace curatord {

// As given, by flags or by a file; what is not given is none.
struct RunSettings {
  absl::optional<std::string> data_dir;
  absl::optional<std::string> store;
  absl::optional<std::string> listen;
  absl::optional<std::string> advertise;
  absl::optional<std::string> lease_ttl;
  absl::optional<std::string> fast_takeover;
  absl::optional<std::string> metrics_listen;
  absl::optional<std::string> log_level;
  std::vector<std::pair<std::string, std::string>> limits;  // name, number; the last one counts
};

// Checked and complete.
struct RunConfig {
  std::string data_dir;
  std::string store_url;
  std::string listen_address;  // host:port, IPv6 in brackets
  std::string advertise_host;  // IP address
  int advertise_port = 0;
  absl::Duration lease_ttl;
  bool fast_takeover = true;
  absl::optional<curator::core::Endpoint> metrics_listen;  // none: no metrics
  LogLevel log_level = LogLevel::kInfo;
  Limits limits;
};

// YAML. Unknown keys and wrong types are errors that name the line; relative
// paths are relative to the file. `store` is a URL or, for an etcd, a mapping with
// `endpoints` and what its URL takes as parameters.
absl::StatusOr<RunSettings> LoadRunSettings(const std::string& path);

// `flags` win over `file`. Errors say what is wrong and what to give instead.
absl::StatusOr<RunConfig> MakeRunConfig(const RunSettings& flags, const RunSettings& file);

// "sqlite:///ABS/store.db" for a data directory.
absl::StatusOr<std::string> DefaultStoreUrl(const std::string& data_dir);

}  // namespace curatord

#endif  // SERVER_CONFIG_H_
