#include "cli/commands/trust_commands.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "cli/trust.h"

namespace curator::cli {
namespace {

Document TrustDocument(const std::string& subject, const std::string& sha256,
                       const absl::optional<TrustRecord>& trusted, const std::string& origin) {
  Document document;
  document.kind = "Trust";
  document.fields = {
      {"subject", subject.empty() ? Value() : Value(subject)},
      {"sha256", sha256},
      {"trusted_via", trusted.has_value() ? Value(trusted->via) : Value()},
      {"trusted_at", trusted.has_value() ? Value(trusted->at) : Value()},
      {"origin", origin},
  };
  document.rows = {Value(document.fields)};
  document.columns = {{"SUBJECT", "subject"},
                      {"SHA256", "sha256"},
                      {"TRUSTED-VIA", "trusted_via"},
                      {"TRUSTED-AT", "trusted_at", true},
                      {"ORIGIN", "origin", true}};
  document.name = "sha256";
  return document;
}

}  // namespace

absl::StatusOr<CommandResult> TrustShowCommand(Session& session) {
  const Settings& settings = session.settings();
  if (settings.context_is_explicit) {
    if (absl::Status status = session.RequireContext().status(); !status.ok()) return status;
  }
  if (settings.ca.value.empty()) {
    return Failure(
        ExitCode::kNotFound, absl::StrCat("no CA is trusted for ", session.ClusterName()), "",
        {"curatorctl trust pin --ca-sha256 HEX     pins the one `curatord init` printed"});
  }
  absl::StatusOr<absl::optional<ClusterCa>> ca = ConfiguredCa(session);
  if (!ca.ok()) return ca.status();
  const bool of_context =
      settings.context.has_value() && settings.ca.origin.rfind("context ", 0) == 0;
  return CommandResult{
      TrustDocument(ca->has_value() ? (*ca)->subject() : "",
                    ca->has_value() ? (*ca)->sha256() : settings.ca.value.sha256,
                    of_context ? settings.context->trusted : absl::nullopt, settings.ca.origin),
      {}};
}

absl::StatusOr<CommandResult> TrustPinCommand(Session& session) {
  absl::StatusOr<Context> context = session.RequireContext();
  if (!context.ok()) return context.status();
  const std::string& name = session.settings().context_name.value;
  absl::StatusOr<Target> target = session.ResolveTarget();
  if (!target.ok()) return target.status();
  absl::StatusOr<TrustedCa> trusted = FindTrustedCa(session, *target);
  if (!trusted.ok()) return trusted.status();
  const bool by_flag = session.settings().ca.origin.rfind("context ", 0) != 0;
  if (context->ca_sha256.empty() || !by_flag || context->ca_sha256 == trusted->ca.sha256()) {
    if (trusted->via.empty() && by_flag) trusted->via = "pin";
  } else {
    // Replacing one cluster's CA by another's is what an attacker wants.
    return Failure(ExitCode::kUntrusted,
                   absl::StrCat("context \"", name, "\" trusts another CA already"),
                   absl::StrCat("it trusts ", DisplayFingerprint(context->ca_sha256),
                                "; asked for is ", DisplayFingerprint(trusted->ca.sha256())),
                   {absl::StrCat("if the cluster was made anew: curatorctl trust forget --context ",
                                 name, ", then pin again")});
  }
  if (absl::Status status = PinInContext(session.file(), name, *trusted, *context); !status.ok()) {
    return status;
  }
  session.file().config().contexts[name] = *context;
  if (absl::Status status = session.file().Save(); !status.ok()) return status;
  return CommandResult{TrustDocument(trusted->ca.subject(), trusted->ca.sha256(), context->trusted,
                                     absl::StrCat("context ", name)),
                       {}};
}

absl::StatusOr<CommandResult> TrustForgetCommand(Session& session) {
  absl::StatusOr<Context> context = session.RequireContext();
  if (!context.ok()) return context.status();
  const std::string& name = session.settings().context_name.value;
  if (context->ca_sha256.empty() && context->ca_file.empty()) {
    return Failure(ExitCode::kNotFound, absl::StrCat("context \"", name, "\" trusts no CA"));
  }
  Document document =
      TrustDocument("", context->ca_sha256, context->trusted, absl::StrCat("context ", name));
  // Only a file of ours: what the user named by path is not ours to remove.
  const std::string own = absl::StrCat(session.file().ContextFolder(name), "/ca.pem");
  const std::string written = session.file().Resolve(context->ca_file);
  context->ca_sha256.clear();
  context->ca_file.clear();
  context->trusted.reset();
  session.file().config().contexts[name] = *context;
  if (absl::Status status = session.file().Save(); !status.ok()) return status;
  if (written == own) session.file().RemoveContextFile(name, "ca.pem");
  return CommandResult{std::move(document), {}};
}

}  // namespace curator::cli
