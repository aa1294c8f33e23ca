#include "server/config.h"

#include <arpa/inet.h>

#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "libclient/client/durable_file.h"
#include "libclient/core/endpoint.h"
#include "server/explained.h"
#include "server/limits.h"
#include "server/store/etcd_url.h"
#include "yaml-cpp/yaml.h"

namespace curatord {
namespace {

namespace fs = std::filesystem;
using curator::core::Endpoint;
using curator::core::kDefaultPort;
using curator::core::ParseEndpoint;

constexpr char kKnownKeys[] =
    "data-dir, store, listen, advertise, lease-ttl, fast-takeover, metrics-listen, log-level, "
    "limits";
constexpr char kStoreKeys[] = "endpoints, tls, prefix, ca, cert, key, user, password-file";

bool IsIpAddress(const std::string& text) {
  unsigned char buffer[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, text.c_str(), buffer) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), buffer) == 1;
}

// In any notation: 0.0.0.0, ::, 0:0:0:0:0:0:0:0.
bool IsWildcard(const std::string& host) {
  const unsigned char zeros[sizeof(in6_addr)] = {};
  unsigned char address[sizeof(in6_addr)] = {};
  return (::inet_pton(AF_INET, host.c_str(), address) == 1 ||
          ::inet_pton(AF_INET6, host.c_str(), address) == 1) &&
         std::memcmp(address, zeros, sizeof(zeros)) == 0;
}

// Whether `text`, which was parsed as `endpoint`, says the port itself.
bool NamesPort(const std::string& text, const Endpoint& endpoint) {
  return endpoint.port != kDefaultPort || (absl::EndsWith(text, absl::StrCat(":", kDefaultPort)) &&
                                           !IsIpAddress(text));  // fd00::7835 has none
}

absl::Status FileError(const std::string& path, int line, absl::string_view what,
                       absl::string_view what_to_do) {
  return Explained(absl::InvalidArgumentError(absl::StrCat(path, ":", line, ": ", what)),
                   "the configuration file is not as curatord expects it", what_to_do);
}

absl::optional<std::string>* SettingNamed(RunSettings* settings, const std::string& key) {
  if (key == "data-dir") return &settings->data_dir;
  if (key == "store") return &settings->store;
  if (key == "listen") return &settings->listen;
  if (key == "advertise") return &settings->advertise;
  if (key == "lease-ttl") return &settings->lease_ttl;
  if (key == "fast-takeover") return &settings->fast_takeover;
  if (key == "metrics-listen") return &settings->metrics_listen;
  if (key == "log-level") return &settings->log_level;
  return nullptr;
}

// An etcd as a mapping; the URL that says the same.
absl::StatusOr<std::string> ReadEtcdStore(const std::string& path, const YAML::Node& store) {
  std::vector<std::string> endpoints;
  std::vector<std::pair<std::string, std::string>> parameters;
  bool tls = false;
  for (const auto& entry : store) {
    const int line = entry.first.Mark().line + 1;
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    const bool is_list = entry.second.IsSequence();
    if (is_list ? key != "endpoints" : !entry.second.IsScalar()) {
      return FileError(path, line, absl::StrCat("store: \"", key, "\" must be one value"),
                       absl::StrCat("keys of store are ", kStoreKeys));
    }
    if (key == "endpoints") {
      if (!is_list) endpoints.push_back(entry.second.Scalar());
      for (const YAML::Node& endpoint : entry.second) {
        if (!endpoint.IsScalar()) {
          return FileError(path, endpoint.Mark().line + 1, "an endpoint is no plain word",
                           "write HOST:2379");
        }
        endpoints.push_back(endpoint.Scalar());
      }
    } else if (key == "tls") {
      const std::string& value = entry.second.Scalar();
      if (value != "true" && value != "false") {
        return FileError(path, line, "store: \"tls\" must be true or false", "write tls: true");
      }
      tls = value == "true";
    } else if (absl::StrContains(absl::StrCat(", ", kStoreKeys, ","),
                                 absl::StrCat(", ", key, ","))) {
      std::string value = entry.second.Scalar();
      if (key != "prefix" && key != "user" && fs::path(value).is_relative()) {
        value = (fs::absolute(path).parent_path() / value).lexically_normal();
      }
      parameters.emplace_back(key, std::move(value));
    } else {
      return FileError(path, line, absl::StrCat("unknown key \"", key, "\" of store"),
                       absl::StrCat("keys of store are ", kStoreKeys));
    }
  }
  if (endpoints.empty()) {
    return FileError(path, store.Mark().line + 1, "store names no endpoints",
                     "write endpoints: [HOST:2379, …]");
  }
  return MakeEtcdUrl(endpoints, tls, parameters);
}

