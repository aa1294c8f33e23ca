#include "server/takeover.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libclient/net/endpoint_channel.h"
#include "libclient/net/leader_watch.h"
#include "libclient/net/monotonic.h"
#include "libclient/net/tcp_probe.h"
#include "metropolis/storage.pb.h"
#include "server/boot_clock.h"
#include "server/log.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

constexpr int kRefusals = 3;
constexpr int kMaxProbes = 10;
constexpr absl::Duration kBetweenProbes = absl::Milliseconds(25);
constexpr absl::Duration kProbeTimeout = absl::Milliseconds(500);
// A store that takes longer is not healthy: then the lease decides.
constexpr absl::Duration kStoreCallTimeout = absl::Seconds(1);
constexpr absl::Duration kBeforeDial = absl::Milliseconds(100);
constexpr absl::Duration kOncePerLeader = absl::Minutes(1);

}  // namespace

// One GetCurrentLeader stream to the leader, whom the store names: no proof is asked for.
// Destroying it ends it.
class Takeover::LeaderStream {
 public:
  LeaderStream(Takeover* owner, const Role& role, const curator::core::Endpoint& leader)
      : owner_(owner), watch_(Open(*owner, role, leader), absl::nullopt, SinkFor(role)) {
    {
      absl::MutexLock lock(&owner_->mutex_);
      owner_->stream_ = StreamState();
    }
    watch_.Start();
  }
  ~LeaderStream() {
    watch_.Cancel();
    absl::MutexLock lock(&owner_->mutex_);
    owner_->mutex_.Await(absl::Condition(&owner_->stream_.ended));
  }

 private:
  static curator::net::EndpointChannel Open(const Takeover& owner, const Role& role,
                                            const curator::core::Endpoint& leader) {
    curator::net::ChannelOptions options;
    options.ca = owner.options_.ca;
    options.identity = owner.options_.identity;
    options.expected_node_id = role.leader_id;
    return curator::net::OpenChannel(leader, options);
  }

  curator::net::LeaderWatch::Sink SinkFor(const Role& role) {
    return {[this, term = role.term](const curator::core::LeaderView::Statement& said,
                                     const std::string& contradiction) {
              if (!contradiction.empty() || !said.claims() || said.term != term) return;
              if (owner_->options_.metrics != nullptr) owner_->options_.metrics->LeaderHeard(term);
              absl::MutexLock lock(&owner_->mutex_);
              owner_->stream_.established = true;
            },
            [this](const grpc::Status&, const curator::identity::PeerRecord::Seen&) {
              absl::MutexLock lock(&owner_->mutex_);
              owner_->stream_.ended = true;
            }};
  }

  Takeover* const owner_;
  curator::net::LeaderWatch watch_;
};

Takeover::Takeover(Store* store, const ClusterState* state, Published<Role>* role,
                   TakeoverOptions options)
    : store_(store), state_(state), role_(role), options_(std::move(options)) {
  role->Subscribe([this] {
    absl::MutexLock lock(&mutex_);
    ++role_changes_;
  });
}

Takeover::~Takeover() = default;

void Takeover::Stop() {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
}

bool Takeover::armed() const {
  absl::MutexLock lock(&mutex_);
  return stream_.established && !stream_.ended;
}

absl::Status Takeover::Run() {
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return absl::OkStatus();
      seen_changes_ = role_changes_;  // before the role is read: no change is missed
    }
    const Role role = role_->Get().value;
    if (role.kind != Role::Kind::kFollower) {
      Pause(absl::InfiniteDuration());
      continue;
    }
    // Its listener does not stand yet, nor does ours: a handshake would only delay both.
    Pause(kBeforeDial);
    if (!RoleIs(role)) continue;
    const absl::StatusOr<curator::core::Endpoint> leader =
        curator::core::ParseEndpoint(state_->CuratorAddress(role.leader_id));
    if (leader.ok()) FollowLeader(role, *leader);
  }
}

