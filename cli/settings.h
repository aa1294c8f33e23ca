// Effective settings and where each came from. Precedence: flag, environment,
// context, `defaults:` of the file, built in.
#ifndef CLI_SETTINGS_H_
#define CLI_SETTINGS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "cli/config_file.h"
#include "cli/format.h"

namespace curator::cli {

// Global flags as given; none: not given.
struct GlobalFlags {
  absl::optional<std::string> context;
  absl::optional<std::string> config;
  std::vector<std::string> endpoints;
  absl::optional<std::string> ca_file;
  absl::optional<std::string> ca_sha256;
  absl::optional<std::string> certificate_file;
  absl::optional<std::string> key_file;
  bool accept_unproven = false;

  absl::optional<std::string> output;
  bool no_headers = false;
  bool quiet = false;
  std::string sort;
  absl::optional<std::string> color;

  absl::optional<std::string> timeout;
  absl::optional<std::string> connect_timeout;

  bool yes = false;
  bool no_input = false;
  bool dry_run = false;
  int verbosity = 0;
};

// The process's environment as far as it matters; read once, by main.
struct Environment {
  std::map<std::string, std::string> variables;
  bool stdin_is_terminal = false;
  bool stdout_is_terminal = false;
  bool stderr_is_terminal = false;

  // None if unset or empty.
  absl::optional<std::string> Get(absl::string_view name) const;
};

template <typename T>
struct Effective {
  T value{};
  std::string origin = "not set";  // "flag --timeout", "environment CURATORCTL_TIMEOUT", …
};

// The CA is one setting in two forms: the highest origin that gives either wins
// whole, so that a pin of one cluster never meets the file of another.
struct CaSetting {
  std::string file;    // absolute, or relative to the working folder
  std::string sha256;  // ParseFingerprint form
  bool empty() const { return file.empty() && sha256.empty(); }
};

struct CredentialSetting {
  std::string certificate_file;
  std::string key_file;
  bool empty() const { return certificate_file.empty() && key_file.empty(); }
};

struct Settings {
  Effective<std::string> config_path;
  Effective<std::string> context_name;
  absl::optional<Context> context;   // none: no such context, or none is named
  bool context_is_explicit = false;  // by flag or environment

  Effective<std::vector<std::string>> endpoints;
  Effective<CaSetting> ca;
  Effective<CredentialSetting> credential;
  Effective<bool> accept_unproven;  // ClientOptions::accept_unproven
  std::string cache_path;           // of these endpoints (cache.h); empty: nowhere

  Effective<OutputFormat> output;
  Effective<std::string> output_text;
  Effective<absl::Duration> timeout;  // InfiniteDuration: none
  bool timeout_is_explicit = false;   // by flag or environment
  Effective<absl::Duration> connect_timeout;
  Effective<std::string> color_mode;
  bool color = false;  // what the mode comes to here
  Effective<bool> no_input;

  bool headers = true;
  bool quiet = false;
  bool yes = false;
  bool dry_run = false;
  int verbosity = 0;
  std::string sort;
};

// Which file to read, and why. Fails with exit code kUsage if there is no home.
absl::StatusOr<Effective<std::string>> ConfigPath(const GlobalFlags& flags,
                                                  const Environment& environment);

// Fails with exit code kUsage for a value that cannot be understood. A context
// that does not exist is no failure here: see Settings::context.
absl::StatusOr<Settings> ResolveSettings(const GlobalFlags& flags, const Environment& environment,
                                         const Effective<std::string>& config_path,
                                         const ConfigFile& file);

// "30s", "1m30s", "0" (no limit). Fails with exit code kUsage.
absl::StatusOr<absl::Duration> ParseTimeout(absl::string_view text, absl::string_view where);

}  // namespace curator::cli

#endif  // CLI_SETTINGS_H_