absl::Status ReadLimits(const std::string& path, const YAML::Node& limits, RunSettings* settings) {
  if (!limits.IsMap()) {
    return FileError(path, limits.Mark().line + 1, "\"limits\" is no mapping",
                     "write one \"name: number\" a line below it");
  }
  for (const auto& entry : limits) {
    const int line = entry.first.Mark().line + 1;
    if (!entry.first.IsScalar() || !entry.second.IsScalar()) {
      return FileError(path, line, "a limit is no number",
                       absl::StrCat("limits are ", LimitNames()));
    }
    Limits unused;
    absl::Status good = SetLimit(&unused, entry.first.Scalar(), entry.second.Scalar());
    if (!good.ok()) {
      return FileError(path, line, good.message(), absl::StrCat("limits are ", LimitNames()));
    }
    settings->limits.emplace_back(entry.first.Scalar(), entry.second.Scalar());
  }
  return absl::OkStatus();
}

absl::StatusOr<RunSettings> ReadRunSettings(const std::string& path, const YAML::Node& root) {
  RunSettings settings;
  if (root.IsNull()) return settings;
  if (!root.IsMap()) {
    return FileError(path, root.Mark().line + 1, "the file is no mapping of keys to values",
                     absl::StrCat("write one \"key: value\" a line; keys are ", kKnownKeys));
  }
  for (const auto& entry : root) {
    const int line = entry.first.Mark().line + 1;
    if (!entry.first.IsScalar()) {
      return FileError(path, line, "a key is no plain word", kKnownKeys);
    }
    const std::string key = entry.first.Scalar();
    if (key == "limits") {
      if (absl::Status read = ReadLimits(path, entry.second, &settings); !read.ok()) return read;
      continue;
    }
    absl::optional<std::string>* setting = SettingNamed(&settings, key);
    if (setting == nullptr) {
      return FileError(path, line, absl::StrCat("unknown key \"", key, "\""),
                       absl::StrCat("known keys are ", kKnownKeys));
    }
    if (key == "store" && entry.second.IsMap()) {
      absl::StatusOr<std::string> url = ReadEtcdStore(path, entry.second);
      if (!url.ok()) return url.status();
      *setting = *std::move(url);
      continue;
    }
    if (!entry.second.IsScalar()) {
      return FileError(path, line,
                       absl::StrCat("\"", key, "\" must be one value, not a list or map"),
                       absl::StrCat("write ", key, ": VALUE"));
    }
    *setting = entry.second.Scalar();
  }
  if (settings.data_dir.has_value() && fs::path(*settings.data_dir).is_relative()) {
    settings.data_dir = (fs::absolute(path).parent_path() / *settings.data_dir).lexically_normal();
  }
  return settings;
}

}  // namespace

absl::StatusOr<RunSettings> LoadRunSettings(const std::string& path) {
  absl::StatusOr<absl::optional<std::string>> text = curator::ReadFileIfPresent(path);
  if (!text.ok()) {
    return Explained(text.status(), "it is a directory, or may not be read",
                     "check the path of --config");
  }
  if (!text->has_value()) {
    return Explained(absl::NotFoundError(absl::StrCat("cannot read ", path)),
                     "the file does not exist", "check the path of --config");
  }
  // yaml-cpp reports by exceptions; none leaves this function.
  try {
    return ReadRunSettings(path, YAML::Load(**text));
  } catch (const YAML::Exception& exception) {
    return FileError(path, exception.mark.line + 1, exception.msg, "write YAML");
  }
}

absl::StatusOr<std::string> DefaultStoreUrl(const std::string& data_dir) {
  std::error_code error;
  const fs::path absolute = fs::absolute(data_dir, error);
  if (error) return absl::InvalidArgumentError(absl::StrCat(data_dir, ": ", error.message()));
  return absl::StrCat("sqlite://", (absolute / "store.db").lexically_normal().string());
}

