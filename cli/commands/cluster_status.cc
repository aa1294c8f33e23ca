// curatorctl cluster status
#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/cluster.h"
#include "cli/exit_code.h"
#include "cli/format.h"
#include "cli/tones.h"
#include "cli/trust.h"

namespace curator::cli {
namespace {

constexpr absl::Duration kProbeTimeout = absl::Seconds(3);

const char* RoleOf(Verdict verdict) {
  if (verdict == Verdict::kLeader) return "leader";
  if (verdict == Verdict::kFollower) return "follower";
  return "none";
}

bool HasLeader(const std::vector<ProbeResult>& results) {
  return std::any_of(results.begin(), results.end(), [](const ProbeResult& result) {
    return result.endpoint.verdict == Verdict::kLeader;
  });
}

Value ItemOf(const ProbeResult& result) {
  const EndpointReport& endpoint = result.endpoint;
  Value::List parts;
  for (const ServerPart& part : result.parts) {
    parts.push_back(Value::Object{
        {"name", part.name},
        {"health", part.health},
        {"last_error", OrNull(part.last_error)},
        {"since_ms", absl::ToInt64Milliseconds(part.since)},
    });
  }
  return Value::Object{
      {"endpoint", endpoint.address},
      {"node_id", OrNull(endpoint.node_id)},
      {"role", RoleOf(endpoint.verdict)},
      {"leader_id", OrNull(endpoint.leader_id)},
      {"latency_ms", absl::ToInt64Milliseconds(endpoint.elapsed)},
      {"verdict", ToString(endpoint.verdict)},
      {"phase", ToString(endpoint.phase)},
      {"detail", endpoint.detail},
      {"version", OrNull(result.server_version)},
      {"parts", std::move(parts)},
  };
}

bool AnyPartIsSick(const std::vector<ProbeResult>& results) {
  return std::any_of(results.begin(), results.end(), [](const ProbeResult& result) {
    return std::any_of(result.parts.begin(), result.parts.end(),
                       [](const ServerPart& part) { return part.health != "running"; });
  });
}

std::string SickParts(const Value& parts) {
  std::string out;
  if (parts.list() == nullptr) return out;
  for (const Value& part : *parts.list()) {
    const std::string health = part.Find("health")->Text();
    if (health == "running") continue;
    absl::StrAppend(&out, out.empty() ? "" : ", ", part.Find("name")->Text(), " ", health);
    if (!part.Find("last_error")->is_null()) {
      absl::StrAppend(&out, " (", part.Find("last_error")->Text(), ")");
    }
  }
  return out.empty() && !parts.list()->empty() ? "all running" : out;
}

// Adds the results for addresses that have not been asked yet. What turns out to
// be a node that is there already (another name for it) is left out.
void ProbeMore(ProbeOptions options, const std::vector<std::string>& addresses,
               std::vector<ProbeResult>& results) {
  options.endpoints.clear();
  for (const std::string& address : addresses) {
    const bool known = std::any_of(results.begin(), results.end(), [&](const ProbeResult& result) {
      return result.endpoint.address == address;
    });
    const bool twice = std::find(options.endpoints.begin(), options.endpoints.end(), address) !=
                       options.endpoints.end();
    if (!known && !twice) options.endpoints.push_back(address);
  }
  if (options.endpoints.empty()) return;
  std::set<std::string> nodes;
  for (const ProbeResult& result : results) nodes.insert(result.endpoint.node_id);
  nodes.erase("");
  for (ProbeResult& result : Probe(options)) {
    if (nodes.count(result.endpoint.node_id) == 0) results.push_back(std::move(result));
  }
}

std::string HostPort(const std::string& address, int port) {
  return absl::StrContains(address, ':') ? absl::StrCat("[", address, "]:", port)
                                         : absl::StrCat(address, ":", port);
}

// Why nobody may take what the endpoints say of the leader for the truth; OK: there is one
// leader, confirmed, and nobody else claims to be it.
absl::Status JudgeLeadership(const Session& session, const std::vector<ProbeResult>& results) {
  Error error;
  error.waited = session.Elapsed();
  std::set<std::string> leaders;
  std::vector<std::string> claims;
  for (const ProbeResult& result : results) {
    const EndpointReport& endpoint = result.endpoint;
    error.endpoints.push_back(endpoint);
    if (endpoint.verdict == Verdict::kLeader) leaders.insert(endpoint.node_id);
    if (endpoint.verdict == Verdict::kUnproven || endpoint.verdict == Verdict::kFalseLeader) {
      claims.push_back(
          absl::StrCat(endpoint.address, " (", endpoint.node_id, ") ", ToString(endpoint.verdict)));
    }
  }
  if (leaders.size() == 1 && claims.empty()) return absl::OkStatus();
  if (!claims.empty()) {
    error.message = absl::StrCat(
        "of ", session.ClusterName(),
        " there is who claims to lead and is not to be believed: ", absl::StrJoin(claims, ", "));
    error.cause =
        "it is a curator of the existing system, or older than this program, and cannot prove it; "
        "or a node that lies";
    error.hints = {"if it is such a curator: --accept-unproven",
                   "if not, find out what runs there before anything else"};
  } else if (leaders.size() > 1) {
    error.message = absl::StrCat("several claim to lead ", session.ClusterName(), ": ",
                                 absl::StrJoin(leaders, ", "));
    error.cause = "the leader changed while they were asked, or one of them lies";
    error.hints = {"ask again: curatorctl cluster status"};
  } else {
    error.message = absl::StrCat("no leader of ", session.ClusterName(), " is confirmed");
    if (session.settings().credential.value.empty()) {
      error.cause =
          "a leader is confirmed by a call that needs a client certificate, and none is "
          "configured";
      error.hints = {"curatorctl cluster takeownership --owner-key FILE --context NAME"};
    } else {
      error.hints = {"curatorctl wait --for leader --timeout 2m"};
    }
  }
  return Failure(ExitCode::kUnhealthy, error);
}

}  // namespace

absl::StatusOr<std::vector<ProbeResult>> ProbeCluster(Session& session) {
  absl::StatusOr<Target> target = session.ResolveTarget();
  if (!target.ok()) return target.status();
  ProbeOptions options;
  options.endpoints = target->endpoints;
  options.timeout = std::min(kProbeTimeout, session.Remaining());
  absl::StatusOr<absl::optional<ClusterCa>> configured = ConfiguredCa(session);
  if (!configured.ok()) return configured.status();
  options.ca = *configured;
  if (!options.ca.has_value()) {
    absl::StatusOr<ClusterCa> decided = DecideTrust(session, *target);
    if (decided.ok()) {
      options.ca = *decided;
    } else if (ExitCodeOf(decided.status()) != ExitCode::kUnreachable &&
               ExitCodeOf(decided.status()) != ExitCode::kTimeout) {
      return decided.status();
    }
    options.timeout = std::min(kProbeTimeout, session.Remaining());
  }
  // No certificate goes to servers whose CA is not known.
  if (options.ca.has_value()) options.identity = target->identity;
  options.accept_unproven = session.settings().accept_unproven.value;
  std::vector<ProbeResult> results = Probe(options);

  std::vector<std::string> addresses;
  for (const ProbeResult& result : results) {
    if (!result.leader_address.empty()) addresses.push_back(result.leader_address);
  }
  ProbeMore(options, addresses, results);
  if (!HasLeader(results) || !options.identity.has_value()) return results;

  // The leader knows all curators. If it is lost again just now, what has been
  // found so far is still the answer.
  Target leader = *target;
  leader.endpoints.clear();
  for (const ProbeResult& result : results) leader.endpoints.push_back(result.endpoint.address);
  absl::StatusOr<std::unique_ptr<Client>> client = session.MakeClient(leader, *options.ca);
  if (!client.ok()) return results;
  CallOptions call = session.GetCallOptions();
  call.timeout = std::min(call.timeout, kProbeTimeout);
  if (!(*client)->GetClusterInfo(call).ok()) return results;
  const KnownCurators known = (*client)->known_curators();
  addresses = known.addresses;
  for (size_t i = 0; i < addresses.size(); ++i) {
    options.expected_node_ids[addresses[i]] = known.node_ids[i];
  }
  // Servers that do not tell who stands in the election: then only the nodes themselves say
  // that they run a curator. Any of them can, so each has to be the one that said it.
  if (addresses.empty() && options.accept_unproven) {
    absl::StatusOr<NodeList> list = (*client)->ListNodes(call);
    if (!list.ok()) return results;
    for (const Node& node : list->nodes) {
      if (node.curator_port == 0 || node.address.empty()) continue;
      addresses.push_back(HostPort(node.address, node.curator_port));
      options.expected_node_ids[addresses.back()] = node.id;
    }
  }
  ProbeMore(options, addresses, results);
  return results;
}

absl::StatusOr<CommandResult> ClusterStatusCommand(Session& session) {
  absl::StatusOr<std::vector<ProbeResult>> results = ProbeCluster(session);
  if (!results.ok()) return results.status();
  Value::List items;
  for (const ProbeResult& result : *results) items.push_back(ItemOf(result));
  CommandResult command;
  Document& document = command.document;
  document.kind = "EndpointStatusList";
  document.fields = {{"items", std::move(items)}};
  document.items = "items";
  document.columns = {
      {"ENDPOINT", "endpoint"},
      {"NODE", "node_id"},
      {"ROLE", "role"},
      {"LEADER", "leader_id"},
      {"LATENCY", "latency_ms", false, HumanMilliseconds},
      {"VERDICT", "verdict", false, {}, ToneOfVerdict},
      {"DETAIL", "detail", true},
      {"VERSION", "version", true},
      // Shown to everybody once there is something to be seen.
      {"PARTS", "parts", !AnyPartIsSick(*results), SickParts},
  };
  document.name = "endpoint";
  command.status = JudgeLeadership(session, *results);
  return command;
}

}  // namespace curator::cli
