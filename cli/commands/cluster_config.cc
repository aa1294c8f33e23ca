// curatorctl cluster config get | set
#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "cli/commands/cluster.h"
#include "cli/exit_code.h"
#include "cli/tones.h"
#include "re2/re2.h"

namespace curator::cli {
namespace {

struct ConfigKey {
  const char* name;  // as in kind ClusterConfig
  ConfigurationField field;
};
constexpr ConfigKey kConfigKeys[] = {
    {"cluster_domain", ConfigurationField::kClusterDomain},
    {"tpm_mode", ConfigurationField::kTpmMode},
    {"storage_security_policy", ConfigurationField::kStorageSecurityPolicy},
    {"node_labels_to_synchronize", ConfigurationField::kNodeLabelsToSynchronize},
};

// Also "node-labels-to-synchronize", and as the protocol has it, below "kubernetes.".
absl::StatusOr<ConfigKey> FindKey(const std::string& key) {
  absl::string_view text = key;
  absl::ConsumePrefix(&text, "kubernetes.");
  const std::string name = absl::StrReplaceAll(absl::AsciiStrToLower(text), {{"-", "_"}});
  for (const ConfigKey& known : kConfigKeys) {
    if (name == known.name) return known;
  }
  return Failure(ExitCode::kUsage, absl::StrCat("no key \"", key, "\" of the configuration"), "",
                 {absl::StrCat("keys: ", absl::StrJoin(kConfigKeys, ", ",
                                                       [](std::string* out, const ConfigKey& one) {
                                                         absl::StrAppend(out, one.name);
                                                       }))});
}

absl::Status NoSuchValue(const std::string& key, const std::vector<std::string>& values,
                         const std::vector<std::string>& known) {
  return Failure(ExitCode::kUsage,
                 absl::StrCat(key, " cannot be \"", absl::StrJoin(values, " "), "\""), "",
                 {known.empty() ? "it takes one value"
                                : absl::StrCat("it is one of ", absl::StrJoin(known, ", "))});
}

// What no curator and no node can use is not stored: it would stay until somebody looks.
absl::Status CheckExpressions(const std::vector<std::string>& expressions) {
  RE2::Options quiet;
  quiet.set_log_errors(false);
  for (const std::string& expression : expressions) {
    const RE2 parsed(expression, quiet);
    if (parsed.ok()) continue;
    return Failure(ExitCode::kUsage,
                   absl::StrCat("\"", expression, "\" is not a regular expression"), parsed.error(),
                   {"the syntax is RE2's, which is Go's; quote it for the shell"});
  }
  return absl::OkStatus();
}

template <typename Enum>
absl::Status SetEnum(const std::string& key, const std::vector<std::string>& values,
                     const std::vector<Enum>& known, Enum& field) {
  std::vector<std::string> names;
  for (const Enum value : known) {
    names.emplace_back(ToString(value));
    const std::string name =
        values.size() == 1
            ? absl::StrReplaceAll(absl::AsciiStrToUpper(values.front()), {{"-", "_"}})
            : "";
    if (name != names.back()) continue;
    field = value;
    return absl::OkStatus();
  }
  return NoSuchValue(key, values, names);
}

std::string ValueNamed(const ClusterConfiguration& configuration, const std::string& name) {
  return Value(ConfigurationFields(configuration)).Find(name)->Text();
}

Document ConfigDocument(const ClusterConfiguration& configuration, const std::string& only) {
  Document document;
  document.kind = "ClusterConfig";
  document.fields = ConfigurationFields(configuration);
  for (const auto& [name, value] : document.fields) {
    if (!only.empty() && name != only) continue;
    document.rows.push_back(Value::Object{{"key", name}, {"value", value}});
  }
  document.columns = {{"KEY", "key"}, {"VALUE", "value"}};
  document.name = "key";
  return document;
}

}  // namespace

Value::Object ConfigurationFields(const ClusterConfiguration& configuration) {
  return {{"cluster_domain", configuration.cluster_domain},
          {"tpm_mode", ToString(configuration.tpm_mode)},
          {"storage_security_policy", ToString(configuration.storage_security_policy)},
          {"node_labels_to_synchronize", Value::Strings(configuration.node_labels_to_synchronize)}};
}

absl::StatusOr<ConfigurationEdit> EditConfiguration(ClusterConfiguration configuration,
                                                    const std::string& key,
                                                    const std::vector<std::string>& values) {
  const absl::StatusOr<ConfigKey> known = FindKey(key);
  if (!known.ok()) return known.status();
  absl::Status status;
  switch (known->field) {
    case ConfigurationField::kClusterDomain:
      if (values.size() != 1) return NoSuchValue(key, values, {});
      configuration.cluster_domain = values.front();
      break;
    case ConfigurationField::kTpmMode:
      status = SetEnum<TpmMode>(key, values,
                                {TpmMode::kRequired, TpmMode::kBestEffort, TpmMode::kDisabled},
                                configuration.tpm_mode);
      break;
    case ConfigurationField::kStorageSecurityPolicy:
      status = SetEnum<StorageSecurityPolicy>(
          key, values,
          {StorageSecurityPolicy::kPermissive, StorageSecurityPolicy::kNeedsEncryption,
           StorageSecurityPolicy::kNeedsEncryptionAndAuthentication,
           StorageSecurityPolicy::kNeedsInsecure},
          configuration.storage_security_policy);
      break;
    case ConfigurationField::kNodeLabelsToSynchronize:
      status = CheckExpressions(values);
      configuration.node_labels_to_synchronize = values;
      break;
  }
  if (!status.ok()) return status;
  return ConfigurationEdit{known->field, std::move(configuration)};
}

absl::StatusOr<CommandResult> ConfigGetCommand(Session& session, const ConfigGetArgs& args) {
  std::string only;
  if (!args.key.empty()) {
    const absl::StatusOr<ConfigKey> key = FindKey(args.key);
    if (!key.ok()) return key.status();
    only = key->name;
  }
  absl::StatusOr<Client*> client = session.GetClient();
  if (!client.ok()) return client.status();
  absl::StatusOr<ClusterInfo> info = (*client)->GetClusterInfo(session.GetCallOptions());
  if (!info.ok()) return info.status();
  return CommandResult{ConfigDocument(info->configuration, only), {}};
}

absl::StatusOr<CommandResult> ConfigSetCommand(Session& session, const ConfigSetArgs& args) {
  // Before anybody is connected to: a typing error needs no cluster.
  if (absl::Status status = EditConfiguration({}, args.key, args.values).status(); !status.ok()) {
    return status;
  }
  absl::StatusOr<Client*> client = session.GetClient();
  if (!client.ok()) return client.status();
  absl::StatusOr<ClusterInfo> info = (*client)->GetClusterInfo(session.GetCallOptions());
  if (!info.ok()) return info.status();
  absl::StatusOr<ConfigurationEdit> edit =
      EditConfiguration(info->configuration, args.key, args.values);
  if (!edit.ok()) return edit.status();
  const std::string only = FindKey(args.key)->name;
  const auto show = [&](const ClusterConfiguration& configuration, const char* outcome,
                        bool changes) {
    Document document = ConfigDocument(configuration, only);
    document.fields.emplace_back("outcome", outcome);
    for (Value& row : document.rows) row.object()->emplace_back("outcome", outcome);
    document.columns.push_back({"RESULT", "outcome", false, {}, ToneOfOutcome});
    document.changed.emplace();
    if (changes) document.changed->push_back(only);
    return CommandResult{std::move(document), {}};
  };
  if (session.settings().dry_run) {
    session.terminal().Note("dry run: this is what it would become");
    return show(edit->configuration, "skipped",
                ValueNamed(edit->configuration, only) != ValueNamed(info->configuration, only));
  }
  ConfigurationChange change;
  change.fields = {edit->field};
  change.wanted = edit->configuration;
  change.base = info->configuration;
  absl::StatusOr<ConfigureResult> result =
      (*client)->ConfigureCluster(change, session.GetCallOptions());
  if (!result.ok()) {
    if (ExitCodeOf(result.status()) != ExitCode::kRefused) return result.status();
    Error error = DescribeError(result.status());
    if (error.cause.empty()) error.cause = "somebody else changed it since it was read";
    error.hints = {absl::StrCat("curatorctl cluster config get ", only, "     shows it as it is")};
    return MakeError(error);
  }
  const bool applied = result->outcome == ChangeOutcome::kApplied;
  if (!applied) session.terminal().Note("it is so already, nothing was changed");
  return show(result->configuration, applied ? "applied" : "unchanged", applied);
}

}  // namespace curator::cli
