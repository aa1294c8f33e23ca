// curatorctl context import: from the folder of the existing operator tool. All is
// read and verified before anything is written.
#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/commands/context.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/trust.h"

namespace curator::cli {
namespace {

struct Imported {
  std::string key_pem;
  std::string certificate_pem;
  ClusterCa ca;
};

std::string TakeOwnership(const std::string& folder, const std::string& name) {
  return absl::StrCat("curatorctl cluster takeownership -e HOST --owner-key ", folder,
                      "/owner-key.pem --context ", name);
}

absl::StatusOr<Imported> ReadFolder(const std::string& folder, const std::string& name) {
  struct stat info = {};
  if (stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return Failure(ExitCode::kNotFound, absl::StrCat("there is no folder ", folder),
                   "the existing tool keeps its files in metroctl below XDG_CONFIG_HOME or "
                   "~/.config, unless told otherwise",
                   {"curatorctl context import --metroctl ~/.config/metroctl -e HOST"});
  }
  const std::string key_file = absl::StrCat(folder, "/owner-key.pem");
  absl::StatusOr<std::string> key = ReadFile(key_file);
  absl::Status usable = key.status();
  if (usable.ok()) usable = EphemeralIdentityFromPem(*key).status();
  if (!usable.ok()) {
    return Failure(ExitCode::kNoCredentials,
                   absl::StrCat("the owner's key cannot be used: ", key_file),
                   std::string(usable.message()), {"name the folder that has it: --metroctl DIR"});
  }
  const std::string certificate_file = absl::StrCat(folder, "/owner.pem");
  absl::StatusOr<std::string> certificate = ReadFile(certificate_file);
  if (!certificate.ok()) {
    return Failure(ExitCode::kNoCredentials,
                   absl::StrCat("the owner's certificate cannot be read: ", certificate_file),
                   absl::StrCat(certificate.status().message(),
                                "; ownership may never have been taken with this key"),
                   {absl::StrCat(TakeOwnership(folder, name), "     takes it now")});
  }
  const absl::StatusOr<Identity> owner = Identity::FromPem(*certificate, *key);
  if (!owner.ok()) {
    return Failure(
        ExitCode::kNoCredentials, "owner.pem and owner-key.pem do not make a credential",
        std::string(owner.status().message()),
        {absl::StrCat(TakeOwnership(folder, name), "     gets the certificate of that key anew")});
  }
  const std::string ca_file = absl::StrCat(folder, "/ca.pem");
  const absl::StatusOr<std::string> ca_pem = ReadFile(ca_file);
  absl::StatusOr<ClusterCa> ca = ca_pem.ok() ? ClusterCa::FromPem(*ca_pem) : ca_pem.status();
  if (!ca.ok()) {
    return Failure(ExitCode::kUntrusted, absl::StrCat("there is no CA to trust: ", ca_file),
                   std::string(ca.status().message()),
                   {absl::StrCat("without it: curatorctl context add ", name, " -e HOST --cert ",
                                 certificate_file, " --key ", key_file,
                                 "     trusts whichever CA signed that certificate")});
  }
  if (const absl::Status verified = VerifyUser(*ca, *owner); !verified.ok()) {
    const bool expired = absl::IsUnauthenticated(verified);
    return Failure(
        expired ? ExitCode::kNoCredentials : ExitCode::kUntrusted,
        expired ? "owner.pem is out of date" : "owner.pem is not of the cluster of ca.pem",
        std::string(verified.message()),
        {expired ? absl::StrCat(TakeOwnership(folder, name), "     gets it anew")
                 : "find out which of the two is of your cluster: `curatord init` printed the "
                   "fingerprint of its CA"});
  }
  return Imported{*std::move(key), *std::move(certificate), *std::move(ca)};
}

absl::Status Keep(ConfigFile& file, const std::string& name, const Imported& imported,
                  Context context) {
  // The key first: a certificate without its key would be of no use.
  const std::pair<const char*, const std::string&> files[] = {
      {"owner-key.pem", imported.key_pem}, {"owner.pem", imported.certificate_pem}};
  for (const auto& [file_name, content] : files) {
    if (absl::Status status = file.WriteContextFile(name, file_name, content); !status.ok()) {
      return status;
    }
  }
  context.key_file = absl::StrCat(name, "/owner-key.pem");
  context.certificate_file = absl::StrCat(name, "/owner.pem");
  if (absl::Status status = PinInContext(file, name, TrustedCa{imported.ca, "import"}, context);
      !status.ok()) {
    return status;
  }
  file.config().contexts[name] = context;
  if (file.FindContext(file.config().current_context) == nullptr) {
    file.config().current_context = name;
  }
  return file.Save();
}

}  // namespace

absl::StatusOr<CommandResult> ContextImportCommand(Session& session,
                                                   const ContextImportArgs& args) {
  std::string name = args.name;
  if (name.empty()) name = args.flags.context.value_or("metroctl");
  if (absl::Status status = CheckContextName(name); !status.ok()) return status;
  ConfigFile& file = session.file();
  if (file.FindContext(name) != nullptr) {
    return Failure(ExitCode::kRefused, absl::StrCat("there is a context \"", name, "\" already"),
                   absl::StrCat("the file is ", file.path()),
                   {"name another: curatorctl context import --metroctl DIR NAME",
                    absl::StrCat("curatorctl context remove ", name, "     first")});
  }
  if (args.flags.endpoints.empty()) {
    return Failure(ExitCode::kUsage, "a context needs an endpoint",
                   "the folder of the existing tool does not say where its cluster is",
                   {"curatorctl context import --metroctl DIR -e HOST[:7835]"});
  }
  const absl::StatusOr<Imported> imported = ReadFolder(args.folder, name);
  if (!imported.ok()) return imported.status();
  Context context;
  context.endpoints = session.settings().endpoints.value;
  context.accept_unproven = args.flags.accept_unproven;
  if (const absl::Status kept = Keep(file, name, *imported, context); !kept.ok()) {
    return Failure(ExitCode::kError, "the imported files could not be kept",
                   std::string(kept.message()), {"make room or correct the mode and run it again"});
  }
  if (session.settings().dry_run) return ContextResult(file, name);
  session.terminal().Note(absl::StrCat("copied key and certificate to ", file.ContextFolder(name),
                                       "; those in ", args.folder,
                                       " are not used by curatorctl any more"));
  if (!context.accept_unproven) {
    session.terminal().Note(
        absl::StrCat("servers of the existing system do not prove that they lead, and are not "
                     "believed without; if this cluster is one: curatorctl -c ",
                     name, " --accept-unproven …, or import it with that flag"));
  }
  return ContextResult(file, name);
}

}  // namespace curator::cli
