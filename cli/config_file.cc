#include "cli/config_file.h"

#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/document.h"
#include "cli/exit_code.h"
#include "cli/files.h"

namespace curator::cli {
namespace {

// Reads one file; remembers the first fault and every unknown key.
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {}

  Config Read(const YAML::Node& root);

  std::vector<std::string> warnings;
  absl::Status fault;

 private:
  void Fail(const YAML::Node& node, const std::string& what) {
    if (!fault.ok()) return;
    fault = Failure(ExitCode::kUsage, absl::StrCat(path_, ":", node.Mark().line + 1, ": ", what),
                    "", {"correct the line; the shape of the file is in the guide"});
  }

  // Whether `node` is a map; warns of keys that are not `known`.
  bool CheckMap(const YAML::Node& node, const std::string& where,
                std::initializer_list<absl::string_view> known) {
    if (!node || node.IsNull()) return false;
    if (!node.IsMap()) {
      Fail(node, absl::StrCat(where, " must be a mapping"));
      return false;
    }
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) {
        Fail(entry.first, absl::StrCat(where, " has a key that is not a word"));
        return false;
      }
      const std::string& key = entry.first.Scalar();
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        warnings.push_back(absl::StrCat(path_, ":", entry.first.Mark().line + 1, ": unknown key \"",
                                        key, "\" in ", where, " (ignored)"));
      }
    }
    return true;
  }

  std::string String(const YAML::Node& node, const std::string& where) {
    if (!node || node.IsNull()) return "";
    if (!node.IsScalar()) {
      Fail(node, absl::StrCat(where, " must be a string"));
      return "";
    }
    return node.Scalar();
  }

  bool Bool(const YAML::Node& node, const std::string& where) {
    if (!node || node.IsNull()) return false;
    bool value = false;
    if (!node.IsScalar() || !YAML::convert<bool>::decode(node, value)) {
      Fail(node, absl::StrCat(where, " must be true or false"));
    }
    return value;
  }

  std::vector<std::string> Strings(const YAML::Node& node, const std::string& where) {
    std::vector<std::string> strings;
    if (!node || node.IsNull()) return strings;
    if (!node.IsSequence()) {
      Fail(node, absl::StrCat(where, " must be a list of strings"));
      return strings;
    }
    for (const auto& item : node) {
      if (!item.IsScalar()) Fail(item, absl::StrCat(where, " must be a list of strings"));
      strings.push_back(item.IsScalar() ? item.Scalar() : "");
    }
    return strings;
  }

  Context ReadContext(const YAML::Node& node, const std::string& where);

  const std::string path_;
};

Context Reader::ReadContext(const YAML::Node& node, const std::string& where) {
  Context context;
  if (!CheckMap(node, where, {"endpoints", "ca", "credential", "protected", "accept-unproven"}))
    return context;
  context.endpoints = Strings(node["endpoints"], absl::StrCat(where, ".endpoints"));
  context.is_protected = Bool(node["protected"], absl::StrCat(where, ".protected"));
  context.accept_unproven = Bool(node["accept-unproven"], absl::StrCat(where, ".accept-unproven"));
  const YAML::Node ca = node["ca"];
  if (CheckMap(ca, absl::StrCat(where, ".ca"), {"sha256", "file", "trusted"})) {
    context.ca_sha256 = String(ca["sha256"], absl::StrCat(where, ".ca.sha256"));
    context.ca_file = String(ca["file"], absl::StrCat(where, ".ca.file"));
    const YAML::Node trusted = ca["trusted"];
    if (CheckMap(trusted, absl::StrCat(where, ".ca.trusted"), {"at", "via"})) {
      context.trusted = TrustRecord{String(trusted["at"], absl::StrCat(where, ".ca.trusted.at")),
                                    String(trusted["via"], absl::StrCat(where, ".ca.trusted.via"))};
    }
  }
  const YAML::Node credential = node["credential"];
  if (CheckMap(credential, absl::StrCat(where, ".credential"), {"cert-file", "key-file"})) {
    context.certificate_file =
        String(credential["cert-file"], absl::StrCat(where, ".credential.cert-file"));
    context.key_file = String(credential["key-file"], absl::StrCat(where, ".credential.key-file"));
  }
  return context;
}

