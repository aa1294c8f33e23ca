#include "libclient/net/search_error.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libclient/core/call_outcome.h"

namespace curator::net {
namespace {

bool Answered(const EndpointReport& report) {
  return report.verdict == Verdict::kFollower || report.verdict == Verdict::kLeader ||
         report.verdict == Verdict::kStaleLeader || report.verdict == Verdict::kNoAddress;
}

template <typename Predicate>
bool Any(const std::vector<EndpointReport>& reports, Predicate predicate) {
  return std::any_of(reports.begin(), reports.end(), predicate);
}

template <typename Predicate>
bool All(const std::vector<EndpointReport>& reports, Predicate predicate) {
  return std::all_of(reports.begin(), reports.end(), predicate);
}

void ExplainUntrusted(Error& error) {
  error.code = ErrorCode::kUntrusted;
  const auto untrusted =
      std::find_if(error.endpoints.begin(), error.endpoints.end(),
                   [](const EndpointReport& report) { return core::IsUntrusted(report.verdict); });
  switch (untrusted->verdict) {
    case Verdict::kWrongNode:
      error.message = absl::StrCat(untrusted->address, " is another node than expected");
      error.cause = "the address was probably reused";
      break;
    case Verdict::kExpired:
      error.message = absl::StrCat("the certificate of ", untrusted->address, " is out of date");
      error.cause = "its validity is over, or a clock is wrong";
      break;
    default:
      error.message = absl::StrCat(untrusted->address, " belongs to a different cluster");
      error.cause = "its certificate is not signed by the CA that is trusted here";
      break;
  }
  error.hints = {"check the endpoints and the pinned CA"};
}

// The claim that was not believed and that stands for the cluster all the same: of
// whoever the followers name, or where nobody else answers. Null: there is none.
const EndpointReport* UnprovenLeader(const std::vector<EndpointReport>& reports) {
  const bool alone = !Any(reports, Answered);
  for (const EndpointReport& claim : reports) {
    if (!core::IsUnproven(claim.verdict)) continue;
    const auto names_it = [&claim](const EndpointReport& report) {
      return report.verdict == Verdict::kFollower && report.leader_id == claim.node_id;
    };
    if (alone || Any(reports, names_it)) return &claim;
  }
  return nullptr;
}

void ExplainUnproven(const EndpointReport& claim, Error& error) {
  error.code = ErrorCode::kUntrusted;
  if (claim.verdict == Verdict::kFalseLeader) {
    error.message = absl::StrCat(claim.address, " (", claim.node_id, ") claims to lead falsely");
    error.cause = absl::StrCat(claim.detail, "; a node of the cluster may have been taken over");
    error.hints = {"find out what runs there before anything else"};
    return;
  }
  error.message =
      absl::StrCat(claim.address, " (", claim.node_id, ") says that it leads, without proof");
  error.cause =
      "it is a curator of the existing system, or older than this client, and cannot prove it; or "
      "it is a node that lies";
  error.hints = {
      "if the curators of this cluster are such, believe them all the same: "
      "accept-unproven",
      "if not, find out what runs there"};
}

void ExplainNoLeader(Error& error) {
  error.code = ErrorCode::kNoLeader;
  error.message = "no curator is leading";
  const bool unproven =
      Any(error.endpoints, [](const EndpointReport& r) { return core::IsUnproven(r.verdict); });
  const bool leader_gone =
      Any(error.endpoints, [](const EndpointReport& r) { return r.verdict == Verdict::kFollower; });
  error.cause = leader_gone ? "the leader stopped and no new one has been elected yet"
                            : "an election is under way";
  if (unproven) absl::StrAppend(&error.cause, "; one that claims to lead cannot prove it");
  error.hints = {"wait for a leader and try again"};
}

void ExplainUnreachable(Error& error, bool hopeless) {
  error.code = ErrorCode::kUnreachable;
  error.message = "no curator could be reached";
  const auto verdict_is = [](Verdict verdict) {
    return [verdict](const EndpointReport& report) { return report.verdict == verdict; };
  };
  if (hopeless) {
    error.cause = "no endpoint has an address";
    error.hints = {"check the names of the endpoints"};
  } else if (All(error.endpoints, [](const EndpointReport& report) {
               return report.verdict == Verdict::kUnknown && report.elapsed == absl::ZeroDuration();
             })) {
    // Also if none was dialled yet.
    error.cause = "none has answered in the time given, or failed to";
    error.hints = {"give it more time", "check the network between here and the endpoints"};
  } else if (All(error.endpoints, verdict_is(Verdict::kRefused))) {
    error.cause = "nothing listens there: the curators do not run, or are between two elections";
    error.hints = {"check that a curator runs at these endpoints, and their ports"};
  } else if (Any(error.endpoints, verdict_is(Verdict::kNotTls))) {
    error.cause = "something other than a curator listens there";
    error.hints = {"check the endpoints and their ports"};
  } else if (Any(error.endpoints, verdict_is(Verdict::kSilent))) {
    error.cause = "a curator accepts connections but does not answer";
    error.hints = {"check whether the curator is stopped or overloaded"};
  } else if (Any(error.endpoints, verdict_is(Verdict::kRefused))) {
    error.cause = "nothing listens at some of them, and the others do not answer";
    error.hints = {"check the curators that do not answer first: they may be stopped",
                   "check that a curator runs at these endpoints, and the network to them"};
  } else {
    error.cause = "the hosts are down, or the network drops packets";
    error.hints = {"check the network between here and the endpoints"};
  }
}

}  // namespace

absl::Status NoLeaderError(std::vector<EndpointReport> reports, bool hopeless,
                           absl::Duration waited) {
  Error error;
  error.endpoints = std::move(reports);
  error.waited = waited;
  const bool untrusted =
      Any(error.endpoints, [](const EndpointReport& r) { return core::IsUntrusted(r.verdict); });
  if (const EndpointReport* claim = UnprovenLeader(error.endpoints); claim != nullptr) {
    ExplainUnproven(EndpointReport(*claim), error);
  } else if (Any(error.endpoints, Answered)) {
    ExplainNoLeader(error);
  } else if (untrusted && (hopeless || All(error.endpoints, [](const EndpointReport& report) {
                             return !core::MayComeUp(report.verdict);
                           }))) {
    ExplainUntrusted(error);
  } else {
    ExplainUnreachable(error, hopeless);
  }
  return MakeError(error);
}

bool MayBeProvedYet(const Error& error) {
  return Any(error.endpoints, [](const EndpointReport& r) { return core::IsUnproven(r.verdict); });
}

absl::Status NoChangeError(const std::string& leader_id, absl::Duration waited) {
  Error error;
  error.code = ErrorCode::kTimeout;
  error.message = absl::StrCat(leader_id, " leads as before");
  error.waited = waited;
  return MakeError(error);
}

absl::Status CancelledError(absl::Duration waited) {
  Error error;
  error.code = ErrorCode::kCancelled;
  error.message = "cancelled";
  error.waited = waited;
  return MakeError(error);
}

}  // namespace curator::net
