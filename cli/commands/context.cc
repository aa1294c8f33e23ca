#include "cli/commands/context.h"

#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/trust.h"

namespace curator::cli {
namespace {

// What the credential of a context is, without failing where it cannot be read.
Value CredentialFields(const ConfigFile& file, const Context& context, std::string& expires) {
  std::string subject;
  std::string problem;
  if (context.certificate_file.empty()) return Value();
  absl::StatusOr<std::string> certificate = ReadFile(file.Resolve(context.certificate_file));
  absl::StatusOr<std::string> key = ReadFile(file.Resolve(context.key_file));
  absl::Status status = certificate.ok() ? key.status() : certificate.status();
  if (status.ok()) {
    absl::StatusOr<Identity> identity = Identity::FromPem(*certificate, *key);
    status = identity.status();
    if (identity.ok()) {
      subject = identity->subject();
      expires = absl::FormatTime("%Y-%m-%d", identity->not_after(), absl::UTCTimeZone());
    }
  }
  if (!status.ok()) problem = std::string(status.message());
  return Value::Object{{"subject", OrNull(subject)},
                       {"cert_file", file.Resolve(context.certificate_file)},
                       {"key_file", file.Resolve(context.key_file)},
                       {"problem", OrNull(problem)}};
}

Value ItemOf(const ConfigFile& file, const std::string& name, const Context& context) {
  std::string expires;
  Value credential = CredentialFields(file, context, expires);
  Value trusted;
  if (context.trusted.has_value()) {
    trusted = Value::Object{{"at", context.trusted->at}, {"via", context.trusted->via}};
  }
  return Value::Object{
      {"name", name},
      {"current", name == file.config().current_context},
      {"endpoints", Value::Strings(context.endpoints)},
      {"ca", Value::Object{{"sha256", OrNull(context.ca_sha256)},
                           {"file", OrNull(file.Resolve(context.ca_file))},
                           {"trusted", std::move(trusted)}}},
      {"credential", std::move(credential)},
      {"expires", OrNull(expires)},
      {"protected", context.is_protected},
      {"accept_unproven", context.accept_unproven},
  };
}

Document ListDocument(Value::List items) {
  Document document;
  document.kind = "ContextList";
  document.fields = {{"items", std::move(items)}};
  document.items = "items";
  document.columns = {
      {"CURRENT", "current", false,
       [](const Value& value) { return std::string(value.Text() == "yes" ? "*" : " "); }},
      {"NAME", "name"},
      {"ENDPOINTS", "endpoints"},
      {"CA", "ca.sha256", false,
       [](const Value& value) {
         const std::string text = value.Text();
         return text.size() > 16 ? absl::StrCat(text.substr(0, 16), "…") : text;
       }},
      {"CREDENTIAL", "credential", false,
       [](const Value& value) {
         const Value* problem = value.Find("problem");
         if (problem != nullptr && !problem->is_null()) return std::string("unusable");
         const Value* subject = value.Find("subject");
         return subject != nullptr ? subject->Text() : std::string();
       }},
      {"EXPIRES", "expires"},
      {"FINGERPRINT", "ca.sha256", true},
      {"TRUSTED-VIA", "ca.trusted.via", true},
      {"ACCEPT-UNPROVEN", "accept_unproven", true},
      {"PROBLEM", "credential.problem", true},
  };
  document.name = "name";
  return document;
}

absl::Status NoSuchContext(const ConfigFile& file, const std::string& name) {
  return Failure(
      ExitCode::kNotFound, absl::StrCat("there is no context \"", name, "\""),
      absl::StrCat("the file is ", file.path(), file.exists() ? "" : ", which does not exist"),
      {"curatorctl context list     shows those there are"});
}

// A path given on the command line is relative to the working folder; in the file
// it would be relative to the file.
std::string Absolute(const std::string& path) {
  if (path.empty() || path.front() == '/') return path;
  char* folder = getcwd(nullptr, 0);
  if (folder == nullptr) return path;
  std::string absolute = absl::StrCat(folder, "/", path);
  std::free(folder);
  return absolute;
}

}  // namespace

CommandResult ContextResult(const ConfigFile& file, const std::string& name) {
  return CommandResult{ListDocument({ItemOf(file, name, *file.FindContext(name))}), {}};
}

absl::StatusOr<CommandResult> ContextListCommand(Session& session) {
  const ConfigFile& file = session.file();
  Value::List items;
  for (const auto& [name, context] : file.config().contexts) {
    items.push_back(ItemOf(file, name, context));
  }
  if (items.empty()) {
    session.terminal().Note(absl::StrCat("no context in ", file.path(),
                                         "; curatorctl context add NAME -e HOST makes one"));
  }
  return CommandResult{ListDocument(std::move(items)), {}};
}

absl::StatusOr<CommandResult> ContextUseCommand(Session& session, const ContextNameArgs& args) {
  ConfigFile& file = session.file();
  if (file.FindContext(args.name) == nullptr) return NoSuchContext(file, args.name);
  file.config().current_context = args.name;
  if (absl::Status status = file.Save(); !status.ok()) return status;
  return ContextResult(file, args.name);
}

absl::StatusOr<CommandResult> ContextShowCommand(Session& session, const ContextNameArgs& args) {
  const ConfigFile& file = session.file();
  std::string name = args.name;
  if (name.empty()) {
    if (absl::Status status = session.RequireContext().status(); !status.ok()) return status;
    name = session.settings().context_name.value;
  }
  if (file.FindContext(name) == nullptr) return NoSuchContext(file, name);
  CommandResult result = ContextResult(file, name);
  result.document.layout = Layout::kBlocks;
  result.document.kind = "Context";
  for (Column& column : result.document.columns) column.wide = false;
  return result;
}

absl::StatusOr<CommandResult> ContextRemoveCommand(Session& session, const ContextNameArgs& args) {
  ConfigFile& file = session.file();
  if (file.FindContext(args.name) == nullptr) return NoSuchContext(file, args.name);
  CommandResult result = ContextResult(file, args.name);
  file.config().contexts.erase(args.name);
  if (file.config().current_context == args.name) file.config().current_context.clear();
  if (absl::Status status = file.Save(); !status.ok()) return status;
  const std::string folder = file.ContextFolder(args.name);
  if (access(folder.c_str(), F_OK) == 0) {
    session.terminal().Note(absl::StrCat("its keys and certificates are still in ", folder));
  }
  return result;
}

absl::StatusOr<CommandResult> ContextAddCommand(Session& session, const ContextAddArgs& args) {
  ConfigFile& file = session.file();
  if (absl::Status status = CheckContextName(args.name); !status.ok()) return status;
  if (file.FindContext(args.name) != nullptr) {
    return Failure(ExitCode::kRefused,
                   absl::StrCat("there is a context \"", args.name, "\" already"),
                   absl::StrCat("the file is ", file.path()),
                   {absl::StrCat("curatorctl context show ", args.name),
                    absl::StrCat("curatorctl context remove ", args.name, "     first")});
  }
  if (args.flags.endpoints.empty()) {
    return Failure(ExitCode::kUsage, "a context needs an endpoint", "",
                   {absl::StrCat("curatorctl context add ", args.name, " -e HOST[:7835]")});
  }
  const Settings& settings = session.settings();
  Context context;
  context.endpoints = settings.endpoints.value;
  context.certificate_file = Absolute(args.flags.certificate_file.value_or(""));
  context.key_file = Absolute(args.flags.key_file.value_or(""));
  context.accept_unproven = args.flags.accept_unproven;
  if (args.flags.ca_file.has_value()) {
    // Read now: a mistake should not wait for the first use.
    absl::StatusOr<absl::optional<ClusterCa>> ca = ConfiguredCa(session);
    if (!ca.ok()) return ca.status();
    if (absl::Status status = PinInContext(file, args.name, TrustedCa{**ca, "pin"}, context);
        !status.ok()) {
      return status;
    }
  } else if (args.flags.ca_sha256.has_value()) {
    context.ca_sha256 = settings.ca.value.sha256;
    context.trusted = TrustRecord{
        absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone()), "pin"};
  }
  file.config().contexts[args.name] = context;
  if (file.FindContext(file.config().current_context) == nullptr) {
    file.config().current_context = args.name;
  }
  if (absl::Status status = file.Save(); !status.ok()) return status;
  return ContextResult(file, args.name);
}

