#include "cli/trust.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/exit_code.h"
#include "cli/files.h"

namespace curator::cli {
namespace {

absl::StatusOr<ClusterCa> ReadCa(const std::string& path, const std::string& origin) {
  absl::StatusOr<std::string> pem = ReadFile(path);
  absl::Status status = pem.status();
  if (status.ok()) {
    absl::StatusOr<ClusterCa> ca = ClusterCa::FromPem(*pem);
    if (ca.ok()) return ca;
    status = ca.status();
  }
  return Failure(ExitCode::kUsage, absl::StrCat("the CA certificate cannot be used: ", path),
                 std::string(status.message()), {absl::StrCat("it comes from: ", origin)});
}

absl::StatusOr<ClusterCa> ReadPinnedCa(const CaSetting& setting, const std::string& origin) {
  absl::StatusOr<ClusterCa> ca = ReadCa(setting.file, origin);
  if (!ca.ok() || setting.sha256.empty() || ca->sha256() == setting.sha256) return ca;
  return Failure(ExitCode::kUntrusted,
                 absl::StrCat("the CA file is not the CA that is pinned: ", setting.file),
                 absl::StrCat("the file is ", DisplayFingerprint(ca->sha256()), "; pinned is ",
                              DisplayFingerprint(setting.sha256), " (", origin, ")"),
                 {"find out which is right: `curatord init` printed the fingerprint",
                  "curatorctl trust forget, then curatorctl trust pin --ca-sha256 HEX"});
}

// A pin given for this command may name the CA the context has a file of.
absl::optional<ClusterCa> FromContextFile(Session& session, const std::string& sha256) {
  const absl::optional<Context>& context = session.settings().context;
  if (!context.has_value() || context->ca_file.empty()) return absl::nullopt;
  absl::StatusOr<std::string> pem = ReadFile(session.file().Resolve(context->ca_file));
  if (!pem.ok()) return absl::nullopt;
  absl::StatusOr<ClusterCa> ca = ClusterCa::FromPem(*pem);
  if (!ca.ok() || ca->sha256() != sha256) return absl::nullopt;
  return *ca;
}

absl::StatusOr<TrustedCa> TrustOnFirstUse(Session& session, const Target& target) {
  if (!target.identity.has_value() && !session.terminal().CanAsk()) {
    return Failure(ExitCode::kUntrusted,
                   absl::StrCat("no CA is trusted for ", session.ClusterName()),
                   session.settings().no_input.value
                       ? "its fingerprint would have to be confirmed, and questions are forbidden"
                       : "its fingerprint would have to be confirmed, and there is no terminal",
                   {"give the fingerprint that `curatord init` printed: --ca-sha256 HEX",
                    "or the certificate: --ca-file FILE"});
  }
  absl::StatusOr<OfferedCa> offered =
      FetchClusterCa(target.endpoints, "", session.GetCallOptions());
  if (!offered.ok()) return offered.status();
  if (target.identity.has_value()) {
    const absl::Status verified = VerifyUser(offered->ca, *target.identity);
    if (verified.ok()) return TrustedCa{offered->ca, "owner-cert"};
    return Failure(ExitCode::kUntrusted,
                   absl::StrCat(offered->endpoint, " belongs to a different cluster"),
                   std::string(verified.message()),
                   {"check the endpoint: curatorctl context explain",
                    "with another cluster's address, use that cluster's context"});
  }
  const std::string question =
      absl::StrCat("The authenticity of ", session.ClusterName(), " is not established.\n",
                   offered->endpoint, " (", offered->node_id, ") offers the CA \"",
                   offered->ca.subject(), "\"\n  ", DisplayFingerprint(offered->ca.sha256()),
                   "\nCompare it with what `curatord init` printed. Trust it?");
  absl::StatusOr<bool> answer = session.Ask(question);
  if (!answer.ok()) return answer.status();
  if (*answer) return TrustedCa{offered->ca, "prompt"};
  return Failure(ExitCode::kNotConfirmed, "the CA was not trusted, nothing was changed");
}

}  // namespace

std::string DisplayFingerprint(absl::string_view sha256) { return absl::StrCat("SHA256:", sha256); }

absl::StatusOr<absl::optional<ClusterCa>> ConfiguredCa(Session& session) {
  const Effective<CaSetting>& setting = session.settings().ca;
  if (!setting.value.file.empty()) {
    absl::StatusOr<ClusterCa> ca = ReadPinnedCa(setting.value, setting.origin);
    if (!ca.ok()) return ca.status();
    return absl::make_optional(*ca);
  }
  if (setting.value.sha256.empty()) return absl::optional<ClusterCa>();
  return FromContextFile(session, setting.value.sha256);
}

absl::StatusOr<TrustedCa> FindTrustedCa(Session& session, const Target& target) {
  absl::StatusOr<absl::optional<ClusterCa>> configured = ConfiguredCa(session);
  if (!configured.ok()) return configured.status();
  if (configured->has_value()) return TrustedCa{**configured, ""};
  const std::string& sha256 = session.settings().ca.value.sha256;
  if (sha256.empty()) return TrustOnFirstUse(session, target);
  absl::StatusOr<OfferedCa> offered =
      FetchClusterCa(target.endpoints, sha256, session.GetCallOptions());
  if (!offered.ok()) return offered.status();
  return TrustedCa{offered->ca, "pin"};
}

absl::StatusOr<ClusterCa> DecideTrust(Session& session, const Target& target) {
  absl::StatusOr<TrustedCa> trusted = FindTrustedCa(session, target);
  if (!trusted.ok()) return trusted.status();
  // A pin of this command alone stays with it; what a person or a certificate
  // has decided is not asked again.
  const Settings& settings = session.settings();
  if ((trusted->via == "prompt" || trusted->via == "owner-cert") && settings.context.has_value() &&
      settings.ca.value.empty()) {
    const std::string& name = settings.context_name.value;
    Context context = *settings.context;
    absl::Status status = PinInContext(session.file(), name, *trusted, context);
    if (status.ok()) {
      session.file().config().contexts[name] = context;
      status = session.file().Save();
    }
    if (status.ok() && session.settings().dry_run) return trusted->ca;
    session.terminal().Note(
        status.ok() ? absl::StrCat("context \"", name, "\" now trusts ",
                                   DisplayFingerprint(trusted->ca.sha256()))
                    : absl::StrCat("warning: the CA could not be remembered: ", status.message()));
  }
  return trusted->ca;
}

absl::Status PinInContext(ConfigFile& file, absl::string_view name, const TrustedCa& trusted,
                          Context& context) {
  if (absl::Status status = file.WriteContextFile(name, "ca.pem", trusted.ca.pem()); !status.ok()) {
    return status;
  }
  context.ca_file = absl::StrCat(name, "/ca.pem");
  context.ca_sha256 = trusted.ca.sha256();
  if (!trusted.via.empty() || !context.trusted.has_value()) {
    context.trusted =
        TrustRecord{absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone()),
                    trusted.via.empty() ? "pin" : trusted.via};
  }
  return absl::OkStatus();
}

}  // namespace curator::cli
