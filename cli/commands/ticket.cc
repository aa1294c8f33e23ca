#include "cli/commands/ticket.h"

#include <openssl/evp.h>

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/tones.h"
#include "curator/node_agent.h"

namespace curator::cli {
namespace {

constexpr size_t kIdBytes = 8;

std::string IdOf(absl::string_view sha256) {
  return absl::BytesToHexString(sha256.substr(0, kIdBytes));
}

std::string Sha256(absl::string_view data) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(data.data(), data.size(), digest, &size, EVP_sha256(), nullptr) != 1) return "";
  return std::string(reinterpret_cast<const char*>(digest), size);
}

Value TimeOrNull(const absl::optional<absl::Time>& time) {
  return time.has_value()
             ? Value(absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", *time, absl::UTCTimeZone()))
             : Value();
}

// Whether the bytes themselves are what standard output is to have.
bool BytesWanted(const TicketArgs& args) { return args.raw || args.hex || args.base64; }

// A raw ticket is what programs read and people cannot copy.
std::string Encoded(const std::string& ticket, const TicketArgs& args) {
  if (args.hex) return absl::StrCat(absl::BytesToHexString(ticket), "\n");
  if (args.base64) return absl::StrCat(absl::Base64Escape(ticket), "\n");
  return ticket;
}

// An earlier ticket is replaced, and nothing else.
absl::Status CheckMayWrite(const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  const absl::StatusOr<std::string> there = ReadFile(path);
  if (absl::IsNotFound(there.status())) return absl::OkStatus();
  if (there.ok() && (there->empty() || ParseRegisterTicket(*there).ok())) return absl::OkStatus();
  return Failure(ExitCode::kRefused, absl::StrCat(path, " is not overwritten"),
                 there.ok() ? "it holds something else than a register ticket"
                            : std::string(there.status().message()),
                 {"name another file: --out FILE, or move that one away yourself"});
}

absl::Status WriteTicket(const std::string& ticket, const TicketArgs& args, const char* unless) {
  const absl::Status written = WriteFileAtomically(args.out, Encoded(ticket, args), 0600);
  if (written.ok()) return written;
  return Failure(ExitCode::kError, absl::StrCat(unless, "the ticket could not be kept"),
                 std::string(written.message()),
                 {absl::StrCat("make room or correct the mode, then: curatorctl ticket show --out ",
                               args.out)});
}

// `ticket` is "" where it is not told.
Document TicketDocument(const RegisterTicketFacts& facts, const std::string& ticket) {
  Document document;
  document.kind = "Ticket";
  document.fields = {{"id", IdOf(facts.sha256)},
                     {"since", TimeOrNull(facts.since)},
                     {"bytes_b64", ticket.empty() ? Value() : Value(absl::Base64Escape(ticket))}};
  document.columns = {{"FINGERPRINT", "id"}, {"SINCE", "since"}};
  document.name = "id";
  return document;
}

// The ticket as `args` want it: in the file, as bytes, or as a table that is silent about it on
// a terminal.
absl::StatusOr<Document> Told(Session& session, const RegisterTicketFacts& facts,
                              const std::string& ticket, const TicketArgs& args,
                              const char* unless) {
  if (!args.out.empty()) {
    if (absl::Status written = WriteTicket(ticket, args, unless); !written.ok()) return written;
    session.terminal().Note(absl::StrCat("written to ", args.out, ", mode 0600: a secret"));
    return TicketDocument(facts, "");
  }
  const bool hidden = session.terminal().StdoutIsTerminal() && !args.reveal;
  if (hidden) {
    session.terminal().Note("the ticket is a secret and is not shown on a terminal; --reveal does");
  } else if (BytesWanted(args)) {
    Document document;
    document.kind = "Ticket";
    document.layout = Layout::kText;
    document.text = Encoded(ticket, args);
    return document;
  }
  Document document = TicketDocument(facts, hidden ? "" : ticket);
  if (args.reveal) document.columns.push_back({"TICKET", "bytes_b64"});
  return document;
}

// Since when it stands, where the server tells.
absl::StatusOr<RegisterTicketFacts> FactsOf(Client& client, Session& session,
                                            const std::string& ticket) {
  RegisterTicketFacts facts;
  facts.sha256 = Sha256(ticket);
  const absl::StatusOr<RegisterTicketFacts> told =
      client.DescribeRegisterTicket(session.GetCallOptions());
  if (!told.ok()) {
    return DescribeError(told.status()).code == ErrorCode::kUnsupported
               ? absl::StatusOr<RegisterTicketFacts>(facts)
               : told.status();
  }
  if (told->sha256 == facts.sha256) facts.since = told->since;
  return facts;
}

absl::Status CannotRotate(const absl::Status& status) {
  Error error = DescribeError(status);
  if (error.code == ErrorCode::kUnsupported) {
    error.message = "this server cannot replace the register ticket";
    error.hints = {"upgrade the curators that may lead"};
  } else if (error.code == ErrorCode::kNotFound) {
    error.hints = {"curatorctl ticket show     makes the first one"};
  } else {
    return status;
  }
  return MakeError(error);
}

absl::Status ConfirmRotation(Session& session, const RegisterTicketFacts& facts) {
  std::string lines = absl::StrCat("  ", IdOf(facts.sha256));
  if (facts.since.has_value()) {
    absl::StrAppend(&lines, "  since ",
                    absl::FormatTime("%Y-%m-%d %H:%M UTC", *facts.since, absl::UTCTimeZone()));
  }
  absl::StrAppend(&lines,
                  "\n  from then on it registers nobody; nodes that have registered stay\n");
  return session.ConfirmLoss(absl::StrCat("replace the register ticket of ", session.ClusterName()),
                             lines);
}

}  // namespace

