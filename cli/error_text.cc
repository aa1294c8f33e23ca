#include "cli/error_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/document.h"
#include "cli/format.h"

namespace curator::cli {
namespace {

// Errors travel to terminals: nothing in them may move the cursor.
std::string Printable(absl::string_view text) {
  std::string out(text);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n') || byte == 0x7f) c = '?';
  }
  return out;
}

std::string ShortDuration(absl::Duration span) {
  if (span >= absl::Seconds(10)) return absl::FormatDuration(absl::Trunc(span, absl::Seconds(1)));
  if (span >= absl::Seconds(1)) {
    return absl::FormatDuration(absl::Trunc(span, absl::Milliseconds(100)));
  }
  return absl::FormatDuration(absl::Trunc(span, absl::Milliseconds(1)));
}

std::string InParentheses(ExitCode code, const Error& error) {
  std::string out = absl::StrCat("exit ", static_cast<int>(code));
  if (error.waited >= absl::Milliseconds(100)) {
    absl::StrAppend(&out, ", waited ", ShortDuration(error.waited));
  }
  if (error.attempts > 1) absl::StrAppend(&out, ", ", error.attempts, " attempts");
  return out;
}

// What the library cannot say, since it knows no program and no context.
std::vector<std::string> Advice(ExitCode code) {
  switch (code) {
    case ExitCode::kUnreachable:
      return {"curatorctl cluster status     shows what each endpoint answers",
              "curatorctl context explain     shows where the endpoints come from"};
    case ExitCode::kNoLeader:
      return {
          "curatorctl wait --for leader --timeout 2m     if it does not end: curatorctl cluster "
          "status"};
    case ExitCode::kNoCredentials:
      return {
          "curatorctl cred show     tells which certificate is used",
          "curatorctl cluster takeownership --owner-key FILE --context NAME     gets the owner's"};
    case ExitCode::kUntrusted:
      return {"curatorctl trust show     tells which CA is trusted and why"};
    case ExitCode::kTimeout:
      return {"give it more time: --timeout 2m"};
    case ExitCode::kUnknownOutcome:
      return {"look at the state before trying again: curatorctl node list"};
    case ExitCode::kUnsupported:
      return {"curatorctl version --server     tells what runs there"};
    default:
      return {};
  }
}

struct Parts {
  ExitCode code;
  Error error;
};

Parts Analyse(const absl::Status& status, const ErrorContext& context) {
  Parts parts{ExitCodeOf(status), DescribeError(status)};
  Error& error = parts.error;
  if (error.message.empty()) error.message = "unexpected failure without a message";
  if (parts.code == ExitCode::kNoLeader && !context.context_name.empty() &&
      error.message == "no curator is leading") {
    absl::StrAppend(&error.message, " cluster \"", context.context_name, "\"");
  }
  if (parts.code == ExitCode::kUntrusted &&
      std::any_of(error.endpoints.begin(), error.endpoints.end(), [](const EndpointReport& report) {
        return report.verdict == Verdict::kUnproven;
      })) {
    error.hints.push_back(
        "--accept-unproven     for this command; context add, context import and cluster "
        "takeownership keep it in the context");
  }
  if (error.hints.empty() || parts.code == ExitCode::kNoLeader) {
    for (std::string& advice : Advice(parts.code)) {
      error.hints.push_back(std::move(advice));
    }
  }
  return parts;
}

void AppendPart(std::string* out, absl::string_view label,
                const std::vector<std::string>& paragraphs) {
  std::string prefix = absl::StrCat("  ", label, ":");
  prefix.resize(9, ' ');
  for (const std::string& paragraph : paragraphs) {
    for (const absl::string_view line : absl::StrSplit(paragraph, '\n', absl::SkipEmpty())) {
      absl::StrAppend(out, prefix, line, "\n");
      prefix.assign(9, ' ');
    }
  }
}

}  // namespace

