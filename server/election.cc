#include "server/election.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "metropolis/storage.pb.h"
#include "server/boot_clock.h"
#include "server/log.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

constexpr absl::Duration kElectionTimeout = absl::Seconds(5);
constexpr absl::Duration kKeepAliveRetry = absl::Milliseconds(200);
constexpr absl::Duration kKeepAliveTimeout = absl::Seconds(1);
constexpr absl::Duration kPauseAfterResigning = absl::Seconds(2);
constexpr absl::Duration kPauseAfterLosing = absl::Milliseconds(200);

absl::string_view CandidateNodeId(const KeyValue& kv,
                                  curator::storage::LeaderElectionValue* value) {
  // A value that does not parse leaves the id empty: a leader nobody can name.
  if (!value->ParseFromString(kv.value)) value->Clear();
  return value->node_id();
}

}  // namespace

Election::Election(Store* store, ElectionOptions options)
    : store_(store), options_(std::move(options)) {}

void Election::Stop() {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
}

void Election::Resign(std::string cause) {
  absl::MutexLock lock(&mutex_);
  resign_cause_ = std::move(cause);
}

std::vector<Candidate> Election::Candidates() const {
  absl::MutexLock lock(&mutex_);
  std::vector<Candidate> candidates;
  for (const auto& [create_revision, kv] : candidates_) {
    curator::storage::LeaderElectionValue value;
    candidates.push_back({std::string(CandidateNodeId(kv, &value)), kv.key, create_revision});
  }
  return candidates;
}

absl::optional<Election::HeldLease> Election::lease() const {
  absl::MutexLock lock(&mutex_);
  return lease_;
}

void Election::Hold(const Candidacy& candidacy) {
  absl::MutexLock lock(&mutex_);
  lease_ = HeldLease{candidacy.lease_sent_at, candidacy.ttl};
}

void Election::Publish(Role role, absl::string_view cause) {
  if (role_.Get().value == role) return;
  switch (role.kind) {
    case Role::Kind::kLeader:
      LogInfo("leading", {{"term", role.term}, {"lock_key", role.lock_key}});
      break;
    case Role::Kind::kFollower:
      LogInfo("following", {{"leader", role.leader_id}, {"term", role.term}});
      break;
    case Role::Kind::kNone:
      LogWarning("no role", {{"cause", cause}});
      break;
  }
  role_.Set(std::move(role));
}

absl::Status Election::Run() {
  {
    absl::MutexLock lock(&mutex_);
    resign_cause_.reset();
  }
  for (;;) {
    absl::Status status = Campaign();
    Publish(Role{}, status.ok() ? "stopped" : status.message());
    absl::MutexLock lock(&mutex_);
    if (stopping_) return absl::OkStatus();
    if (resign_cause_.has_value()) {
      resign_cause_.reset();
      mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kPauseAfterResigning);
      continue;
    }
    // Losing a lease is part of the game, not a failure of this part.
    if (absl::IsAborted(status) || absl::IsDeadlineExceeded(status)) {
      mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kPauseAfterLosing);
      continue;
    }
    if (!status.ok()) return status;
  }
}

// A curator that restarts finds the key of its former self leading until that
// lease ends. Nobody may follow a leader that is gone, so the key is deleted.
absl::Status Election::DeleteStaleLeaderKeyOfOurs() {
  const absl::Time deadline = absl::Now() + kElectionTimeout;
  absl::StatusOr<RangeResult> range = store_->Range(keys::kLeaders, deadline);
  if (!range.ok()) return range.status();
  const KeyValue* leader = nullptr;
  for (const KeyValue& kv : range->kvs) {
    if (leader == nullptr || kv.create_revision < leader->create_revision) leader = &kv;
  }
  curator::storage::LeaderElectionValue value;
  if (leader == nullptr || CandidateNodeId(*leader, &value) != options_.node_id) {
    return absl::OkStatus();
  }
  // A refused guard means that it is gone already.
  const absl::StatusOr<CommitResult> deleted =
      store_->Commit({Guard::ModRevision(leader->key, leader->mod_revision)},
                     {Operation::Delete(leader->key)}, deadline);
  if (!deleted.ok()) return deleted.status();
  if (deleted->succeeded) {
    LogInfo("deleted the leader key of a former run", {{"key", leader->key}});
  }
  return absl::OkStatus();
}

