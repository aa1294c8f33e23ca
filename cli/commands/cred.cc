#include "cli/commands/cred.h"

#include <unistd.h>

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "curator/credentials.h"

namespace curator::cli {
namespace {

Document CredentialDocument(Value subject, const std::string& public_key, Value expires,
                            const std::string& certificate_file, const std::string& key_file,
                            const std::string& public_key_file) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Value() : Value(text); };
  Document document;
  document.kind = "Credential";
  document.fields = {
      {"subject", std::move(subject)}, {"public_key", OrNull(absl::BytesToHexString(public_key))},
      {"expires", std::move(expires)}, {"cert_file", or_null(certificate_file)},
      {"key_file", or_null(key_file)}, {"public_key_file", or_null(public_key_file)},
  };
  document.rows = {Value(document.fields)};
  document.columns = {{"SUBJECT", "subject"},
                      {"KEY", "public_key"},
                      {"EXPIRES", "expires"},
                      {"CERT-FILE", "cert_file", true},
                      {"KEY-FILE", "key_file", true}};
  document.name = "public_key";
  return document;
}

}  // namespace

absl::StatusOr<CommandResult> CredNewKeyCommand(Session& session, const CredNewKeyArgs& args) {
  const std::string key_file = absl::StrCat(args.folder, "/owner-key.pem");
  const std::string public_file = absl::StrCat(args.folder, "/owner-key.pub");
  for (const std::string& path : {key_file, public_file}) {
    if (access(path.c_str(), F_OK) == 0) {
      return Failure(ExitCode::kRefused, absl::StrCat(path, " exists and is not replaced"),
                     "it may be the only key to a cluster",
                     {"name another folder: --out DIR, or move the file away yourself"});
    }
  }
  if (session.settings().dry_run) {
    session.terminal().Note(absl::StrCat("dry run: ", key_file, " (secret, mode 0600) and ",
                                         public_file, " would be written"));
    return CommandResult{CredentialDocument(Value(), "", Value(), "", key_file, public_file), {}};
  }
  absl::StatusOr<OwnerKey> key = GenerateOwnerKey();
  if (!key.ok()) return key.status();
  absl::Status status = MakeFolder(args.folder);
  if (status.ok()) status = CreateFile(key_file, key->private_key_pem, 0600);
  if (status.ok()) status = CreateFile(public_file, key->public_key_pem, 0644);
  if (!status.ok()) {
    return Failure(ExitCode::kError, absl::StrCat("the key cannot be written to ", args.folder),
                   std::string(status.message()));
  }
  session.terminal().Note(
      absl::StrCat("wrote ", key_file, " (secret, mode 0600) and ", public_file));
  session.terminal().Note(
      absl::StrCat("next: curatord init --data-dir DIR --owner-public-key ", public_file));
  return CommandResult{
      CredentialDocument(Value(), key->public_key, Value(), "", key_file, public_file), {}};
}

absl::StatusOr<CommandResult> CredShowCommand(Session& session) {
  const Settings& settings = session.settings();
  if (settings.context_is_explicit) {
    if (absl::Status status = session.RequireContext().status(); !status.ok()) return status;
  }
  const CredentialSetting& files = settings.credential.value;
  if (files.empty()) {
    return Failure(ExitCode::kNoCredentials,
                   absl::StrCat("no client certificate is configured for ", session.ClusterName()),
                   "", {"curatorctl cluster takeownership --owner-key FILE --context NAME"});
  }
  absl::StatusOr<std::string> certificate = ReadFile(files.certificate_file);
  absl::StatusOr<std::string> key = ReadFile(files.key_file);
  absl::Status status = certificate.ok() ? key.status() : certificate.status();
  if (status.ok()) {
    absl::StatusOr<Identity> identity = Identity::FromPem(*certificate, *key);
    if (identity.ok()) {
      return CommandResult{
          CredentialDocument(
              identity->subject(), identity->public_key(),
              absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", identity->not_after(), absl::UTCTimeZone()),
              files.certificate_file, files.key_file, ""),
          {}};
    }
    status = identity.status();
  }
  return Failure(ExitCode::kNoCredentials, "the client certificate cannot be used",
                 std::string(status.message()),
                 {absl::StrCat("it comes from: ", settings.credential.origin)});
}

}  // namespace curator::cli
