#include "cli/settings.h"

#include <functional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cli/exit_code.h"
#include "curator/credentials.h"

namespace curator::cli {
namespace {

constexpr absl::Duration kDefaultTimeout = absl::Seconds(30);
constexpr absl::Duration kDefaultConnectTimeout = absl::Seconds(5);

// One string setting from the places it may come from, highest first.
class Choice {
 public:
  Choice& From(const absl::optional<std::string>& value, std::string origin) {
    if (!chosen_ && value.has_value()) {
      result_ = {*value, std::move(origin)};
      chosen_ = true;
    }
    return *this;
  }
  Choice& From(const std::string& value, std::string origin) {
    return value.empty() ? *this : From(absl::make_optional(value), std::move(origin));
  }
  Effective<std::string> Get() const { return result_; }

 private:
  bool chosen_ = false;
  Effective<std::string> result_;
};

std::vector<std::string> SplitList(const std::vector<std::string>& given) {
  std::vector<std::string> all;
  for (const std::string& list : given) {
    for (absl::string_view item : absl::StrSplit(list, ',')) {
      item = absl::StripAsciiWhitespace(item);
      if (!item.empty()) all.emplace_back(item);
    }
  }
  return all;
}

std::string Variable(absl::string_view name) { return absl::StrCat("environment ", name); }

bool IsTrue(const std::string& text) {
  const std::string lower = absl::AsciiStrToLower(text);
  return lower != "0" && lower != "false" && lower != "no" && lower != "off";
}

absl::StatusOr<Effective<CaSetting>> ChooseCa(const GlobalFlags& flags,
                                              const Environment& environment,
                                              const Settings& settings, const ConfigFile& file) {
  Effective<CaSetting> ca;
  if (flags.ca_file.has_value() || flags.ca_sha256.has_value()) {
    ca.value = {flags.ca_file.value_or(""), flags.ca_sha256.value_or("")};
    ca.origin = flags.ca_file.has_value() ? "flag --ca-file" : "flag --ca-sha256";
  } else if (const auto sha256 = environment.Get("CURATORCTL_CA_SHA256"); sha256.has_value()) {
    ca = {{"", *sha256}, Variable("CURATORCTL_CA_SHA256")};
  } else if (settings.context.has_value() &&
             (!settings.context->ca_file.empty() || !settings.context->ca_sha256.empty())) {
    ca = {{file.Resolve(settings.context->ca_file), settings.context->ca_sha256},
          absl::StrCat("context ", settings.context_name.value)};
  }
  if (ca.value.sha256.empty()) return ca;
  absl::StatusOr<std::string> fingerprint = ParseFingerprint(ca.value.sha256);
  if (!fingerprint.ok()) {
    return Failure(ExitCode::kUsage,
                   absl::StrCat("\"", ca.value.sha256, "\" is not a SHA-256 fingerprint"),
                   std::string(fingerprint.status().message()),
                   {absl::StrCat("it comes from: ", ca.origin,
                                 "; `curatord init` prints the right one, 64 hex digits")});
  }
  ca.value.sha256 = *fingerprint;
  return ca;
}

// Whether the CA that was chosen is not the one the context pins: then its
// certificate is of another cluster, and of no use with this one.
bool IsAnotherClusters(const Settings& settings) {
  const absl::StatusOr<std::string> pin = ParseFingerprint(settings.context->ca_sha256);
  const std::string& chosen = settings.ca.value.sha256;
  return pin.ok() && !chosen.empty() && chosen != *pin;
}

absl::StatusOr<Effective<CredentialSetting>> ChooseCredential(const GlobalFlags& flags,
                                                              const Environment& environment,
                                                              const Settings& settings,
                                                              const ConfigFile& file) {
  Effective<CredentialSetting> credential;
  const auto certificate = environment.Get("CURATORCTL_CERT_FILE");
  const auto key = environment.Get("CURATORCTL_KEY_FILE");
  if (flags.certificate_file.has_value() || flags.key_file.has_value()) {
    credential = {{flags.certificate_file.value_or(certificate.value_or("")),
                   flags.key_file.value_or(key.value_or(""))},
                  "flag --cert, --key"};
  } else if (certificate.has_value() || key.has_value()) {
    credential = {{certificate.value_or(""), key.value_or("")},
                  Variable("CURATORCTL_CERT_FILE, CURATORCTL_KEY_FILE")};
  } else if (settings.context.has_value() && !IsAnotherClusters(settings)) {
    credential = {{file.Resolve(settings.context->certificate_file),
                   file.Resolve(settings.context->key_file)},
                  absl::StrCat("context ", settings.context_name.value)};
    if (credential.value.empty()) credential = {};
  }
  if (credential.value.certificate_file.empty() != credential.value.key_file.empty()) {
    return Failure(ExitCode::kUsage,
                   credential.value.key_file.empty() ? "a certificate is given without its key"
                                                     : "a key is given without its certificate",
                   absl::StrCat("it comes from: ", credential.origin),
                   {"give --cert FILE and --key FILE together"});
  }
  return credential;
}

bool UseColor(const std::string& mode, const Environment& environment) {
  if (mode == "always") return true;
  if (mode == "never") return false;
  if (environment.Get("NO_COLOR").has_value()) return false;
  if (const auto force = environment.Get("CLICOLOR_FORCE"); force.has_value() && *force != "0") {
    return true;
  }
  return environment.stdout_is_terminal && environment.Get("TERM").value_or("dumb") != "dumb";
}

// A context's own, while its endpoints are asked; else one of the endpoints, by a name
// that no context can have.
std::string CachePath(const Environment& environment, const Settings& settings) {
  std::string folder;
  if (const auto xdg = environment.Get("XDG_CACHE_HOME"); xdg.has_value()) {
    folder = *xdg;
  } else if (const auto home = environment.Get("HOME"); home.has_value()) {
    folder = absl::StrCat(*home, "/.cache");
  }
  const std::vector<std::string>& endpoints = settings.endpoints.value;
  if (folder.empty() || endpoints.empty()) return "";
  std::string name = settings.context_name.value;
  if (!settings.context.has_value() || settings.context->endpoints != endpoints) {
    name = absl::StrCat("@", absl::Hex(std::hash<std::string>()(absl::StrJoin(endpoints, ","))));
  }
  return absl::StrCat(folder, "/curatorctl/", name, ".json");
}

}  // namespace

absl::optional<std::string> Environment::Get(absl::string_view name) const {
  const auto it = variables.find(std::string(name));
  if (it == variables.end() || it->second.empty()) return absl::nullopt;
  return it->second;
}

absl::StatusOr<Effective<std::string>> ConfigPath(const GlobalFlags& flags,
                                                  const Environment& environment) {
  Choice choice;
  choice.From(flags.config, "flag --config")
      .From(environment.Get("CURATORCTL_CONFIG"), Variable("CURATORCTL_CONFIG"));
  if (const auto xdg = environment.Get("XDG_CONFIG_HOME"); xdg.has_value()) {
    choice.From(absl::StrCat(*xdg, "/curatorctl/config.yaml"), Variable("XDG_CONFIG_HOME"));
  }
  if (const auto home = environment.Get("HOME"); home.has_value()) {
    choice.From(absl::StrCat(*home, "/.config/curatorctl/config.yaml"), "built in");
  }
  Effective<std::string> path = choice.Get();
  if (path.value.empty()) {
    return Failure(ExitCode::kUsage, "there is no place for the config file",
                   "neither HOME nor XDG_CONFIG_HOME is set", {"name one: --config FILE"});
  }
  return path;
}

absl::StatusOr<absl::Duration> ParseTimeout(absl::string_view text, absl::string_view where) {
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration) || duration < absl::ZeroDuration()) {
    return Failure(ExitCode::kUsage, absl::StrCat("\"", text, "\" is not a duration (", where, ")"),
                   "", {"write 500ms, 30s, 2m or 1h30m; 0 means no limit"});
  }
  return duration == absl::ZeroDuration() ? absl::InfiniteDuration() : duration;
}