std::string DescribeEndpoint(const EndpointReport& report) {
  const std::string leader = report.leader_id.empty() ? "another" : report.leader_id;
  std::string out = report.address;
  switch (report.verdict) {
    case Verdict::kUnresolvable:
      absl::StrAppend(&out, " has no address");
      break;
    case Verdict::kUnreachable:
      absl::StrAppend(&out, " does not answer");
      break;
    case Verdict::kRefused:
      absl::StrAppend(&out, " refuses connections");
      break;
    case Verdict::kNotTls:
      absl::StrAppend(&out, " is no curator: it does not speak TLS");
      break;
    case Verdict::kWrongCa:
      absl::StrAppend(&out, " belongs to another cluster");
      break;
    case Verdict::kWrongNode:
      absl::StrAppend(&out, " is another node than expected");
      break;
    case Verdict::kExpired:
      absl::StrAppend(&out, " shows a certificate that is out of date");
      break;
    case Verdict::kRejectedOurCertificate:
      absl::StrAppend(&out, " does not accept our certificate");
      break;
    case Verdict::kFollower:
      absl::StrAppend(&out, " follows ", leader);
      break;
    case Verdict::kLeader:
      absl::StrAppend(&out, " leads");
      break;
    case Verdict::kStaleLeader:
      absl::StrAppend(&out, " calls itself leader but has lost the lease");
      break;
    case Verdict::kUnproven:
    case Verdict::kFalseLeader:
      if (!report.node_id.empty()) absl::StrAppend(&out, " (", report.node_id, ")");
      absl::StrAppend(&out, report.verdict == Verdict::kUnproven
                                ? " says that it leads, without proof"
                                : " claims to lead falsely");
      break;
    case Verdict::kNoAddress:
      absl::StrAppend(&out, " follows ", leader, ", and knows no address of it");
      break;
    case Verdict::kSilent:
      absl::StrAppend(&out, " accepts connections but does not answer");
      break;
    case Verdict::kUnknown:
      absl::StrAppend(&out, report.tries == 0 ? " was not asked" : " gave no clear answer");
      break;
  }
  // A detail that says the verdict again adds nothing.
  if (!report.detail.empty() && !absl::EndsWith(out, report.detail)) {
    absl::StrAppend(&out, ": ", report.detail);
  }
  if (report.tries > 1) absl::StrAppend(&out, " (", report.tries, " tries)");
  return out;
}

std::string ErrorForPeople(const absl::Status& status, const ErrorContext& context) {
  const Parts parts = Analyse(status, context);
  const Error& error = parts.error;
  std::string out = absl::StrCat(" ", error.message, " (", InParentheses(parts.code, error), ")\n");
  std::vector<std::string> endpoints;
  endpoints.reserve(error.endpoints.size());
  for (const EndpointReport& report : error.endpoints) {
    endpoints.push_back(DescribeEndpoint(report));
  }
  AppendPart(&out, "what", endpoints);
  if (!error.cause.empty()) AppendPart(&out, "why", {error.cause});
  AppendPart(&out, "do", error.hints);
  return absl::StrCat(context.color ? "\x1b[31merror:\x1b[0m" : "error:", Printable(out));
}

std::string ErrorAsJson(const absl::Status& status, const ErrorContext& context) {
  const Parts parts = Analyse(status, context);
  const Error& error = parts.error;
  Value::List endpoints;
  for (const EndpointReport& report : error.endpoints) {
    endpoints.push_back(Value::Object{
        {"address", report.address},
        {"phase", ToString(report.phase)},
        {"verdict", ToString(report.verdict)},
        {"detail", report.detail},
        {"node_id", report.node_id.empty() ? Value() : Value(report.node_id)},
        {"leader_id", report.leader_id.empty() ? Value() : Value(report.leader_id)},
        {"tries", report.tries},
        {"elapsed_ms", absl::ToInt64Milliseconds(report.elapsed)},
    });
  }
  Value request;
  if (!error.method.empty()) {
    request =
        Value::Object{{"method", error.method}, {"attempts", error.attempts}, {"sent", error.sent}};
  }
  Document document;
  document.kind = "Error";
  document.fields = {
      {"code", ToString(parts.code)},
      {"exit_code", static_cast<int>(parts.code)},
      {"message", error.message},
      {"cause", error.cause},
      {"hints", Value::Strings(error.hints)},
      {"retryable", IsRetryable(parts.code)},
      {"context", context.context_name.empty() ? Value() : Value(context.context_name)},
      {"request", std::move(request)},
      {"waited_ms", absl::ToInt64Milliseconds(error.waited)},
      {"endpoints", std::move(endpoints)},
  };
  return absl::StrCat(ToJson(Envelope(std::move(document)), true), "\n");
}

}  // namespace curator::cli
