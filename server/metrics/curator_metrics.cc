#include "server/metrics/curator_metrics.h"

#include <array>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"
#include "server/boot_clock.h"
#include "server/version.h"

namespace curatord {
namespace {

using metropolis::proto::api::Node;
using metropolis::proto::common::NodeState;
using Type = Registry::Type;

// After the leader's process ended its key stands for one TTL at most, but for a second
// one where etcd itself changes its leader meanwhile.
constexpr int kLeasesUntilGone = 2;

// "NODE_STATE_UP" as "up".
std::string LabelOf(absl::string_view enum_name, absl::string_view prefix) {
  return absl::AsciiStrToLower(absl::StripPrefix(enum_name, prefix));
}

}  // namespace

CuratorMetrics::CuratorMetrics(absl::Duration lease_ttl)
    : takeover_clock_(lease_ttl * kLeasesUntilGone) {
  registry_.Add("curator_build_info", Type::kGauge, "Always 1; the version is in the label.",
                [](Samples* samples) {
                  samples->Add({{"version", kVersion}}, 1);
                });
  registry_.Add("curator_leadership_changes_total",
                "Changes from one leadership, which is a term, to another that this curator saw.",
                &leadership_changes_);
  registry_.Add("curator_takeover_seconds",
                "Takeovers by this curator: from the first sign that its predecessor was gone "
                "until it served as leader.",
                &takeover_seconds_);
  registry_.Add("curator_rpcs_total", Type::kCounter,
                "RPCs that ended, refused ones included; method \"other\" is any unknown one.",
                [this](Samples* samples) { rpcs_.Collect(samples); });
  registry_.Add("curator_store_seconds", Type::kHistogram, "Calls of the store, failed ones too.",
                [this](Samples* samples) { store_times_.CollectSeconds(samples); });
  registry_.Add("curator_store_failures_total", Type::kCounter, "Calls of the store that failed.",
                [this](Samples* samples) { store_times_.CollectFailures(samples); });
  registry_.Add("curator_listener_restarts_total",
                "Times that the listener was built anew after the first.", &restarts_);
  registry_.Add("curator_listener_restart_seconds",
                "Changes from one role to the next: how long nothing listened in between.",
                &restart_seconds_);
}

void CuratorMetrics::Observe(Election* election, const ClusterState* state,
                             const Supervisor* supervisor) {
  election->role().Subscribe([this, election] { OnRole(election->role().Get().value); });
  registry_.Add("curator_role", Type::kGauge, "1 for the role that this curator has now.",
                [this, election](Samples* samples) { CollectRole(samples, *election); });
  registry_.Add("curator_term", Type::kGauge,
                "Term of the leadership that this curator holds or follows; 0 without a role.",
                [election](Samples* samples) {
                  samples->Add(static_cast<double>(election->role().Get().value.term));
                });
  registry_.Add("curator_lease_age_seconds", Type::kGauge,
                "Since the last keepalive of this curator's own lease that was answered was sent.",
                [election](Samples* samples) {
                  if (auto lease = election->lease()) {
                    samples->Add(absl::ToDoubleSeconds(BootTime() - lease->sent_at));
                  }
                });
  registry_.Add("curator_lease_ttl_seconds", Type::kGauge,
                "TTL of that lease as granted; a leader steps down at two thirds of it.",
                [election](Samples* samples) {
                  if (auto lease = election->lease()) {
                    samples->Add(absl::ToDoubleSeconds(lease->ttl));
                  }
                });
  registry_.Add("curator_nodes", Type::kGauge,
                "Nodes of the cluster by state and health; of the leader alone.",
                [this, state](Samples* samples) { CollectNodes(samples, *state); });
  registry_.Add(
      "curator_part_running", Type::kGauge,
      "1 while that part of the process runs, 0 while it waits to be started again.",
      [supervisor](Samples* samples) {
        for (const PartStatus& part : supervisor->Status()) {
          samples->Add({{"part", part.name}}, part.health == PartHealth::kRunning ? 1 : 0);
        }
      });
  registry_.Add("curator_part_restarts_total", Type::kCounter,
                "Times that part of the process failed and was started again.",
                [supervisor](Samples* samples) {
                  for (const PartStatus& part : supervisor->Status()) {
                    samples->Add({{"part", part.name}}, static_cast<double>(part.restarts));
                  }
                });
}

void CuratorMetrics::Observe(const StoreSpace* space) {
  registry_.Add("curator_store_full", Type::kGauge,
                "1 while the store refuses writes for want of room; no leader can be elected then.",
                [space](Samples* samples) { samples->Add(space->is_full() ? 1 : 0); });
  registry_.Add("curator_store_full_refusals_total", Type::kCounter,
                "Calls of the store that were refused for want of room.",
                [space](Samples* samples) { samples->Add(static_cast<double>(space->refused())); });
}

void CuratorMetrics::ObserveConnections(const ConnectionTable* connections) {
  registry_.Add("curator_connections", Type::kGauge,
                "Connections, with a member's certificate and without.",
                [connections](Samples* samples) {
                  const ConnectionTable::Counts counts = connections->counts();
                  samples->Add({{"of", "member"}}, static_cast<double>(counts.members));
                  samples->Add({{"of", "stranger"}}, static_cast<double>(counts.strangers));
                });
  registry_.Add("curator_connections_turned_away_total", Type::kCounter,
                "Connections that were closed, or not taken, against their peer's will.",
                [connections](Samples* samples) { connections->turned_away().Collect(samples); });
}

void CuratorMetrics::OnRole(const Role& role) {
  takeover_clock_.OnRole(role, BootTime());
  if (role.kind == Role::Kind::kNone) return;
  absl::MutexLock lock(&mutex_);
  if (last_term_ != 0 && last_term_ != role.term) leadership_changes_.Increment();
  last_term_ = role.term;
}

void CuratorMetrics::LeaderLost(int64_t term) { takeover_clock_.OnLeaderLost(term, BootTime()); }

void CuratorMetrics::Serving(const Role& role, std::shared_ptr<const Heartbeats> heartbeats,
                             absl::optional<absl::Duration> gap) {
  const absl::Duration now = BootTime();
  // The listener may have seen the role before we were told.
  takeover_clock_.OnRole(role, now);
  if (const auto took = takeover_clock_.OnServing(role.term, now)) {
    takeover_seconds_.Observe(*took);
  }
  if (gap.has_value()) restart_seconds_.Observe(*gap);
  absl::MutexLock lock(&mutex_);
  if (served_before_) restarts_.Increment();
  served_before_ = true;
  heartbeats_ = std::move(heartbeats);
}

void CuratorMetrics::StoppedServing() {
  absl::MutexLock lock(&mutex_);
  heartbeats_.reset();
}

void CuratorMetrics::CollectRole(Samples* samples, const Election& election) const {
  const Role::Kind now = election.role().Get().value.kind;
  const std::pair<const char*, Role::Kind> roles[] = {{"leader", Role::Kind::kLeader},
                                                      {"follower", Role::Kind::kFollower},
                                                      {"none", Role::Kind::kNone}};
  for (const auto& [name, kind] : roles) samples->Add({{"role", name}}, kind == now ? 1 : 0);
}

void CuratorMetrics::CollectNodes(Samples* samples, const ClusterState& state) const {
  std::shared_ptr<const Heartbeats> heartbeats;
  {
    absl::MutexLock lock(&mutex_);
    heartbeats = heartbeats_;
  }
  if (heartbeats == nullptr) return;
  std::map<std::pair<NodeState, Node::Health>, int> counts;
  // Shown also when they are 0: an alert on them has something to look at.
  for (Node::Health health :
       {Node::HEALTH_HEALTHY, Node::HEALTH_UNKNOWN, Node::HEALTH_HEARTBEAT_TIMEOUT}) {
    counts[{metropolis::proto::common::NODE_STATE_UP, health}] = 0;
  }
  for (const NodeRecordPtr& record : state.Nodes()) {
    const NodeState node_state = record->state;
    const bool is_up = node_state == metropolis::proto::common::NODE_STATE_UP;
    ++counts[{node_state, heartbeats->VitalsOf(record->id, is_up).health}];
  }
  for (const auto& [key, count] : counts) {
    samples->Add({{"state", LabelOf(NodeState_Name(key.first), "NODE_STATE_")},
                  {"health", LabelOf(Node::Health_Name(key.second), "HEALTH_")}},
                 count);
  }
}

}  // namespace curatord