std::string TicketId(absl::string_view ticket) { return IdOf(Sha256(ticket)); }

absl::StatusOr<CommandResult> TicketShowCommand(Session& session, const TicketArgs& args) {
  if (absl::Status may = CheckMayWrite(args.out); !may.ok()) return may;
  absl::StatusOr<Client*> client = session.GetClient();
  if (!client.ok()) return client.status();
  const absl::StatusOr<std::string> ticket = (*client)->GetRegisterTicket(session.GetCallOptions());
  if (!ticket.ok()) return ticket.status();
  RegisterTicketFacts facts;
  if (!BytesWanted(args) || !args.out.empty()) {
    absl::StatusOr<RegisterTicketFacts> found = FactsOf(**client, session, *ticket);
    if (!found.ok()) return found.status();
    facts = *std::move(found);
  } else {
    facts.sha256 = Sha256(*ticket);
  }
  absl::StatusOr<Document> document = Told(session, facts, *ticket, args, "");
  if (!document.ok()) return document.status();
  document->rows = {Value(document->fields)};
  return CommandResult{*std::move(document), {}};
}

absl::StatusOr<CommandResult> TicketRotateCommand(Session& session, const TicketArgs& args) {
  if (absl::Status may = CheckMayWrite(args.out); !may.ok()) return may;
  absl::StatusOr<Client*> client = session.GetClient();
  if (!client.ok()) return client.status();
  const absl::StatusOr<RegisterTicketFacts> standing =
      (*client)->DescribeRegisterTicket(session.GetCallOptions());
  if (!standing.ok()) return CannotRotate(standing.status());
  Document document;
  const char* outcome = "skipped";
  if (session.settings().dry_run) {
    session.terminal().Note(
        absl::StrCat("dry run: ticket ", IdOf(standing->sha256), " would be replaced"));
    document = TicketDocument(*standing, "");
    document.changed = std::vector<std::string>{IdOf(standing->sha256)};
  } else {
    if (absl::Status sure = ConfirmRotation(session, *standing); !sure.ok()) return sure;
    const absl::StatusOr<TicketRotation> rotated =
        (*client)->RotateRegisterTicket(standing->sha256, session.GetCallOptions());
    if (!rotated.ok()) return rotated.status();
    const bool applied = rotated->outcome == ChangeOutcome::kApplied;
    if (!applied) session.terminal().Note("somebody else has replaced it meanwhile");
    outcome = applied ? "applied" : "unchanged";
    absl::StatusOr<Document> told =
        Told(session, rotated->facts, rotated->ticket, args, "it was replaced, but ");
    if (!told.ok()) return told.status();
    document = *std::move(told);
    document.changed.emplace();
    if (applied) document.changed->push_back(IdOf(rotated->facts.sha256));
  }
  if (document.layout == Layout::kText) return CommandResult{std::move(document), {}};
  document.fields.emplace_back("outcome", outcome);
  document.columns.push_back({"RESULT", "outcome", false, {}, ToneOfOutcome});
  document.rows = {Value(document.fields)};
  return CommandResult{std::move(document), {}};
}

}  // namespace curator::cli
