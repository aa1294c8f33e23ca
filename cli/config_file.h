// The config file (cli.md "Config file"): contexts and defaults. One file is
// read, never a merge of several.
#ifndef CLI_CONFIG_FILE_H_
#define CLI_CONFIG_FILE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace curator::cli {

// How a CA came to be trusted.
struct TrustRecord {
  std::string at;   // RFC 3339, UTC
  std::string via;  // "prompt", "pin", "import", "owner-cert"
};

// One cluster. Paths are as written: relative ones are relative to the file.
struct Context {
  std::vector<std::string> endpoints;
  std::string ca_sha256;  // as written; empty if none
  std::string ca_file;
  absl::optional<TrustRecord> trusted;
  std::string certificate_file;
  std::string key_file;
  bool is_protected = false;
  bool accept_unproven = false;  // its leaders give no proof, and are believed without
};

struct Defaults {
  std::string output;
  std::string timeout;
  std::string color;
};

struct Config {
  std::string current_context;
  Defaults defaults;
  std::map<std::string, Context> contexts;
};

// A file and what was read from it. A value; nothing is written before Save.
class ConfigFile {
 public:
  // A file that does not exist is an empty one, `exists()` tells. Text that is
  // not YAML or has a wrong type fails with exit code kUsage and names the line.
  static absl::StatusOr<ConfigFile> Load(const std::string& path);
  // An empty one, as if none existed there.
  static ConfigFile NoneAt(std::string path);
  static absl::StatusOr<ConfigFile> Parse(const std::string& path, const std::string& text);

  const std::string& path() const { return path_; }
  bool exists() const { return exists_; }
  // Unknown keys, one sentence each with the line.
  const std::vector<std::string>& warnings() const { return warnings_; }

  Config& config() { return config_; }
  const Config& config() const { return config_; }

  // nullptr if there is none.
  const Context* FindContext(absl::string_view name) const;

  // Absolute form of a path written in this file.
  std::string Resolve(absl::string_view written) const;
  // The folder a context's own files go to: beside the config file.
  std::string ContextFolder(absl::string_view name) const;

  // The text that Save writes: keys this program does not know are kept,
  // comments are not.
  std::string Text() const;
  // Temporary file, fsync, rename, mode 0600; the folder is made 0700 if it lacks.
  absl::Status Save();
  // A file of a context's own, in its folder, mode 0600.
  absl::Status WriteContextFile(absl::string_view context, absl::string_view name,
                                absl::string_view content);
  void RemoveContextFile(absl::string_view context, absl::string_view name);

  // From now on nothing is written or removed, and says that it was.
  void BeginDryRun() { dry_run_ = true; }
  // Whether something would have been.
  bool has_spared_writes() const { return spared_; }

 private:
  std::string path_;
  std::string original_;  // text as read
  bool exists_ = false;
  std::vector<std::string> warnings_;
  Config config_;
  bool dry_run_ = false;
  bool spared_ = false;
};

// Letters, digits, '.', '_' and '-', not starting with '.' or '-', at most 63: a
// context's name is also a folder's. Fails with exit code kUsage.
absl::Status CheckContextName(absl::string_view name);

}  // namespace curator::cli

#endif  // CLI_CONFIG_FILE_H_