absl::StatusOr<Election::Candidacy> Election::Enter() {
  if (absl::Status status = DeleteStaleLeaderKeyOfOurs(); !status.ok()) return status;
  Candidacy candidacy;
  candidacy.lease_sent_at = BootTime();
  const absl::Time deadline = absl::Now() + kElectionTimeout;
  absl::StatusOr<Lease> lease = store_->GrantLease(options_.lease_ttl, deadline);
  if (!lease.ok()) return lease.status();
  candidacy.lease_id = lease->id;
  candidacy.ttl = lease->ttl;
  if (lease->ttl < kShortestLease) {
    GiveUp(candidacy);
    return absl::FailedPreconditionError(
        absl::StrCat("the store granted a lease of ", absl::FormatDuration(lease->ttl), "; under ",
                     absl::FormatDuration(kShortestLease), " none can be kept"));
  }
  if (lease->ttl != options_.lease_ttl) {
    LogWarning("the store grants leases of another length; roles are counted by it",
               {{"asked", absl::FormatDuration(options_.lease_ttl)},
                {"granted", absl::FormatDuration(lease->ttl)}});
  }
  candidacy.key = keys::Leader(lease->id);
  curator::storage::LeaderElectionValue value;
  value.set_node_id(options_.node_id);
  value.set_ttl(static_cast<uint64_t>(absl::ToInt64Seconds(lease->ttl)));
  absl::StatusOr<CommitResult> put = store_->Commit(
      {Guard::Absent(candidacy.key)},
      {Operation::Put(candidacy.key, value.SerializeAsString(), candidacy.lease_id)}, deadline);
  if (!put.ok() || !put->succeeded) {
    GiveUp(candidacy);
    if (!put.ok()) return put.status();
    return absl::InternalError(absl::StrCat("candidate key ", candidacy.key, " exists already"));
  }
  candidacy.create_revision = put->revision;
  return candidacy;
}

void Election::GiveUp(const Candidacy& candidacy) {
  {
    absl::MutexLock lock(&mutex_);
    lease_.reset();
  }
  absl::Status revoked = store_->RevokeLease(candidacy.lease_id, absl::Now() + absl::Seconds(1));
  if (!revoked.ok() && !absl::IsNotFound(revoked)) {
    LogWarning("could not revoke the lease; it ends by itself",
               {{"ttl", absl::FormatDuration(candidacy.ttl)}, {"error", revoked.message()}});
  }
}

absl::Status Election::Campaign() {
  absl::StatusOr<Candidacy> candidacy = Enter();
  if (!candidacy.ok()) return candidacy.status();
  Hold(*candidacy);
  absl::Status status = HoldCandidacy(&*candidacy);
  // The listener is told before the lease is given up, so that it stops serving
  // no later than a successor can start.
  Publish(Role{}, status.ok() ? "stopped" : status.message());
  GiveUp(*candidacy);
  return status;
}