absl::StatusOr<CommandResult> ContextSetCommand(Session& session, const ContextSetArgs& args) {
  ConfigFile& file = session.file();
  const Context* existing = file.FindContext(args.name);
  if (existing == nullptr) return NoSuchContext(file, args.name);
  const GlobalFlags& flags = args.flags;
  const bool credential = flags.certificate_file.has_value();
  if (flags.endpoints.empty() && !credential && !flags.accept_unproven && !args.require_proof) {
    return Failure(ExitCode::kUsage, "nothing to set is given", "",
                   {"-e HOST, --cert FILE --key FILE, --accept-unproven or --require-proof"});
  }
  if (flags.accept_unproven && args.require_proof) {
    return Failure(ExitCode::kUsage, "--accept-unproven and --require-proof exclude each other");
  }
  if (flags.ca_file.has_value() || flags.ca_sha256.has_value()) {
    return Failure(ExitCode::kUsage, "the CA of a context is not set here", "",
                   {"curatorctl trust pin --context NAME --ca-sha256 HEX"});
  }
  Context context = *existing;
  if (!flags.endpoints.empty()) context.endpoints = session.settings().endpoints.value;
  if (credential) {
    context.certificate_file = Absolute(*flags.certificate_file);
    context.key_file = Absolute(flags.key_file.value_or(""));
  }
  if (flags.accept_unproven || args.require_proof) context.accept_unproven = flags.accept_unproven;
  file.config().contexts[args.name] = context;
  if (absl::Status status = file.Save(); !status.ok()) return status;
  return ContextResult(file, args.name);
}