void Takeover::FollowLeader(const Role& role, const curator::core::Endpoint& leader) {
  bool established;
  {
    const LeaderStream stream(this, role, leader);
    absl::MutexLock lock(&mutex_);
    const auto over = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return stopping_ || role_changes_ != seen_changes_ || stream_.ended;
    };
    mutex_.Await(absl::Condition(&over));
    established = stream_.established && stream_.ended;
    if (established && options_.metrics != nullptr) options_.metrics->LeaderLost(role.term);
  }
  if (established && IsGone(role, leader)) Depose(role);
}

bool Takeover::IsGone(const Role& role, const curator::core::Endpoint& leader) const {
  int refusals = 0;  // in a row: a process that ends cuts connections before its port is closed
  for (int probes = 0; probes < kMaxProbes && refusals < kRefusals; ++probes) {
    if (probes > 0) Pause(kBetweenProbes);
    if (!RoleIs(role)) return false;  // the pause ended early: it was no pause
    const curator::core::DialOutcome outcome =
        curator::net::ProbeTcp(leader, curator::core::After(curator::net::Now(), kProbeTimeout));
    refusals = outcome.verdict == curator::Verdict::kRefused ? refusals + 1 : 0;
  }
  return refusals == kRefusals;
}

void Takeover::Depose(const Role& role) {
  if (!RoleIs(role)) return;
  if (const auto last = deposed_at_.find(role.leader_id);
      last != deposed_at_.end() && BootTime() - last->second < kOncePerLeader) {
    LogInfo("the leader seems gone again; its lease decides", {{"leader", role.leader_id}});
    return;
  }
  absl::StatusOr<RangeResult> range = store_->Range(role.lock_key, absl::Now() + kStoreCallTimeout);
  if (!range.ok()) return;  // our store is not well
  const KeyValue* lock = nullptr;
  for (const KeyValue& kv : range->kvs) {
    if (kv.key == role.lock_key && kv.create_revision == role.term) lock = &kv;
  }
  if (lock == nullptr) return;  // gone by itself
  absl::StatusOr<Lease> lease =
      store_->GrantLease(options_.lease_ttl, absl::Now() + kStoreCallTimeout);
  if (!lease.ok()) return;
  curator::storage::Takeover record;
  record.set_deposed_node_id(role.leader_id);
  record.set_deposed_term(role.term);
  record.set_by_node_id(options_.node_id);
  const absl::StatusOr<CommitResult> deposed = store_->Commit(
      {Guard::CreateRevision(role.lock_key, role.term),
       Guard::ModRevision(role.lock_key, lock->mod_revision),
       Guard::Absent(std::string(keys::kTakeover))},
      {Operation::Delete(role.lock_key),
       Operation::Put(std::string(keys::kTakeover), record.SerializeAsString(), lease->id)},
      absl::Now() + kStoreCallTimeout);
  if (deposed.ok() && !deposed->succeeded) {
    // Somebody else was faster, or deposed another leader a moment ago.
    LogInfo("the leader seems gone; not deposed by us", {{"leader", role.leader_id}});
    store_->RevokeLease(lease->id, absl::Now() + kStoreCallTimeout).IgnoreError();
    return;
  }
  deposed_at_[role.leader_id] = BootTime();
  if (deposed.ok()) {
    LogInfo("deposed a leader that is gone", {{"leader", role.leader_id}, {"term", role.term}});
  } else {
    LogWarning("could not depose a leader that is gone",
               {{"leader", role.leader_id}, {"error", deposed.status().message()}});
  }
}

bool Takeover::RoleIs(const Role& role) const { return role_->Get().value == role; }

void Takeover::Pause(absl::Duration delay) const {
  absl::MutexLock lock(&mutex_);
  const auto early = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || role_changes_ != seen_changes_;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&early), delay);
}

}  // namespace curatord
