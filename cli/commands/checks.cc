#include "cli/commands/checks.h"

#include <sys/stat.h>

#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/files.h"
#include "cli/format.h"
#include "cli/trust.h"
#include "curator/error.h"

namespace curator::cli {
namespace {

constexpr absl::Duration kExpiresSoon = absl::Hours(24 * 30);

Check Fine(const Subject& subject, std::string check, std::string target, std::string detail) {
  Check result;
  result.context = subject.context;
  result.check = std::move(check);
  result.target = std::move(target);
  result.verdict = "ok";
  result.detail = std::move(detail);
  return result;
}

Check Ill(Check check, std::string verdict, std::string detail, std::string advice) {
  check.verdict = std::move(verdict);
  check.detail = std::move(detail);
  check.advice = std::move(advice);
  check.healthy = false;
  return check;
}

std::string TakeOwnership(const Subject& subject) {
  return absl::StrCat("curatorctl cluster takeownership --owner-key FILE --context ",
                      subject.context.empty() ? "NAME" : subject.context);
}

std::string Day(absl::Time time) { return absl::FormatTime("%Y-%m-%d", time, absl::UTCTimeZone()); }

absl::optional<mode_t> ModeOf(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return absl::nullopt;
  return info.st_mode & 0777;
}

Check CheckKeyFile(const Subject& subject) {
  const std::string& path = subject.credential.key_file;
  Check check = Fine(subject, "key", path, "only its owner can read it");
  const absl::StatusOr<std::string> key = ReadFile(path);
  if (absl::IsNotFound(key.status())) {
    return Ill(check, "missing", "there is no such file",
               absl::StrCat("put it back from where you keep it, or: ", TakeOwnership(subject)));
  }
  if (!key.ok()) {
    return Ill(check, "unreadable", std::string(key.status().message()),
               absl::StrCat("make it yours: ls -l ", path));
  }
  const mode_t mode = ModeOf(path).value_or(0);
  if ((mode & 077) != 0) {
    return Ill(check, "unsafe", absl::StrFormat("its mode is %04o: others can use it", mode),
               absl::StrCat("chmod 600 ", path));
  }
  return check;
}

Check CheckCertificate(const Subject& subject, const absl::optional<ClusterCa>& ca, absl::Time now,
                       absl::optional<Identity>& identity) {
  const CredentialSetting& files = subject.credential;
  Check check = Fine(subject, "certificate", files.certificate_file, "");
  const absl::StatusOr<std::string> certificate = ReadFile(files.certificate_file);
  if (!certificate.ok()) {
    return Ill(check, absl::IsNotFound(certificate.status()) ? "missing" : "unreadable",
               std::string(certificate.status().message()),
               absl::StrCat("get it anew: ", TakeOwnership(subject)));
  }
  const absl::StatusOr<std::string> key = ReadFile(files.key_file);
  if (!key.ok()) {
    return Ill(check, "unusable", "its key cannot be read", "see what is said about the key");
  }
  absl::StatusOr<Identity> both = Identity::FromPem(*certificate, *key);
  if (!both.ok()) {
    return Ill(
        check, "mismatch", std::string(both.status().message()),
        absl::StrCat("name the two files that belong together, or: ", TakeOwnership(subject)));
  }
  const std::string of = absl::StrCat("of \"", both->subject(), "\"");
  if (both->not_after() < now) {
    return Ill(
        check, "expired", absl::StrCat(of, ", since ", Day(both->not_after())),
        absl::StrCat("compare the clock (date -u); if it is right: ", TakeOwnership(subject)));
  }
  if (ca.has_value()) {
    const absl::Status verified = VerifyUser(*ca, *both);
    if (!verified.ok()) {
      return Ill(check, absl::IsUnauthenticated(verified) ? "expired" : "wrong-ca",
                 std::string(verified.message()),
                 absl::StrCat("it is of another cluster than the trusted CA; which is right? ",
                              subject.Command("trust show"), "; ", subject.Command("cred show")));
    }
  }
  identity = *both;
  check.detail = absl::StrCat(of, ca.has_value() ? ", signed by the trusted CA" : "", ", until ",
                              Day(both->not_after()));
  if (both->not_after() < now + kExpiresSoon) {
    check.verdict = "expires-soon";
    check.advice = absl::StrCat("renew it before ", Day(both->not_after()));
  }
  return check;
}

bool Claims(const EndpointReport& report) {
  return report.verdict == Verdict::kUnknown && !report.node_id.empty() &&
         report.leader_id == report.node_id;
}

}  // namespace

std::string Subject::Command(const std::string& words) const {
  return absl::StrCat("curatorctl ", context.empty() ? "" : absl::StrCat("-c ", context, " "),
                      words);
}

Check CheckConfigFile(const ConfigFile& file, const absl::Status& fault) {
  Check check = Fine({}, "config", file.path(), "");
  if (!fault.ok()) {
    return Ill(check, "unreadable", DescribeError(fault).message,
               "correct it, or name another: --config FILE");
  }
  if (!file.exists()) {
    check.verdict = "missing";
    check.detail = "settings come from flags and the environment alone";
    return check;
  }
  const mode_t mode = ModeOf(file.path()).value_or(0600);
  if ((mode & 022) != 0) {
    return Ill(check, "unsafe",
               absl::StrFormat("its mode is %04o: others can change whom you trust", mode),
               absl::StrCat("chmod 600 ", file.path()));
  }
  check.detail = absl::StrCat(file.config().contexts.size(), " contexts");
  if (!file.warnings().empty()) {
    check.verdict = "unknown-keys";
    check.detail = absl::StrJoin(file.warnings(), "; ");
    check.advice = "remove the keys, or correct their spelling";
  }
  return check;
}

Check CheckCa(const Subject& subject, absl::optional<ClusterCa>& ca) {
  Check check = Fine(subject, "ca", subject.ca.file, "");
  if (check.target.empty()) check.target = subject.ca.sha256;
  if (subject.ca.empty()) {
    check.target = subject.context;
    return Ill(check, "not-pinned", "no CA is trusted: nobody who answers can be judged",
               absl::StrCat("compare with what `curatord init` printed: ",
                            subject.Command("trust pin --ca-sha256 HEX")));
  }
  if (subject.ca.file.empty()) {
    check.detail = "pinned by its fingerprint, its certificate is not stored here";
    return check;
  }
  const absl::StatusOr<std::string> pem = ReadFile(subject.ca.file);
  absl::StatusOr<ClusterCa> read = pem.ok() ? ClusterCa::FromPem(*pem) : pem.status();
  if (!read.ok()) {
    return Ill(check, absl::IsNotFound(pem.status()) ? "missing" : "unreadable",
               std::string(read.status().message()),
               absl::StrCat("pin it anew: ", subject.Command("trust forget"),
                            ", then: ", subject.Command("trust pin --ca-sha256 HEX")));
  }
  if (!subject.ca.sha256.empty() && read->sha256() != subject.ca.sha256) {
    return Ill(check, "mismatch",
               absl::StrCat("the file is ", DisplayFingerprint(read->sha256()), "; pinned is ",
                            DisplayFingerprint(subject.ca.sha256)),
               absl::StrCat("find out which is right: `curatord init` printed it; then: ",
                            subject.Command("trust forget"), ", ",
                            subject.Command("trust pin --ca-sha256 HEX")));
  }
  ca = *read;
  check.detail = absl::StrCat(read->subject(), " ", DisplayFingerprint(read->sha256()));
  return check;
}

std::vector<Check> CheckCredential(const Subject& subject, const absl::optional<ClusterCa>& ca,
                                   absl::Time now, absl::optional<Identity>& identity) {
  if (subject.credential.empty()) {
    return {Ill(Fine(subject, "certificate", subject.context, ""), "missing",
                "no client certificate is configured: nothing but public calls will succeed",
                TakeOwnership(subject))};
  }
  return {CheckKeyFile(subject), CheckCertificate(subject, ca, now, identity)};
}

std::string AdviceFor(const Subject& subject, const EndpointReport& report) {
  switch (report.verdict) {
    case Verdict::kUnresolvable:
      return absl::StrCat("correct the name or its entry in DNS; the endpoints in use: ",
                          subject.Command("context explain"));
    case Verdict::kUnreachable:
      return "look whether the host is up and nothing on the way drops packets to that port: ping, "
             "then its firewall";
    case Verdict::kRefused:
      return absl::StrCat(
          "look whether curatord runs there; between two elections this is normal for a moment: ",
          subject.Command("wait --for leader --timeout 1m"));
    case Verdict::kNotTls:
      return absl::StrCat("something other than a curator listens there, correct the port: ",
                          subject.Command("context explain"));
    case Verdict::kWrongCa:
      return absl::StrCat(
          "the address was reused by another cluster, or the context is the wrong "
          "one; what is trusted and why: ",
          subject.Command("trust show"));
    case Verdict::kWrongNode:
      return absl::StrCat("another node has that address now; who is where: ",
                          subject.Command("cluster status"));
    case Verdict::kExpired:
      return "compare its clock with this one (date -u on both); if they are right, that node has "
             "to register anew";
    case Verdict::kRejectedOurCertificate:
      return absl::StrCat("see which certificate is used: ", subject.Command("cred show"),
                          "; get the owner's: ", TakeOwnership(subject));
    case Verdict::kStaleLeader:
      return "its process was stopped or is cut off from the store; it steps down by itself once "
             "it "
             "runs again: look at that host";
    case Verdict::kUnproven:
      return absl::StrCat(
          "if it is a curator of the existing system, or one older than this client, believe it "
          "with --accept-unproven; if not, find out what runs there before anything else: ",
          subject.Command("node describe " + report.node_id));
    case Verdict::kFalseLeader:
      return "its node may have been taken over: find out what runs there, then delete the node";
    case Verdict::kNoAddress:
      return absl::StrCat("the leader has to report its address first; look at its log: ",
                          subject.Command("wait --for leader --timeout 1m"));
    case Verdict::kSilent:
      return "its process hangs or is stopped: look at that host, restart curatord there";
    case Verdict::kUnknown:
      if (Claims(report)) {
        return absl::StrCat("only a client certificate can confirm that it leads: ",
                            TakeOwnership(subject));
      }
      return absl::StrCat("look at the log of that curator and at its version: ",
                          subject.Command("version --server"));
    case Verdict::kFollower:
    case Verdict::kLeader:
      break;
  }
  return "";
}

Check CheckEndpoint(const Subject& subject, const ProbeResult& result) {
  const EndpointReport& report = result.endpoint;
  Check check = Fine(subject, "endpoint", report.address, report.detail);
  check.phase = report.phase;
  check.verdict = ToString(report.verdict);
  check.advice = AdviceFor(subject, report);
  check.took = report.elapsed;
  check.healthy =
      report.verdict == Verdict::kLeader || report.verdict == Verdict::kFollower || Claims(report);
  return check;
}

std::vector<Check> CheckParts(const Subject& subject, const ProbeResult& result) {
  std::vector<Check> checks;
  for (const ServerPart& part : result.parts) {
    if (part.health == "running") continue;
    checks.push_back(
        Ill(Fine(subject, "part", absl::StrCat(result.endpoint.address, " ", part.name), ""),
            part.health,
            part.last_error.empty() ? "it does not say why"
                                    : absl::StrCat("last error: ", part.last_error),
            "it is started again by itself; if it stays so, look at the log of that curator"));
  }
  return checks;
}

Check CheckLeadership(const Subject& subject, const std::vector<ProbeResult>& results) {
  Check check = Fine(subject, "leader", "", "");
  std::set<std::string> leaders;
  std::set<std::string> claimants;
  for (const ProbeResult& result : results) {
    if (result.endpoint.verdict == Verdict::kLeader) leaders.insert(result.endpoint.node_id);
    if (Claims(result.endpoint)) claimants.insert(result.endpoint.node_id);
  }
  const bool confirmed = !leaders.empty();
  if (!confirmed) leaders = claimants;
  check.target = absl::StrJoin(leaders, ", ");
  if (leaders.empty()) {
    check.target = subject.context;
    return Ill(check, "none", "no endpoint leads",
               absl::StrCat("wait for the next election: ",
                            subject.Command("wait --for leader --timeout 1m"),
                            "; if none comes, look at the store of the curators"));
  }
  if (leaders.size() > 1) {
    return Ill(check, "several", "more than one says so, or they changed while being asked",
               absl::StrCat("ask again; if it stays so, these are different clusters: ",
                            subject.Command("cluster status")));
  }
  std::vector<std::string> dissenters;
  size_t followers = 0;
  for (const ProbeResult& result : results) {
    if (result.endpoint.verdict != Verdict::kFollower) continue;
    ++followers;
    if (result.endpoint.leader_id != *leaders.begin()) {
      dissenters.push_back(
          absl::StrCat(result.endpoint.address, " follows ", result.endpoint.leader_id));
    }
  }
  if (!dissenters.empty()) {
    return Ill(check, "disagree", absl::StrJoin(dissenters, "; "),
               absl::StrCat("they learn of a new leader within seconds, ask again: ",
                            subject.Command("cluster status")));
  }
  check.detail = absl::StrCat(followers, followers == 1 ? " follower agrees" : " followers agree");
  if (!confirmed) {
    check.verdict = "unconfirmed";
    check.advice =
        absl::StrCat("only a client certificate can confirm it: ", TakeOwnership(subject));
  }
  return check;
}

namespace {

Tone ToneOfCheck(absl::string_view verdict) {
  if (verdict == "ok" || verdict == "leader" || verdict == "follower") return Tone::kGood;
  if (verdict == "expires-soon" || verdict == "unknown-keys" || verdict == "unconfirmed") {
    return Tone::kWarning;
  }
  return Tone::kBad;
}

}  // namespace

Document CheckListDocument(const std::vector<Check>& checks, bool several_contexts) {
  Value::List items;
  for (const Check& check : checks) {
    items.push_back(Value::Object{
        {"context", OrNull(check.context)},
        {"check", check.check},
        {"target", OrNull(check.target)},
        {"phase", check.phase.has_value() ? Value(ToString(*check.phase)) : Value()},
        {"verdict", check.verdict},
        {"healthy", check.healthy},
        {"detail", check.detail},
        {"advice", check.advice},
        {"ms", absl::ToInt64Milliseconds(check.took)},
    });
  }
  Document document;
  document.kind = "CheckList";
  document.fields = {{"items", std::move(items)}};
  document.items = "items";
  document.columns = {
      {"CONTEXT", "context", !several_contexts},
      {"CHECK", "check"},
      {"TARGET", "target"},
      {"VERDICT", "verdict", false, {}, ToneOfCheck},
      {"PHASE", "phase", true},
      {"TOOK", "ms", true, HumanMilliseconds},
      {"DETAIL", "detail", true},
      {"ADVICE", "advice"},
  };
  document.name = "target";
  return document;
}

}  // namespace curator::cli