Config Reader::Read(const YAML::Node& root) {
  Config config;
  if (!CheckMap(root, "the file", {"apiVersion", "current-context", "defaults", "contexts"})) {
    return config;
  }
  const YAML::Node version = root["apiVersion"];
  if (version && String(version, "apiVersion") != kApiVersion) {
    Fail(version, absl::StrCat("apiVersion must be ", kApiVersion));
  }
  config.current_context = String(root["current-context"], "current-context");
  const YAML::Node defaults = root["defaults"];
  if (CheckMap(defaults, "defaults", {"output", "timeout", "color"})) {
    config.defaults.output = String(defaults["output"], "defaults.output");
    config.defaults.timeout = String(defaults["timeout"], "defaults.timeout");
    config.defaults.color = String(defaults["color"], "defaults.color");
  }
  const YAML::Node contexts = root["contexts"];
  if (!contexts || contexts.IsNull()) return config;
  if (!contexts.IsMap()) {
    Fail(contexts, "contexts must be a mapping");
    return config;
  }
  for (const auto& entry : contexts) {
    const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (absl::Status status = CheckContextName(name); !status.ok()) {
      Fail(entry.first, std::string(status.message()));
      return config;
    }
    config.contexts[name] = ReadContext(entry.second, absl::StrCat("contexts.", name));
  }
  return config;
}

// Writes `value` below `key`, or removes the key where there is none.
void Set(YAML::Node node, const char* key, const std::string& value) {
  if (value.empty()) {
    node.remove(key);
  } else {
    node[key] = value;
  }
}

void SetFlag(YAML::Node node, const char* key, bool value) {
  if (value) {
    node[key] = true;
  } else {
    node.remove(key);
  }
}

void SetContext(YAML::Node node, const Context& context) {
  if (context.endpoints.empty()) {
    node.remove("endpoints");
  } else {
    YAML::Node endpoints(YAML::NodeType::Sequence);
    endpoints.SetStyle(YAML::EmitterStyle::Flow);
    for (const std::string& endpoint : context.endpoints) endpoints.push_back(endpoint);
    node["endpoints"] = endpoints;
  }
  if (context.ca_sha256.empty() && context.ca_file.empty()) {
    node.remove("ca");
  } else {
    Set(node["ca"], "sha256", context.ca_sha256);
    Set(node["ca"], "file", context.ca_file);
    if (context.trusted.has_value()) {
      YAML::Node trusted = node["ca"]["trusted"];
      trusted.SetStyle(YAML::EmitterStyle::Flow);
      Set(trusted, "at", context.trusted->at);
      Set(trusted, "via", context.trusted->via);
    } else {
      node["ca"].remove("trusted");
    }
  }
  if (context.certificate_file.empty() && context.key_file.empty()) {
    node.remove("credential");
  } else {
    YAML::Node credential = node["credential"];
    credential.SetStyle(YAML::EmitterStyle::Flow);
    Set(credential, "cert-file", context.certificate_file);
    Set(credential, "key-file", context.key_file);
  }
  SetFlag(node, "protected", context.is_protected);
  SetFlag(node, "accept-unproven", context.accept_unproven);
}

absl::Status Unwritable(const absl::Status& cause) {
  return Failure(ExitCode::kError, "the configuration cannot be written",
                 std::string(cause.message()),
                 {"check --config, CURATORCTL_CONFIG and HOME, and who may write there"});
}

}  // namespace