absl::Status Election::HoldCandidacy(Candidacy* candidacy) {
  absl::StatusOr<RangeResult> range = store_->Range(keys::kLeaders, absl::Now() + kElectionTimeout);
  if (!range.ok()) return range.status();
  {
    absl::MutexLock lock(&mutex_);
    candidates_.clear();
    candidates_revision_ = 0;
    for (const KeyValue& kv : range->kvs) {
      candidates_[kv.create_revision] = kv;
      candidates_revision_ = std::max(candidates_revision_, kv.mod_revision);
    }
    // What we know is complete up to the range, deletions that it no longer shows included.
    candidates_revision_ = std::max(candidates_revision_, range->revision);
    candidates_changed_ = true;
    watch_ended_ = absl::OkStatus();
  }
  std::unique_ptr<Watch> watch = store_->StartWatch(
      std::string(keys::kLeaders), range->revision + 1,
      [this](const WatchBatch& batch) {
        absl::MutexLock lock(&mutex_);
        for (const WatchEvent& event : batch.events) {
          for (auto it = candidates_.begin(); it != candidates_.end(); ++it) {
            if (it->second.key == event.kv.key) {
              candidates_.erase(it);
              break;
            }
          }
          if (event.kind == WatchEvent::Kind::kPut) {
            candidates_[event.kv.create_revision] = event.kv;
          }
          candidates_revision_ = event.kv.mod_revision;
          candidates_changed_ = true;
        }
      },
      [this](const absl::Status& ended) {
        absl::MutexLock lock(&mutex_);
        watch_ended_ = ended.ok() ? absl::UnavailableError("the watch ended") : ended;
      });

  absl::Duration next_keepalive = candidacy->lease_sent_at + candidacy->ttl / 3;
  for (;;) {
    absl::optional<Role> role;
    {
      absl::MutexLock lock(&mutex_);
      auto something_to_do = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return stopping_ || candidates_changed_ || resign_cause_.has_value() || !watch_ended_.ok();
      };
      const absl::Duration limit = candidacy->lease_sent_at + LeadershipLimit(candidacy->ttl);
      mutex_.AwaitWithTimeout(absl::Condition(&something_to_do),
                              std::min(next_keepalive, limit) - BootTime());
      if (stopping_) return absl::OkStatus();
      if (resign_cause_.has_value()) return absl::AbortedError(*resign_cause_);
      if (!watch_ended_.ok()) {
        return absl::UnavailableError(
            absl::StrCat("the watch of the candidates ended: ", watch_ended_.message()));
      }
      candidates_changed_ = false;
      role = RoleFrom(*candidacy);
    }
    // The process may have been stopped for any time before this line: what was
    // true of the lease then is not true now.
    if (BootTime() - candidacy->lease_sent_at >= LeadershipLimit(candidacy->ttl)) {
      return absl::DeadlineExceededError("the lease could not be kept alive in time");
    }
    if (!role.has_value()) return absl::AbortedError("our candidate key is gone");
    if (role->kind == Role::Kind::kFollower && role->leader_id == options_.node_id) {
      return absl::AbortedError("the key of a former run of ours leads");
    }
    Publish(*std::move(role), "the leader's key names nobody");
    if (BootTime() >= next_keepalive) {
      if (absl::Status status = KeepAlive(candidacy, &next_keepalive); !status.ok()) return status;
    }
  }
}

// One keepalive. Sets when the next is due; fails only when the lease is gone,
// or silent for so long that we may not act on it.
absl::Status Election::KeepAlive(Candidacy* candidacy, absl::Duration* next_keepalive) {
  const absl::Duration sent_at = BootTime();
  const absl::Duration left = candidacy->lease_sent_at + LeadershipLimit(candidacy->ttl) - sent_at;
  absl::StatusOr<absl::Duration> kept =
      store_->KeepLeaseAlive(candidacy->lease_id, absl::Now() + std::min(left, kKeepAliveTimeout));
  if (kept.ok()) {
    candidacy->lease_sent_at = sent_at;
    candidacy->ttl = std::min(candidacy->ttl, *kept);
    *next_keepalive = sent_at + candidacy->ttl / 3;
    Hold(*candidacy);
    return absl::OkStatus();
  }
  if (absl::IsNotFound(kept.status())) return absl::AbortedError("our lease has ended");
  LogWarning("keepalive failed", {{"error", kept.status().message()},
                                  {"leading_for_at_most", absl::FormatDuration(left)}});
  *next_keepalive = BootTime() + kKeepAliveRetry;
  return absl::OkStatus();
}

absl::optional<Role> Election::RoleFrom(const Candidacy& candidacy) const {
  if (!candidates_.contains(candidacy.create_revision)) return absl::nullopt;
  Role role;
  const auto& [create_revision, lowest] = *candidates_.begin();
  curator::storage::LeaderElectionValue value;
  role.leader_id = std::string(CandidateNodeId(lowest, &value));
  role.lock_key = lowest.key;
  role.term = create_revision;
  if (create_revision == candidacy.create_revision) {
    role.kind = Role::Kind::kLeader;
    role.since_revision = candidates_revision_;
  } else if (!role.leader_id.empty()) {
    role.kind = Role::Kind::kFollower;
  } else {
    return Role{};
  }
  return role;
}

}  // namespace curatord