absl::StatusOr<CommandResult> ContextExplainCommand(Session& session) {
  const Settings& settings = session.settings();
  Value::List items;
  const auto add = [&](const char* key, Value value, const std::string& origin) {
    items.push_back(Value::Object{{"key", key}, {"value", std::move(value)}, {"origin", origin}});
  };
  const auto span = [](absl::Duration duration) {
    return duration == absl::InfiniteDuration() ? std::string("none")
                                                : absl::FormatDuration(duration);
  };
  add("config", settings.config_path.value,
      absl::StrCat(settings.config_path.origin,
                   session.file().exists() ? "" : " (does not exist)"));
  add("context", OrNull(settings.context_name.value),
      absl::StrCat(settings.context_name.origin,
                   settings.context_name.value.empty() || settings.context.has_value()
                       ? ""
                       : " (there is no such context)"));
  add("endpoints", Value::Strings(settings.endpoints.value), settings.endpoints.origin);
  add("ca-file", OrNull(settings.ca.value.file), settings.ca.origin);
  add("ca-sha256", OrNull(settings.ca.value.sha256), settings.ca.origin);
  add("cert", OrNull(settings.credential.value.certificate_file), settings.credential.origin);
  add("key", OrNull(settings.credential.value.key_file), settings.credential.origin);
  add("accept-unproven", settings.accept_unproven.value, settings.accept_unproven.origin);
  add("output", settings.output_text.value, settings.output_text.origin);
  add("timeout", span(settings.timeout.value), settings.timeout.origin);
  add("connect-timeout", span(settings.connect_timeout.value), settings.connect_timeout.origin);
  add("color", settings.color_mode.value, settings.color_mode.origin);
  add("no-input", settings.no_input.value, settings.no_input.origin);
  Document document;
  document.kind = "SettingList";
  document.fields = {{"items", std::move(items)}};
  document.items = "items";
  document.columns = {{"KEY", "key"}, {"VALUE", "value"}, {"ORIGIN", "origin"}};
  document.name = "key";
  return CommandResult{std::move(document), {}};
}

}  // namespace curator::cli