absl::StatusOr<ConfigFile> ConfigFile::Parse(const std::string& path, const std::string& text) {
  ConfigFile file;
  file.path_ = path;
  file.original_ = text;
  file.exists_ = true;
  Reader reader(path);
  try {
    file.config_ = reader.Read(YAML::Load(text));
  } catch (const YAML::Exception& e) {
    return Failure(ExitCode::kUsage, absl::StrCat(path, ":", e.mark.line + 1, ": ", e.msg), "",
                   {"correct the line; the shape of the file is in the guide"});
  }
  if (!reader.fault.ok()) return reader.fault;
  file.warnings_ = std::move(reader.warnings);
  return file;
}

ConfigFile ConfigFile::NoneAt(std::string path) {
  ConfigFile file;
  file.path_ = std::move(path);
  return file;
}

absl::StatusOr<ConfigFile> ConfigFile::Load(const std::string& path) {
  absl::StatusOr<std::string> text = ReadFile(path);
  if (absl::IsNotFound(text.status())) return NoneAt(path);
  if (!text.ok()) return Failure(ExitCode::kUsage, std::string(text.status().message()));
  return Parse(path, *text);
}

const Context* ConfigFile::FindContext(absl::string_view name) const {
  const auto it = config_.contexts.find(std::string(name));
  return it == config_.contexts.end() ? nullptr : &it->second;
}

std::string ConfigFile::Resolve(absl::string_view written) const {
  if (written.empty() || written.front() == '/') return std::string(written);
  return absl::StrCat(FolderOf(path_), "/", written);
}

std::string ConfigFile::ContextFolder(absl::string_view name) const {
  return absl::StrCat(FolderOf(path_), "/", name);
}

std::string ConfigFile::Text() const {
  YAML::Node root = original_.empty() ? YAML::Node() : YAML::Load(original_);
  if (!root.IsMap()) root = YAML::Node(YAML::NodeType::Map);
  root["apiVersion"] = kApiVersion;
  Set(root, "current-context", config_.current_context);
  if (config_.contexts.empty()) {
    root.remove("contexts");
  } else {
    YAML::Node contexts(YAML::NodeType::Map);
    for (const auto& [name, context] : config_.contexts) {
      YAML::Node node = root["contexts"][name];
      SetContext(node, context);
      contexts[name] = node;
    }
    root["contexts"] = contexts;
  }
  YAML::Emitter out;
  out << root;
  return absl::StrCat(out.c_str(), "\n");
}

absl::Status ConfigFile::WriteContextFile(absl::string_view context, absl::string_view name,
                                          absl::string_view content) {
  if (dry_run_) {
    spared_ = true;
    return absl::OkStatus();
  }
  const std::string folder = ContextFolder(context);
  absl::Status status = MakeFolder(FolderOf(path_));
  if (status.ok()) status = MakeFolder(folder);
  if (status.ok()) {
    status = WriteFileAtomically(absl::StrCat(folder, "/", name), content, 0600);
  }
  return status.ok() ? status : Unwritable(status);
}

void ConfigFile::RemoveContextFile(absl::string_view context, absl::string_view name) {
  if (dry_run_) {
    spared_ = true;
    return;
  }
  unlink(absl::StrCat(ContextFolder(context), "/", name).c_str());
}

absl::Status ConfigFile::Save() {
  if (dry_run_) {
    spared_ = true;
    return absl::OkStatus();
  }
  const std::string text = Text();
  absl::Status status = MakeFolder(FolderOf(path_));
  if (status.ok()) status = WriteFileAtomically(path_, text, 0600);
  if (!status.ok()) return Unwritable(status);
  original_ = text;
  exists_ = true;
  return absl::OkStatus();
}

absl::Status CheckContextName(absl::string_view name) {
  bool good = !name.empty() && name.size() <= 63 && name.front() != '.' && name.front() != '-';
  for (const char c : name) {
    good = good &&
           (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-');
  }
  if (good) return absl::OkStatus();
  return Failure(ExitCode::kUsage, absl::StrCat("\"", name, "\" cannot be a context's name"), "",
                 {"use letters, digits, '.', '_' and '-', beginning with a letter or digit, at "
                  "most 63"});
}

}  // namespace curator::cli