absl::StatusOr<Settings> ResolveSettings(const GlobalFlags& flags, const Environment& environment,
                                         const Effective<std::string>& config_path,
                                         const ConfigFile& file) {
  Settings settings;
  settings.config_path = config_path;
  const std::string defaults_origin = absl::StrCat("defaults of ", file.path());
  const Defaults& defaults = file.config().defaults;

  settings.context_is_explicit =
      flags.context.has_value() || environment.Get("CURATORCTL_CONTEXT").has_value();
  settings.context_name =
      Choice()
          .From(flags.context, "flag --context")
          .From(environment.Get("CURATORCTL_CONTEXT"), Variable("CURATORCTL_CONTEXT"))
          .From(file.config().current_context, absl::StrCat("current-context of ", file.path()))
          .Get();
  if (const Context* context = file.FindContext(settings.context_name.value)) {
    settings.context = *context;
  }

  for (const std::string& given : flags.endpoints) {
    // Most likely a script's variable that is not set: nothing may be guessed instead.
    if (SplitList({given}).empty()) {
      return Failure(ExitCode::kUsage, "--endpoint is empty", "",
                     {"give a host, host:port or [IPv6]:port, or leave the flag out"});
    }
  }
  if (!flags.endpoints.empty()) {
    settings.endpoints = {SplitList(flags.endpoints), "flag --endpoint"};
  } else if (const auto list = environment.Get("CURATORCTL_ENDPOINTS"); list.has_value()) {
    settings.endpoints = {SplitList({*list}), Variable("CURATORCTL_ENDPOINTS")};
  } else if (settings.context.has_value() && !settings.context->endpoints.empty()) {
    settings.endpoints = {settings.context->endpoints,
                          absl::StrCat("context ", settings.context_name.value)};
  }

  absl::StatusOr<Effective<CaSetting>> ca = ChooseCa(flags, environment, settings, file);
  if (!ca.ok()) return ca.status();
  settings.ca = *ca;
  absl::StatusOr<Effective<CredentialSetting>> credential =
      ChooseCredential(flags, environment, settings, file);
  if (!credential.ok()) return credential.status();
  settings.credential = *credential;
  settings.accept_unproven = {false, "built in"};
  if (flags.accept_unproven) {
    settings.accept_unproven = {true, "flag --accept-unproven"};
  } else if (settings.context.has_value() && settings.context->accept_unproven &&
             !IsAnotherClusters(settings)) {
    settings.accept_unproven = {true, absl::StrCat("context ", settings.context_name.value)};
  }
  settings.cache_path = CachePath(environment, settings);

  settings.output_text =
      Choice()
          .From(flags.output, "flag --output")
          .From(environment.Get("CURATORCTL_OUTPUT"), Variable("CURATORCTL_OUTPUT"))
          .From(defaults.output, defaults_origin)
          .From(std::string("table"), "built in")
          .Get();
  absl::StatusOr<OutputFormat> output = ParseOutputFormat(settings.output_text.value);
  if (!output.ok()) return output.status();
  settings.output = {*output, settings.output_text.origin};

  const Effective<std::string> timeout =
      Choice()
          .From(flags.timeout, "flag --timeout")
          .From(environment.Get("CURATORCTL_TIMEOUT"), Variable("CURATORCTL_TIMEOUT"))
          .From(defaults.timeout, defaults_origin)
          .From(absl::FormatDuration(kDefaultTimeout), "built in")
          .Get();
  absl::StatusOr<absl::Duration> span = ParseTimeout(timeout.value, timeout.origin);
  if (!span.ok()) return span.status();
  settings.timeout = {*span, timeout.origin};
  settings.timeout_is_explicit =
      flags.timeout.has_value() || environment.Get("CURATORCTL_TIMEOUT").has_value();

  const Effective<std::string> connect_timeout =
      Choice()
          .From(flags.connect_timeout, "flag --connect-timeout")
          .From(absl::FormatDuration(kDefaultConnectTimeout), "built in")
          .Get();
  span = ParseTimeout(connect_timeout.value, connect_timeout.origin);
  if (!span.ok()) return span.status();
  settings.connect_timeout = {*span, connect_timeout.origin};

  settings.color_mode = Choice()
                            .From(flags.color, "flag --color")
                            .From(defaults.color, defaults_origin)
                            .From(std::string("auto"), "built in")
                            .Get();
  const std::string& mode = settings.color_mode.value;
  if (mode != "auto" && mode != "always" && mode != "never") {
    return Failure(
        ExitCode::kUsage,
        absl::StrCat("\"", mode, "\" is not a color mode (", settings.color_mode.origin, ")"), "",
        {"use auto, always or never"});
  }
  settings.color = UseColor(mode, environment);

  settings.no_input = {false, "built in"};
  if (flags.no_input) {
    settings.no_input = {true, "flag --no-input"};
  } else if (const auto text = environment.Get("CURATORCTL_NO_INPUT"); text.has_value()) {
    settings.no_input = {IsTrue(*text), Variable("CURATORCTL_NO_INPUT")};
  }

  settings.headers = !flags.no_headers;
  settings.quiet = flags.quiet;
  settings.yes = flags.yes;
  settings.dry_run = flags.dry_run;
  settings.verbosity = flags.verbosity;
  settings.sort = flags.sort;
  return settings;
}

}  // namespace curator::cli
