#include "cli/commands/leader.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/commands/node.h"
#include "cli/exit_code.h"
#include "cli/tones.h"

namespace curator::cli {
namespace {

constexpr size_t kLeaderIdWidth = 43;

Value::Object FieldsOf(const Leader& leader) {
  return {{"id", leader.id},
          {"address", leader.address},
          {"seen_by", Value::Strings(leader.seen_by)},
          {"agree", leader.agree}};
}

Document LeaderDocument(Value::Object fields) {
  Document document;
  document.kind = "Leader";
  document.fields = std::move(fields);
  document.rows = {Value(document.fields)};
  document.columns = {
      {"LEADER", "id"}, {"ADDRESS", "address"}, {"SEEN-BY", "seen_by"}, {"AGREE", "agree"}};
  document.name = "id";
  return document;
}

// `changed`: who leads now, or would, and did not before.
Document TransferDocument(Value::Object leader, const char* outcome,
                          std::vector<std::string> changed) {
  leader.emplace_back("outcome", outcome);
  Document document = LeaderDocument(std::move(leader));
  document.columns.push_back({"RESULT", "outcome", false, {}, ToneOfOutcome});
  document.changed = std::move(changed);
  return document;
}

}  // namespace

Document LeaderEventDocument(const absl::optional<Leader>& leader, absl::Time at) {
  Document document = LeaderDocument(FieldsOf(leader.value_or(Leader())));
  for (auto& [name, value] : document.fields) {
    if (!leader.has_value() && (name == "id" || name == "address")) value = Value();
  }
  document.fields.insert(
      document.fields.begin(),
      {"time", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", at, absl::UTCTimeZone())});
  document.rows = {Value(document.fields)};
  document.columns = {
      {"TIME", "time"}, {"LEADER", "id"}, {"ADDRESS", "address"}, {"SEEN-BY", "seen_by", true}};
  document.columns[1].width = kLeaderIdWidth;
  return document;
}

absl::StatusOr<CommandResult> LeaderShowCommand(Session& session) {
  absl::StatusOr<Client*> client = session.GetClient();
  if (!client.ok()) return client.status();
  absl::StatusOr<Leader> leader = (*client)->FindLeader(session.GetCallOptions());
  if (!leader.ok()) return leader.status();
  return CommandResult{LeaderDocument(FieldsOf(*leader)), {}};
}

absl::StatusOr<CommandResult> LeaderWatchCommand(Session& session) {
  session.RunUntilEnded();
  absl::StatusOr<Client*> client = session.GetClient();
  if (!client.ok()) return client.status();
  absl::Status shown;
  absl::Status ended = (*client)->WatchLeader(
      [&](const absl::optional<Leader>& leader) {
        if (shown.ok()) shown = session.Emit(LeaderEventDocument(leader, absl::Now()));
      },
      session.GetCallOptions());
  return CommandResult{{}, shown.ok() ? std::move(ended) : std::move(shown)};
}

absl::StatusOr<CommandResult> LeaderTransferCommand(Session& session,
                                                    const LeaderTransferArgs& args) {
  if (!args.to.empty()) {
    if (absl::Status status = CheckNodeId(args.to); !status.ok()) return status;
  }
  absl::StatusOr<Client*> client = session.GetClient();
  if (!client.ok()) return client.status();
  if (session.settings().dry_run) {
    absl::StatusOr<Leader> leader = (*client)->FindLeader(session.GetCallOptions());
    if (!leader.ok()) return leader.status();
    session.terminal().Note(absl::StrCat("dry run: ", leader->id,
                                         " would be asked to hand over to ",
                                         args.to.empty() ? "whoever has waited longest" : args.to));
    Value::Object fields = FieldsOf(*leader);
    std::vector<std::string> would_lead;
    if (!args.to.empty() && args.to != leader->id) would_lead.push_back(args.to);
    return CommandResult{TransferDocument(std::move(fields), "skipped", std::move(would_lead)), {}};
  }
  absl::StatusOr<TransferResult> result =
      (*client)->TransferLeadership(args.to, session.GetCallOptions());
  if (!result.ok()) return result.status();
  if (result->outcome == ChangeOutcome::kUnchanged) {
    session.terminal().Note("it leads already, nothing was changed");
  } else if (!args.to.empty() && result->leader.id != args.to) {
    session.terminal().Note(absl::StrCat("warning: ", args.to,
                                         " was to lead, but does not: it failed, or lost "
                                         "leadership again"));
  }
  const bool applied = result->outcome == ChangeOutcome::kApplied;
  std::vector<std::string> changed;
  if (applied) changed.push_back(result->leader.id);
  return CommandResult{TransferDocument(FieldsOf(result->leader), applied ? "applied" : "unchanged",
                                        std::move(changed)),
                       {}};
}

}  // namespace curator::cli
