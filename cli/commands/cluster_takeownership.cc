// curatorctl cluster takeownership: the owner's key becomes the owner's
// certificate and a context to use it with. May be run again at any time: the
// cluster returns the same certificate, files are replaced whole.
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/cluster.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/trust.h"

namespace curator::cli {
namespace {

absl::StatusOr<std::string> ReadOwnerKey(Session& session, const TakeOwnershipArgs& args) {
  std::string path;
  if (args.owner_key.has_value()) {
    path = *args.owner_key;
  } else if (session.settings().context.has_value() &&
             !session.settings().context->key_file.empty()) {
    path = session.file().Resolve(session.settings().context->key_file);
  }
  if (path.empty()) {
    return Failure(ExitCode::kNoCredentials, "no owner key is given",
                   "ownership is proved with the private key whose public half `curatord init` was "
                   "given",
                   {"curatorctl cluster takeownership --owner-key FILE",
                    "before a cluster exists: curatorctl cred new-key --out DIR     makes one"});
  }
  absl::StatusOr<std::string> pem = ReadFile(path);
  if (pem.ok()) return pem;
  return Failure(ExitCode::kNoCredentials, absl::StrCat("the owner key cannot be read: ", path),
                 std::string(pem.status().message()));
}

absl::Status WriteCredentials(ConfigFile& file, const std::string& name, const Identity& owner,
                              const std::string& key_pem, Context& context) {
  // The key first: a certificate without its key would be of no use.
  absl::Status status = file.WriteContextFile(name, "owner-key.pem", key_pem);
  if (status.ok()) status = file.WriteContextFile(name, "owner.pem", owner.certificate_pem());
  if (!status.ok()) return status;
  context.certificate_file = absl::StrCat(name, "/owner.pem");
  context.key_file = absl::StrCat(name, "/owner-key.pem");
  return absl::OkStatus();
}

// `owner`: none where ownership was not taken.
Document OwnershipDocument(const absl::optional<Identity>& owner, const std::string& name,
                           const ClusterCa& ca, const std::string& path) {
  Value subject;
  Value not_after;
  if (owner.has_value()) {
    subject = owner->subject();
    not_after = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", owner->not_after(), absl::UTCTimeZone());
  }
  Document document;
  document.kind = "Ownership";
  document.fields = {{"subject", std::move(subject)},
                     {"not_after", std::move(not_after)},
                     {"context", name},
                     {"ca_sha256", ca.sha256()},
                     {"config_file", path}};
  document.rows = {Value(document.fields)};
  document.layout = Layout::kTable;
  document.columns = {{"SUBJECT", "subject"},
                      {"EXPIRES", "not_after"},
                      {"CONTEXT", "context"},
                      {"CA", "ca_sha256", true},
                      {"FILE", "config_file", true}};
  document.name = "context";
  return document;
}

// The context in use that was not named for this command is somebody's way to a cluster:
// what it says of the cluster stays as it is.
const Context* ContextNotNamed(Session& session) {
  const Settings& settings = session.settings();
  return settings.context_is_explicit || !settings.context.has_value() ? nullptr
                                                                       : &*settings.context;
}

absl::Status WouldRewrite(Session& session, absl::string_view what, absl::string_view has,
                          absl::string_view would_have) {
  const std::string& name = session.settings().context_name.value;
  return Failure(ExitCode::kUsage,
                 absl::StrCat("this would change the ", what, " of context \"", name,
                              "\", which is in use and was not named"),
                 absl::StrCat("it has ", has, "; it would have ", would_have),
                 {absl::StrCat("--context ", name, "     if it is meant"),
                  "--context NAME     makes a context of that name"});
}

absl::Status CheckSameEndpoints(Session& session) {
  const Context* context = ContextNotNamed(session);
  const std::vector<std::string>& given = session.settings().endpoints.value;
  if (context == nullptr || context->endpoints.empty() || context->endpoints == given ||
      session.settings().endpoints.origin != "flag --endpoint") {
    return absl::OkStatus();
  }
  return WouldRewrite(session, "endpoints", absl::StrJoin(context->endpoints, ", "),
                      absl::StrJoin(given, ", "));
}

absl::Status CheckSameProof(Session& session) {
  const Context* context = ContextNotNamed(session);
  if (context == nullptr || context->accept_unproven || !session.settings().accept_unproven.value) {
    return absl::OkStatus();
  }
  return WouldRewrite(session, "trust", "leaders prove that they lead",
                      "those that do not are believed");
}

// Of a context that has a file alone, what that file is.
std::string FingerprintOf(Session& session, const Context& context) {
  if (!context.ca_sha256.empty() || context.ca_file.empty()) {
    return ParseFingerprint(context.ca_sha256).value_or(context.ca_sha256);
  }
  const absl::StatusOr<std::string> pem = ReadFile(session.file().Resolve(context.ca_file));
  const absl::StatusOr<ClusterCa> ca = pem.ok() ? ClusterCa::FromPem(*pem) : pem.status();
  return ca.ok() ? ca->sha256() : absl::StrCat("that of ", context.ca_file);
}

absl::Status CheckSameCa(Session& session, const ClusterCa& ca) {
  const Context* context = ContextNotNamed(session);
  if (context == nullptr) return absl::OkStatus();
  const std::string trusted = FingerprintOf(session, *context);
  if (trusted.empty() || trusted == ca.sha256()) return absl::OkStatus();
  return WouldRewrite(session, "CA", DisplayFingerprint(trusted), DisplayFingerprint(ca.sha256()));
}

}  // namespace

absl::StatusOr<CommandResult> TakeOwnershipCommand(Session& session,
                                                   const TakeOwnershipArgs& args) {
  const std::string name = session.settings().context_name.value;
  if (name.empty()) {
    return Failure(ExitCode::kUsage, "the context to write is not named", "",
                   {"curatorctl cluster takeownership --owner-key FILE --context NAME"});
  }
  if (absl::Status status = CheckContextName(name); !status.ok()) return status;
  absl::StatusOr<std::string> key_pem = ReadOwnerKey(session, args);
  if (!key_pem.ok()) return key_pem.status();
  absl::StatusOr<Identity> ephemeral = EphemeralIdentityFromPem(*key_pem);
  if (!ephemeral.ok()) {
    return Failure(ExitCode::kNoCredentials, "the owner key cannot be used",
                   std::string(ephemeral.status().message()),
                   {"curatorctl cred new-key writes such a key; the existing operator tool's "
                    "owner-key.pem works as well"});
  }

  Target target;
  target.endpoints = session.settings().endpoints.value;
  if (target.endpoints.empty()) {
    return Failure(ExitCode::kUsage, "no endpoint to connect to",
                   absl::StrCat("context \"", name, "\" has none and no --endpoint is given"),
                   {"curatorctl cluster takeownership -e HOST …"});
  }
  if (absl::Status status = CheckSameEndpoints(session); !status.ok()) return status;
  if (absl::Status status = CheckSameProof(session); !status.ok()) return status;
  absl::StatusOr<TrustedCa> trusted = FindTrustedCa(session, target);
  if (!trusted.ok()) return trusted.status();
  if (absl::Status status = CheckSameCa(session, trusted->ca); !status.ok()) return status;
  if (session.settings().dry_run) {
    session.terminal().Note(absl::StrCat(
        "dry run: ownership would be taken, and its certificate kept in context \"", name, "\""));
    return CommandResult{OwnershipDocument(absl::nullopt, name, trusted->ca, session.file().path()),
                         {}};
  }
  target.identity = *ephemeral;
  absl::StatusOr<std::unique_ptr<Client>> client = session.MakeClient(target, trusted->ca);
  if (!client.ok()) return client.status();
  absl::StatusOr<std::string> der = (*client)->TakeOwnership(session.GetCallOptions());
  if (!der.ok()) return der.status();
  absl::StatusOr<Identity> owner = UserIdentity(trusted->ca, *der, *key_pem);
  if (!owner.ok()) {
    return Failure(ExitCode::kUntrusted, "the certificate that was issued is not usable",
                   std::string(owner.status().message()),
                   {"nothing was written; report it with the server's log"});
  }

  ConfigFile& file = session.file();
  Context context;
  if (const Context* existing = file.FindContext(name)) context = *existing;
  if (context.endpoints.empty() || session.settings().endpoints.origin == "flag --endpoint") {
    context.endpoints = target.endpoints;
  }
  // What was needed to get here is needed by every command that follows.
  if (session.settings().accept_unproven.value) context.accept_unproven = true;
  absl::Status status = PinInContext(file, name, *trusted, context);
  if (status.ok()) status = WriteCredentials(file, name, *owner, *key_pem, context);
  if (status.ok()) {
    file.config().contexts[name] = context;
    if (file.FindContext(file.config().current_context) == nullptr) {
      file.config().current_context = name;
    }
    status = file.Save();
  }
  if (!status.ok()) {
    return Failure(ExitCode::kError, "ownership was taken, but its certificate could not be kept",
                   std::string(status.message()),
                   {"make room or correct the mode and run it again"});
  }
  return CommandResult{OwnershipDocument(*owner, name, trusted->ca, file.path()), {}};
}

}  // namespace curator::cli
