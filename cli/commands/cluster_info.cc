// curatorctl cluster info
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/cluster.h"
#include "cli/exit_code.h"

namespace curator::cli {
namespace {

Value Row(std::string key, Value value) {
  return Value::Object{{"key", std::move(key)}, {"value", std::move(value)}};
}

std::string Date(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

// `known`: as the leader tells, who stands in the election. Where it does not tell, the
// nodes that say that they run a curator are counted.
Value CountsOf(const std::vector<Node>& nodes, const KnownCurators& known) {
  int healthy = 0;
  int curators = 0;
  std::map<NodeState, int> states;
  for (const Node& node : nodes) {
    ++states[node.state];
    if (node.health == NodeHealth::kHealthy) ++healthy;
    if (node.curator_port != 0) ++curators;
  }
  if (!known.addresses.empty()) curators = static_cast<int>(known.addresses.size());
  return Value::Object{
      {"nodes", static_cast<int>(nodes.size())},
      {"new", states[NodeState::kNew]},
      {"standby", states[NodeState::kStandby]},
      {"up", states[NodeState::kUp]},
      {"decommissioned", states[NodeState::kDecommissioned]},
      {"healthy", healthy},
      {"curators", curators},
  };
}

}  // namespace

absl::StatusOr<CommandResult> ClusterInfoCommand(Session& session) {
  absl::StatusOr<Client*> client = session.GetClient();
  if (!client.ok()) return client.status();
  absl::StatusOr<ClusterInfo> info = (*client)->GetClusterInfo(session.GetCallOptions());
  if (!info.ok()) return info.status();
  absl::StatusOr<NodeList> list = session.ListNodes();
  if (!list.ok()) return list.status();
  absl::StatusOr<ClusterCa> ca = ClusterCa::FromDer(info->ca_certificate_der);
  if (!ca.ok()) {
    return Failure(ExitCode::kError, "the leader sent a CA certificate that cannot be read",
                   std::string(ca.status().message()));
  }

  const ClusterConfiguration& configuration = info->configuration;
  Value::List directory;
  for (const DirectoryEntry& entry : info->directory) {
    directory.push_back(
        Value::Object{{"id", entry.id}, {"addresses", Value::Strings(entry.addresses)}});
  }
  const Value counts = CountsOf(list->nodes, (*client)->known_curators());
  Document document;
  document.kind = "ClusterInfo";
  document.rows = {
      Row("ca", absl::StrCat("SHA256:", ca->sha256())),
      Row("ca expires", Date(ca->not_after())),
      Row("leader", absl::StrCat(info->leader.id, " (", info->leader.address, ")")),
      Row("domain", configuration.cluster_domain),
      Row("tpm mode", ToString(configuration.tpm_mode)),
      Row("storage security", ToString(configuration.storage_security_policy)),
      Row("nodes", absl::StrCat(list->nodes.size(), " (", counts.Find("up")->Text(), " up, ",
                                counts.Find("healthy")->Text(), " healthy, ",
                                counts.Find("new")->Text(), " new)")),
  };
  for (const DirectoryEntry& entry : info->directory) {
    document.rows.push_back(
        Row(absl::StrCat("directory ", entry.id), absl::StrJoin(entry.addresses, ",")));
  }
  document.fields = {
      {"ca",
       Value::Object{
           {"sha256", ca->sha256()}, {"pem", ca->pem()}, {"not_after", Date(ca->not_after())}}},
      {"leader", Value::Object{{"id", info->leader.id}, {"address", info->leader.address}}},
      {"directory", std::move(directory)},
      {"configuration", ConfigurationFields(configuration)},
      {"counts", counts},
  };
  document.columns = {{"KEY", "key"}, {"VALUE", "value"}};
  return CommandResult{std::move(document), {}};
}

}  // namespace curator::cli
