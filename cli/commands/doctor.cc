#include "cli/commands/doctor.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/commands/checks.h"
#include "cli/exit_code.h"
#include "curator/client.h"
#include "curator/probe.h"

namespace curator::cli {
namespace {

constexpr absl::Duration kDoctorTimeout = absl::Seconds(3);

// A pin without the certificate is of use only with the certificate: whoever
// answers is asked for it, and it has to be the pinned one.
void FetchPinnedCa(const Subject& subject, const CallOptions& options,
                   absl::optional<ClusterCa>& ca, Check& check) {
  const absl::StatusOr<OfferedCa> offered =
      FetchClusterCa(subject.endpoints, subject.ca.sha256, options);
  if (offered.ok()) {
    ca = offered->ca;
    return;
  }
  const Error error = DescribeError(offered.status());
  if (error.code != ErrorCode::kUntrusted) return;  // its endpoints tell more
  check.verdict = ToString(Verdict::kWrongCa);
  check.detail = error.message;
  check.advice = absl::StrCat(
      "the address was reused by another cluster, or the pin is wrong; what is pinned and why: ",
      subject.Command("trust show"));
  check.healthy = false;
}

// The endpoints, then the leader that they name where it is none of them.
std::vector<ProbeResult> ProbeAll(const Subject& subject, const absl::optional<ClusterCa>& ca,
                                  const absl::optional<Identity>& identity,
                                  absl::Duration timeout) {
  const absl::Time began_at = absl::Now();
  ProbeOptions options;
  options.endpoints = subject.endpoints;
  options.ca = ca;
  // No certificate goes to servers whose CA is not known.
  if (ca.has_value()) options.identity = identity;
  options.accept_unproven = subject.accept_unproven;
  options.timeout = timeout * 2 / 3;
  std::vector<ProbeResult> results = Probe(options);
  std::set<std::string> known;
  std::set<std::string> named;
  for (const ProbeResult& result : results) {
    known.insert(result.endpoint.address);
    known.insert(result.endpoint.node_id);
  }
  for (const ProbeResult& result : results) {
    if (result.leader_address.empty() || known.count(result.leader_address) > 0) continue;
    if (known.count(result.endpoint.leader_id) == 0) named.insert(result.leader_address);
  }
  if (named.empty()) return results;
  options.endpoints.assign(named.begin(), named.end());
  options.timeout = std::clamp(timeout - (absl::Now() - began_at), absl::Milliseconds(1), timeout);
  std::vector<ProbeResult> more = Probe(options);
  std::move(more.begin(), more.end(), std::back_inserter(results));
  return results;
}

std::vector<Check> Examine(const Subject& subject, CallOptions call,
                           std::vector<EndpointReport>& reports) {
  const absl::Time began_at = absl::Now();
  const absl::Duration timeout = std::min(kDoctorTimeout, call.timeout);
  std::vector<Check> checks;
  absl::optional<ClusterCa> ca;
  Check ca_check = CheckCa(subject, ca);
  if (!ca.has_value() && ca_check.healthy && !subject.endpoints.empty()) {
    call.timeout = timeout / 3;
    FetchPinnedCa(subject, call, ca, ca_check);
  }
  checks.push_back(std::move(ca_check));
  absl::optional<Identity> identity;
  for (Check& check : CheckCredential(subject, ca, absl::Now(), identity)) {
    checks.push_back(std::move(check));
  }
  if (subject.endpoints.empty()) {
    Check check;
    check.context = subject.context;
    check.check = "endpoint";
    check.verdict = "missing";
    check.detail = "there is no endpoint to connect to";
    check.advice = "curatorctl context add NAME -e HOST, or -e HOST for this command";
    check.healthy = false;
    checks.push_back(std::move(check));
    return checks;
  }
  const std::vector<ProbeResult> results =
      ProbeAll(subject, ca, identity, timeout - (absl::Now() - began_at));
  for (const ProbeResult& result : results) {
    checks.push_back(CheckEndpoint(subject, result));
    if (!checks.back().healthy) reports.push_back(result.endpoint);
    for (Check& check : CheckParts(subject, result)) checks.push_back(std::move(check));
  }
  checks.push_back(CheckLeadership(subject, results));
  return checks;
}

Subject SubjectOf(const Settings& settings) {
  Subject subject;
  if (settings.context.has_value()) subject.context = settings.context_name.value;
  subject.endpoints = settings.endpoints.value;
  subject.ca = settings.ca.value;
  subject.credential = settings.credential.value;
  subject.accept_unproven = settings.accept_unproven.value;
  return subject;
}

Subject SubjectOf(const ConfigFile& file, const std::string& name, const Context& context) {
  Subject subject;
  subject.context = name;
  subject.endpoints = context.endpoints;
  // One that is no fingerprint matches no CA, and is shown as it is written.
  subject.ca = {file.Resolve(context.ca_file),
                ParseFingerprint(context.ca_sha256).value_or(context.ca_sha256)};
  subject.credential = {file.Resolve(context.certificate_file), file.Resolve(context.key_file)};
  subject.accept_unproven = context.accept_unproven;
  return subject;
}

absl::optional<Check> CheckContext(const Settings& settings) {
  const std::string& name = settings.context_name.value;
  if (name.empty() || settings.context.has_value()) return absl::nullopt;
  Check check;
  check.check = "context";
  check.target = name;
  check.verdict = "missing";
  check.detail = absl::StrCat("the name comes from: ", settings.context_name.origin);
  check.advice = "curatorctl context list     shows those there are";
  check.healthy = false;
  return check;
}

}  // namespace

absl::StatusOr<CommandResult> DoctorCommand(Session& session, const DoctorArgs& args) {
  std::vector<Subject> subjects;
  if (args.all_contexts) {
    for (const auto& [name, context] : session.file().config().contexts) {
      subjects.push_back(SubjectOf(session.file(), name, context));
    }
  } else {
    subjects.push_back(SubjectOf(session.settings()));
  }
  std::vector<Check> checks = {CheckConfigFile(session.file(), session.config_fault())};
  if (!args.all_contexts) {
    if (absl::optional<Check> check = CheckContext(session.settings()); check.has_value()) {
      checks.push_back(*std::move(check));
    }
  }

  std::vector<std::vector<Check>> found(subjects.size());
  std::vector<std::vector<EndpointReport>> reports(subjects.size());
  const CallOptions call = session.GetCallOptions();
  std::vector<std::thread> threads;
  for (size_t i = 0; i < subjects.size(); ++i) {
    threads.emplace_back([&, i] { found[i] = Examine(subjects[i], call, reports[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  if (session.interruption().interrupted()) {
    return Failure(session.interruption().exit_code(), "interrupted");
  }

  Error error;
  for (size_t i = 0; i < subjects.size(); ++i) {
    std::move(found[i].begin(), found[i].end(), std::back_inserter(checks));
    std::move(reports[i].begin(), reports[i].end(), std::back_inserter(error.endpoints));
  }
  CommandResult result{CheckListDocument(checks, args.all_contexts), {}};
  const auto ill = std::count_if(checks.begin(), checks.end(),
                                 [](const Check& check) { return !check.healthy; });
  if (ill > 0) {
    error.message = absl::StrCat(ill, " of ", checks.size(), " checks found something wrong");
    const auto first = std::find_if(checks.begin(), checks.end(),
                                    [](const Check& check) { return !check.healthy; });
    error.cause = absl::StrCat(first->check, first->target.empty() ? "" : " ", first->target, " ",
                               first->verdict, ": ", first->detail);
    error.waited = session.Elapsed();
    error.hints = {"follow the advice of the first one that is wrong: the others may come of it",
                   "curatorctl doctor -o wide     shows the details"};
    result.status = Failure(ExitCode::kUnhealthy, error);
  }
  return result;
}

}  // namespace curator::cli
