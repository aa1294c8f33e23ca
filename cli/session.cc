#include "cli/session.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "cli/error_text.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/trust.h"

namespace curator::cli {
namespace {

// Of connections that stay for hours.
constexpr absl::Duration kWatchKeepaliveTime = absl::Seconds(10);
constexpr absl::Duration kWatchKeepaliveTimeout = absl::Seconds(5);

absl::Duration MonotonicNow() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

// Those first that were curators when somebody last knew.
std::vector<std::string> InOrderOfLikelihood(std::vector<std::string> endpoints,
                                             const std::vector<std::string>& curators) {
  const auto is_known = [&curators](const std::string& endpoint) {
    return std::any_of(curators.begin(), curators.end(), [&](absl::string_view curator) {
      return absl::ConsumePrefix(&curator, endpoint) && (curator.empty() || curator == ":7835");
    });
  };
  std::stable_partition(endpoints.begin(), endpoints.end(), is_known);
  return endpoints;
}

absl::StatusOr<Identity> LoadIdentity(const Effective<CredentialSetting>& credential) {
  const auto fail = [&](absl::string_view path, const absl::Status& status) {
    return Failure(ExitCode::kNoCredentials,
                   absl::StrCat("the client certificate cannot be used: ", path),
                   std::string(status.message()),
                   {absl::StrCat("it comes from: ", credential.origin),
                    "curatorctl cluster takeownership --owner-key FILE --context NAME     gets the "
                    "owner's certificate"});
  };
  const CredentialSetting& files = credential.value;
  absl::StatusOr<std::string> certificate = ReadFile(files.certificate_file);
  if (!certificate.ok()) return fail(files.certificate_file, certificate.status());
  absl::StatusOr<std::string> key = ReadFile(files.key_file);
  if (!key.ok()) return fail(files.key_file, key.status());
  absl::StatusOr<Identity> identity = Identity::FromPem(*certificate, *key);
  if (!identity.ok()) {
    return fail(absl::StrCat(files.certificate_file, ", key ", files.key_file), identity.status());
  }
  return identity;
}

}  // namespace

Session::Session(Settings settings, ConfigFile file, Terminal& terminal, Interruption& interruption)
    : settings_(std::move(settings)),
      timeout_(settings_.timeout.value),
      file_(std::move(file)),
      terminal_(terminal),
      interruption_(interruption),
      started_(MonotonicNow()),
      cache_(settings_.cache_path) {
  if (settings_.dry_run) file_.BeginDryRun();
}

absl::StatusOr<Context> Session::RequireContext() const {
  if (settings_.context.has_value()) return *settings_.context;
  if (settings_.context_name.value.empty()) {
    return Failure(ExitCode::kUsage, "no context is in use", "",
                   {"curatorctl context list     shows them",
                    "curatorctl context use NAME, or --context NAME"});
  }
  return Failure(ExitCode::kUsage,
                 absl::StrCat("there is no context \"", settings_.context_name.value, "\""),
                 absl::StrCat("the name comes from: ", settings_.context_name.origin),
                 {absl::StrCat("curatorctl context list     shows those of ", file_.path())});
}

absl::StatusOr<Target> Session::ResolveTarget() const {
  // A name given for this command must exist; a stale current-context matters
  // only to what would have come from it.
  if (settings_.context_is_explicit || settings_.endpoints.value.empty()) {
    if (!settings_.context_name.value.empty()) {
      if (absl::Status status = RequireContext().status(); !status.ok()) return status;
    }
  }
  if (settings_.endpoints.value.empty()) {
    return Failure(
        ExitCode::kUsage, "no endpoint to connect to",
        settings_.context_name.value.empty()
            ? absl::StrCat("no --endpoint, and no context is in use in ", file_.path())
            : absl::StrCat("context \"", settings_.context_name.value, "\" has no endpoints"),
        {"curatorctl -e HOST …     for this command",
         "curatorctl context add NAME -e HOST     for all that follow"});
  }
  Target target;
  target.endpoints = settings_.endpoints.value;
  if (!settings_.credential.value.empty()) {
    absl::StatusOr<Identity> identity = LoadIdentity(settings_.credential);
    if (!identity.ok()) return identity.status();
    target.identity = *identity;
  }
  return target;
}

absl::StatusOr<std::unique_ptr<Client>> Session::MakeClient(const Target& target,
                                                            const ClusterCa& ca) {
  cached_ = cache_.Read(ca.sha256());
  ClientOptions options;
  options.endpoints = InOrderOfLikelihood(target.endpoints, cached_.curators);
  options.likely_leader = cached_.leader_address;
  options.ca = ca;
  options.identity = target.identity;
  options.accept_unproven = settings_.accept_unproven.value;
  options.connect_timeout = settings_.connect_timeout.value;
  if (runs_until_ended_) {
    options.keepalive_time = kWatchKeepaliveTime;
    options.keepalive_timeout = kWatchKeepaliveTimeout;
  }
  options.on_progress = [this](const Progress& progress) { OnProgress(progress); };
  return Client::Create(std::move(options));
}

absl::StatusOr<Client*> Session::GetClient() {
  if (client_ != nullptr) return client_.get();
  absl::StatusOr<Target> target = ResolveTarget();
  if (!target.ok()) return target.status();
  absl::StatusOr<ClusterCa> ca = DecideTrust(*this, *target);
  if (!ca.ok()) return ca.status();
  absl::StatusOr<std::unique_ptr<Client>> client = MakeClient(*target, *ca);
  if (!client.ok()) return client.status();
  ca_ = *ca;
  client_ = *std::move(client);
  return client_.get();
}

absl::StatusOr<NodeList> Session::ListNodes(const std::string& filter) {
  absl::StatusOr<Client*> client = GetClient();
  if (!client.ok()) return client.status();
  absl::StatusOr<NodeList> list = (*client)->ListNodes(filter, GetCallOptions());
  if (!list.ok() || !filter.empty()) return list;
  has_listed_ = true;
  listed_ = Learnt();
  if (list->nodes.size() > kMostCachedNodes) return list;
  listed_.nodes_seen_at = absl::Now();
  listed_.node_ids.emplace();
  for (const Node& node : list->nodes) listed_.node_ids->push_back(node.id);
  return list;
}

void Session::KeepWhatWasLearnt() const {
  if (client_ == nullptr || settings_.dry_run) return;
  Learnt learnt = cached_;
  const KnownCurators known = client_->known_curators();
  if (!known.leader_id.empty()) {
    learnt.leader_id = known.leader_id;
    learnt.leader_address = known.leader_address;
    learnt.curators = known.addresses;
  }
  if (has_listed_) {
    learnt.node_ids = listed_.node_ids;
    learnt.nodes_seen_at = listed_.nodes_seen_at;
  }
  cache_.Write(ca_->sha256(), learnt, cached_);
}

void Session::OnProgress(const Progress& progress) {
  if (settings_.verbosity > 0) {
    for (const EndpointReport& report : progress.endpoints) {
      terminal_.Note(absl::StrCat("after ", absl::ToInt64Milliseconds(progress.waited),
                                  "ms: ", DescribeEndpoint(report)));
    }
  }
  if (progress.waited >= absl::Seconds(1)) {
    terminal_.Progress(absl::StrCat("waiting for ", progress.waiting_for, "… ",
                                    absl::ToInt64Seconds(progress.waited), " s"));
  }
}

absl::Status Session::Emit(Document document) {
  terminal_.Progress("");
  absl::Status status = sink_ ? sink_(std::move(document)) : absl::OkStatus();
  has_emitted_ = true;
  if (!status.ok()) InterruptFor(status);
  return status;
}

void Session::InterruptFor(const absl::Status& failure) {
  interruption_.Interrupt(ExitCodeOf(failure));
}

void Session::RunUntilEnded() {
  runs_until_ended_ = true;
  if (!settings_.timeout_is_explicit) timeout_ = absl::InfiniteDuration();
}

absl::Duration Session::Elapsed() const {
  return std::max(MonotonicNow() - started_ - asked_, absl::ZeroDuration());
}

absl::Duration Session::Remaining() const {
  return std::max(timeout_ - Elapsed(), absl::ZeroDuration());
}

CallOptions Session::GetCallOptions() const {
  CallOptions options;
  options.timeout = Remaining();
  options.cancellation = interruption_.cancellation();
  return options;
}

absl::StatusOr<std::string> Session::AskFor(absl::string_view question) {
  const absl::Duration asked_at = MonotonicNow();
  absl::StatusOr<std::string> answer = terminal_.Ask(question);
  asked_ += MonotonicNow() - asked_at;
  return answer;
}

absl::StatusOr<bool> Session::Ask(absl::string_view question) {
  const absl::StatusOr<std::string> answer = AskFor(absl::StrCat(question, " [y/N]"));
  if (!answer.ok()) return answer.status();
  const std::string word = absl::AsciiStrToLower(*answer);
  return word == "y" || word == "yes";
}

absl::optional<absl::Status> Session::AnsweredAlready(absl::string_view action) const {
  if (settings_.yes) return absl::OkStatus();
  if (terminal_.CanAsk()) return absl::nullopt;
  return Failure(ExitCode::kNotConfirmed, absl::StrCat("not confirmed: ", action),
                 settings_.no_input.value ? "questions are forbidden (--no-input)"
                                          : "there is no terminal to ask at",
                 {"--yes answers it; --dry-run shows what would be done"});
}

absl::Status Session::Confirm(absl::string_view action, absl::string_view details) {
  if (absl::optional<absl::Status> answered = AnsweredAlready(action)) return *answered;
  absl::StatusOr<bool> answer = Ask(absl::StrCat(details, action, "?"));
  if (!answer.ok()) return answer.status();
  if (*answer) return absl::OkStatus();
  return Failure(ExitCode::kNotConfirmed, "declined, nothing was changed");
}

absl::Status Session::ConfirmLoss(absl::string_view action, absl::string_view details,
                                  absl::string_view word) {
  const bool is_protected = settings_.context.has_value() && settings_.context->is_protected;
  const std::string wanted = is_protected ? settings_.context_name.value : std::string(word);
  if (wanted.empty()) return Confirm(action, details);
  if (absl::optional<absl::Status> answered = AnsweredAlready(action)) return *answered;
  const absl::StatusOr<std::string> answer = AskFor(absl::StrCat(
      details, action, "? Type ",
      is_protected ? "the name of the context, which is protected:" : absl::StrCat(wanted, ":")));
  if (!answer.ok()) return answer.status();
  if (*answer == wanted) return absl::OkStatus();
  return Failure(ExitCode::kNotConfirmed, "declined, nothing was changed",
                 absl::StrCat("\"", *answer, "\" is not ", wanted));
}

std::string Session::ClusterName() const {
  if (settings_.context.has_value()) {
    return absl::StrCat("cluster \"", settings_.context_name.value, "\"");
  }
  if (settings_.endpoints.value.empty()) return "the cluster";
  return absl::StrCat("the cluster at ", absl::StrJoin(settings_.endpoints.value, ", "));
}

}  // namespace curator::cli