absl::StatusOr<RunConfig> MakeRunConfig(const RunSettings& flags, const RunSettings& file) {
  auto pick = [](const absl::optional<std::string>& flag, const absl::optional<std::string>& entry,
                 const std::string& otherwise) {
    return flag.has_value() ? *flag : entry.has_value() ? *entry : otherwise;
  };
  RunConfig config;
  config.data_dir = pick(flags.data_dir, file.data_dir, "");
  if (config.data_dir.empty()) {
    return Explained(absl::InvalidArgumentError("no data directory is given"),
                     "curatord keeps its identity there",
                     "give --data-dir DIR, as for `curatord init` or `curatord join`");
  }
  absl::StatusOr<std::string> default_store = DefaultStoreUrl(config.data_dir);
  if (!default_store.ok()) return default_store.status();
  config.store_url = pick(flags.store, file.store, *default_store);

  const std::string listen = pick(flags.listen, file.listen, "");
  const std::string advertise = pick(flags.advertise, file.advertise, "");
  if (listen.empty()) {
    return Explained(absl::InvalidArgumentError("no address to listen on is given"),
                     "other curators and clients must reach this one under a known address",
                     "give --listen ADDR[:7835]");
  }
  absl::StatusOr<Endpoint> listen_endpoint = ParseEndpoint(listen);
  if (!listen_endpoint.ok()) {
    return Explained(listen_endpoint.status(), absl::StrCat("--listen is \"", listen, "\""),
                     "give ADDR[:PORT], IPv6 in brackets: 10.0.0.1 or [fd00::1]:7835");
  }
  if (IsWildcard(listen_endpoint->host) && advertise.empty()) {
    return Explained(absl::InvalidArgumentError("no address to advertise is given"),
                     absl::StrCat("listening on ", listen_endpoint->host,
                                  " does not say where others reach this curator"),
                     "give --advertise IP[:PORT]");
  }
  Endpoint advertised = *listen_endpoint;
  if (!advertise.empty()) {
    absl::StatusOr<Endpoint> parsed = ParseEndpoint(advertise);
    if (!parsed.ok()) {
      return Explained(parsed.status(), absl::StrCat("--advertise is \"", advertise, "\""),
                       "give IP[:PORT], IPv6 in brackets");
    }
    // Without a port of its own: the one that is listened on.
    advertised = {parsed->host,
                  NamesPort(advertise, *parsed) ? parsed->port : listen_endpoint->port};
  }
  if (!IsIpAddress(advertised.host) || IsWildcard(advertised.host)) {
    return Explained(absl::InvalidArgumentError(
                         absl::StrCat("\"", advertised.host, "\" is no address to advertise")),
                     "a curator tells others its IP address, and host names are not taken",
                     "give --advertise IP[:PORT]");
  }
  config.listen_address = listen_endpoint->ToString();
  config.advertise_host = advertised.host;
  config.advertise_port = advertised.port;

  const std::string ttl = pick(flags.lease_ttl, file.lease_ttl, "10s");
  if (!absl::ParseDuration(ttl, &config.lease_ttl) || config.lease_ttl < absl::Seconds(3) ||
      config.lease_ttl > absl::Minutes(10)) {
    return Explained(
        absl::InvalidArgumentError(absl::StrCat("\"", ttl, "\" is no lease TTL")),
        "a shorter lease than 3s cannot be kept reliably, a longer one than 10m helps nobody",
        "give --lease-ttl 10s");
  }
  const std::string takeover = pick(flags.fast_takeover, file.fast_takeover, "on");
  config.fast_takeover = takeover == "on" || takeover == "true";
  if (!config.fast_takeover && takeover != "off" && takeover != "false") {
    return Explained(
        absl::InvalidArgumentError(absl::StrCat("\"", takeover, "\" is neither on nor off")),
        "--fast-takeover says whether a leader that is gone is deposed before its lease ends",
        "give --fast-takeover on or off");
  }
  const std::string metrics = pick(flags.metrics_listen, file.metrics_listen, "");
  if (!metrics.empty()) {
    absl::StatusOr<Endpoint> parsed = ParseEndpoint(metrics);
    if (!parsed.ok() || !NamesPort(metrics, *parsed)) {
      return Explained(
          parsed.ok() ? absl::InvalidArgumentError(absl::StrCat("\"", metrics, "\" names no port"))
                      : parsed.status(),
          "--metrics-listen says where Prometheus finds this curator, beside the curator's port",
          "give ADDR:PORT, IPv6 in brackets: 127.0.0.1:9835");
    }
    config.metrics_listen = *std::move(parsed);
  }
  absl::StatusOr<LogLevel> level = ParseLogLevel(pick(flags.log_level, file.log_level, "info"));
  if (!level.ok()) {
    return Explained(level.status(), "--log-level says how much is logged",
                     "give --log-level info");
  }
  config.log_level = *level;
  for (const RunSettings* settings : {&file, &flags}) {
    for (const auto& [name, number] : settings->limits) {
      if (absl::Status set = SetLimit(&config.limits, name, number); !set.ok()) return set;
    }
  }
  return config;
}

}  // namespace curatord
