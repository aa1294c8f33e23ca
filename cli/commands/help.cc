#include "cli/commands/help.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/commands/cluster.h"
#include "cli/exit_code.h"

namespace curator::cli {
namespace {

CommandResult List(const char* kind, Value::List items, std::vector<Column> columns) {
  CommandResult result;
  result.document.kind = kind;
  result.document.fields = {{"items", std::move(items)}};
  result.document.items = "items";
  result.document.name = columns.front().path;
  result.document.columns = std::move(columns);
  return result;
}

Value Pair(const char* name, const char* meaning) {
  return Value::Object{{"name", name}, {"meaning", meaning}};
}

}  // namespace

absl::StatusOr<CommandResult> HelpExitCodesCommand() {
  Value::List items;
  for (const ExitCodeMeaning& meaning : ExitCodeMeanings()) {
    items.push_back(Value::Object{{"code", static_cast<int>(meaning.code)},
                                  {"name", ToString(meaning.code)},
                                  {"meaning", meaning.meaning},
                                  {"retry", meaning.retry}});
  }
  return List("ExitCodeList", std::move(items),
              {{"CODE", "code"}, {"NAME", "name"}, {"RETRY", "retry"}, {"MEANING", "meaning"}});
}

absl::StatusOr<CommandResult> HelpEnvCommand() {
  return List("EnvironmentList",
              {
                  Pair("CURATORCTL_CONFIG", "config file, as --config"),
                  Pair("CURATORCTL_CONTEXT", "context, as --context"),
                  Pair("CURATORCTL_ENDPOINTS", "comma list, as --endpoint"),
                  Pair("CURATORCTL_CA_SHA256", "pin of the CA, as --ca-sha256"),
                  Pair("CURATORCTL_CERT_FILE", "client certificate, as --cert"),
                  Pair("CURATORCTL_KEY_FILE", "its key, as --key"),
                  Pair("CURATORCTL_OUTPUT", "format, as --output"),
                  Pair("CURATORCTL_TIMEOUT", "time for the whole command, as --timeout"),
                  Pair("CURATORCTL_NO_INPUT", "never ask, as --no-input; 0, false, no, off: ask"),
                  Pair("XDG_CONFIG_HOME", "where curatorctl/config.yaml lies; else ~/.config"),
                  Pair("NO_COLOR", "no color, whatever its value"),
                  Pair("CLICOLOR_FORCE", "color also where stdout is no terminal; 0: not"),
                  Pair("TERM", "dumb: no color, no progress"),
              },
              {{"VARIABLE", "name"}, {"MEANING", "meaning"}});
}

absl::StatusOr<CommandResult> HelpFormatsCommand() {
  return List("FormatList",
              {
                  Pair("table", "for people; columns may change"),
                  Pair("wide", "table with all columns"),
                  Pair("json", "one object with apiVersion and kind; describe: one per id"),
                  Pair("yaml", "the same as YAML"),
                  Pair("jsonl", "one item a line"),
                  Pair("name", "one name or id a line"),
                  Pair("columns=A,B", "a table of these columns, wide ones and fields included"),
              },
              {{"FORMAT", "name"}, {"MEANING", "meaning"}});
}

absl::StatusOr<CommandResult> HelpFiltersCommand() {
  return List("FilterList",
              {
                  Pair("-l zone=a", "label zone is a"),
                  Pair("-l zone!=a", "label zone is not a, or is missing"),
                  Pair("-l zone", "label zone is there, whatever its value"),
                  Pair("-l '!zone'", "label zone is missing"),
                  Pair("-l zone=a,disk", "both; all of them must hold"),
                  Pair("--state NEW,STANDBY", "either; likewise --health and --role"),
                  Pair("--filter CEL", "a CEL expression over `node`, evaluated by the leader"),
                  Pair("  node.state == NODE_STATE_UP", "NEW, STANDBY, UP, DECOMMISSIONED"),
                  Pair("  node.health == HEALTH_HEALTHY", "UNKNOWN, HEALTHY, HEARTBEAT_TIMEOUT"),
                  Pair("  has(node.roles.kubernetes_worker)",
                       "consensus_member, kubernetes_controller, kubernetes_worker"),
                  Pair("  node.time_since_heartbeat > duration('5s')", "silent for that long"),
                  Pair("  node.status.external_address == '10.0.1.5'", "by its address"),
                  Pair("  node.labels.pairs.exists(p, p.key == 'zone')", "what -l zone becomes"),
                  Pair("wait --for 'nodes(CEL)>=3'", "until so many match; also <= == != > <"),
              },
              {{"FILTER", "name"}, {"MEANING", "meaning"}});
}

const char* ClientVersion() { return CURATOR_VERSION; }

absl::StatusOr<CommandResult> VersionCommand(Session& session, const VersionArgs& args) {
  CommandResult result;
  Document& document = result.document;
  document.kind = "Version";
  Value::List servers;
  Value::List rows = {
      Value::Object{{"program", "curatorctl"}, {"id", Value()}, {"version", ClientVersion()}}};
  if (args.server) {
    absl::StatusOr<std::vector<ProbeResult>> results = ProbeCluster(session);
    if (!results.ok()) return results.status();
    Error error;
    for (const ProbeResult& server : *results) {
      error.endpoints.push_back(server.endpoint);
      if (server.endpoint.node_id.empty()) continue;
      const Value version = server.server_version.empty() ? Value() : Value(server.server_version);
      servers.push_back(Value::Object{{"id", server.endpoint.node_id},
                                      {"endpoint", server.endpoint.address},
                                      {"version", version}});
      rows.push_back(Value::Object{
          {"program", "curatord"}, {"id", server.endpoint.node_id}, {"version", version}});
    }
    if (servers.empty()) {
      error.code = ErrorCode::kUnreachable;
      error.message = absl::StrCat("no curator of ", session.ClusterName(), " answered");
      error.waited = session.Elapsed();
      result.status = MakeError(error);
    }
  }
  document.fields = {{"client", ClientVersion()}, {"servers", std::move(servers)}};
  document.rows = std::move(rows);
  document.columns = {{"PROGRAM", "program"}, {"VERSION", "version"}, {"NODE", "id"}};
  return result;
}

}  // namespace curator::cli
