#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "curator/node_agent.h"
#include "server/auth/authorizer.h"
#include "server/cluster_store.h"
#include "server/commands.h"
#include "server/data_dir.h"
#include "server/election.h"
#include "server/explained.h"
#include "server/listener.h"
#include "server/listener/listening_sockets.h"
#include "server/listener/self_check.h"
#include "server/log.h"
#include "server/metrics/curator_metrics.h"
#include "server/metrics/measured_store.h"
#include "server/metrics/metrics_server.h"
#include "server/nodes/cluster_state.h"
#include "server/nodes/node_record.h"
#include "server/pki/cluster_pki.h"
#include "server/signals.h"
#include "server/store/keys.h"
#include "server/store/store.h"
#include "server/store_space.h"
#include "server/supervisor.h"
#include "server/surroundings.h"
#include "server/takeover.h"
#include "server/version.h"

namespace curatord {
namespace {

namespace common = metropolis::proto::common;

constexpr absl::Duration kContentsTimeout = absl::Seconds(10);
constexpr absl::Duration kHandOverTimeout = absl::Seconds(5);

// The store must be of the cluster that our own certificate is of.
absl::Status CheckSameCluster(Store* store, const curator::ClusterCa& ours) {
  const absl::StatusOr<curator::ClusterCa> theirs = ClusterIn(store);
  return theirs.ok() ? CheckSameCa(store->name(), *theirs, ours) : theirs.status();
}

// A node that has left must not lead, whatever still stands in its data directory.
absl::Status CheckNotDecommissioned(Store* store, const std::string& node_id) {
  const std::string key = keys::Node(node_id);
  absl::StatusOr<RangeResult> found = store->Range(key, absl::Now() + kContentsTimeout);
  if (!found.ok()) return found.status();
  // Damaged and missing ones are for the cluster's state to judge.
  if (found->kvs.empty()) return absl::OkStatus();
  absl::StatusOr<NodeRecord> record = ParseNodeRecord(key, found->kvs[0].value, 0);
  if (!record.ok() || record->state != common::NODE_STATE_DECOMMISSIONED) {
    return absl::OkStatus();
  }
  return Explained(
      absl::FailedPreconditionError(absl::StrCat("node ", node_id, " is decommissioned")),
      "it has left the cluster for good, and its certificate counts for nothing",
      "remove its data directory; to run a curator here again: `curatord join`");
}

// What this curator owes the cluster before its node is gone: that another leads.
absl::Status HandOver(Election* election) {
  const Published<Role>::Versioned role = election->role().Get();
  if (role.value.kind != Role::Kind::kLeader) return absl::OkStatus();
  if (election->Candidates().size() < 2) {
    return absl::FailedPreconditionError("no other curator is there to lead the cluster");
  }
  LogInfo("handing over: this node is being decommissioned");
  election->Resign("its node is being decommissioned");
  election->role().WaitForChange(role.version, kHandOverTimeout);
  return absl::OkStatus();
}

}  // namespace

absl::Status Run(const RunConfig& config) {
  BlockStopSignals();
  SetLogLevel(config.log_level);
  RouteGrpcLogs();
  RaiseDescriptorLimit();
  WarnOfExposure(config);

  absl::StatusOr<DataDirLock> lock = DataDirLock::Acquire(config.data_dir, /*create=*/false);
  if (!lock.ok()) return lock.status();
  absl::StatusOr<curator::NodeCredentials> credentials =
      curator::LoadNodeCredentials(config.data_dir);
  if (!credentials.ok()) return credentials.status();
  StoreSpace space;
  absl::StatusOr<std::unique_ptr<Store>> store =
      OpenClusterStore(config.store_url, /*create=*/false);
  if (!store.ok()) return store.status();
  if (absl::Status same = CheckSameCluster(store->get(), credentials->ca); !same.ok()) return same;
  if (absl::Status stays = CheckNotDecommissioned(store->get(), credentials->node_id);
      !stays.ok()) {
    return stays;
  }
  // Once before campaigning: a curator that could not listen must not be elected.
  if (absl::Status free = TryListening(config.listen_address); !free.ok()) {
    return Explained(free, "another process listens there, or the address is not this machine's",
                     "stop that process, or give another --listen");
  }
  // Likewise. Nothing is counted where nobody asks.
  absl::optional<CuratorMetrics> metrics;
  std::unique_ptr<MetricsServer> metrics_server;
  if (config.metrics_listen.has_value()) {
    metrics.emplace(config.lease_ttl);
    absl::StatusOr<std::unique_ptr<MetricsServer>> listening =
        MetricsServer::Listen(*config.metrics_listen, [&metrics] { return metrics->Text(); });
    if (!listening.ok()) {
      return Explained(listening.status(),
                       "another process listens there, or the address is not this machine's",
                       "stop that process, or give another --metrics-listen");
    }
    metrics_server = *std::move(listening);
    std::unique_ptr<Store> measured = *std::move(store);
    store = std::make_unique<MeasuredStore>(std::move(measured), metrics->store_times());
  }
  std::unique_ptr<Store> opened = *std::move(store);
  store = std::make_unique<StoreWithSpace>(std::move(opened), &space);
  CuratorMetrics* const counted = metrics.has_value() ? &*metrics : nullptr;
  LogInfo(
      "starting",
      {{"node", credentials->node_id},
       {"version", kVersion},
       {"store", (*store)->name()},
       {"listen", config.listen_address},
       {"advertise", absl::StrCat(config.advertise_host, ":", config.advertise_port)},
       {"metrics", config.metrics_listen.has_value() ? config.metrics_listen->ToString() : "none"},
       {"ca_sha256", credentials->ca.sha256()}});

  ClusterState state(store->get());
  const Authorizer authorizer(credentials->ca.certificate());
  Election election(store->get(), {credentials->node_id, config.lease_ttl});

  curator::NodeAgentOptions agent_options;
  agent_options.data_dir = config.data_dir;
  agent_options.endpoints = {config.listen_address};
  agent_options.external_address = config.advertise_host;
  agent_options.curator_port = config.advertise_port;
  // A curator needs no unlock key: its store is not the node's encrypted storage.
  agent_options.join = false;
  agent_options.on_log = [](absl::string_view line) { LogInfo("node agent", {{"event", line}}); };
  agent_options.on_decommission = [&election](const curator::Cancellation&) {
    return HandOver(&election);
  };
  curator::NodeAgent agent(std::move(agent_options));
  const curator::Cancellation stop_agent;

  absl::optional<Takeover> takeover;
  if (config.fast_takeover) {
    takeover.emplace(store->get(), &state, &election.role(),
                     TakeoverOptions{credentials->node_id, credentials->ca, credentials->identity,
                                     config.lease_ttl, counted});
  }

  Supervisor supervisor;
  Listener listener(store->get(), &state, &authorizer, &supervisor, &election,
                    {credentials->node_id, credentials->identity, config.listen_address,
                     config.advertise_host, config.advertise_port,
                     [&agent](const std::string& leader_id, const std::string& address) {
                       agent.NameLeader(leader_id, address);
                     },
                     counted, config.limits});
  SelfCheck self_check(&election, [&listener] { listener.Rebuild(); },
                       {credentials->node_id, credentials->ca, credentials->identity,
                        config.listen_address, config.lease_ttl});
  if (metrics.has_value()) metrics->Observe(&election, &state, &supervisor);
  if (metrics.has_value()) metrics->Observe(&space);
  supervisor.Start(
      "cluster-state", [&state] { return state.Run(); }, [&state] { state.Stop(); });
  supervisor.Start(
      "listener", [&listener] { return listener.Run(); }, [&listener] { listener.Stop(); });
  supervisor.Start(
      "self-check", [&self_check] { return self_check.Run(); },
      [&self_check] { self_check.Stop(); }, [&self_check] { return self_check.health(); });
  supervisor.Start(
      "election", [&election] { return election.Run(); }, [&election] { election.Stop(); });
  supervisor.Start(
      "store-space", [&space, &store] { return space.Run(store->get()); },
      [&space] { space.Stop(); }, [&space] { return space.health(); });
  if (takeover.has_value()) {
    supervisor.Start(
        "takeover", [&takeover] { return takeover->Run(); }, [&takeover] { takeover->Stop(); });
  }
  absl::Notification agent_may_end;
  supervisor.Start(
      "node-agent",
      [&] {
        absl::Status ended = agent.Run(stop_agent);
        // Decommissioned: there is nothing to run again, and nothing more to do here.
        if (ended.ok() && !stop_agent.cancelled()) {
          LogInfo("decommissioned", {{"node", credentials->node_id}});
          RequestStop();
          agent_may_end.WaitForNotification();
        }
        return ended;
      },
      [&] {
        stop_agent.Cancel();
        agent_may_end.Notify();
      });
  if (metrics_server != nullptr) {
    supervisor.Start(
        "metrics", [&metrics_server] { return metrics_server->Run(); },
        [&metrics_server] { metrics_server->Stop(); });
  }

  const int signal = WaitForStopSignal();
  LogInfo("stopping", {{"signal", signal}});
  supervisor.Stop();
  LogInfo("stopped");
  return absl::OkStatus();
}

}  // namespace curatord
