#include "server/nodes/cluster_state.h"

#include <malloc.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "metropolis/storage.pb.h"
#include "server/log.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

// A hundred thousand nodes are some seconds of a busy etcd.
constexpr absl::Duration kReloadTimeout = absl::Minutes(1);
// Deletions that watchers can still be told of. One that is further behind
// starts over.
constexpr size_t kMaxRememberedDeletions = 10000;

std::string AddressOfCurator(const NodeRecord& record) {
  const curator::storage::Node node = record.Parse();
  const auto& status = node.status();
  if (status.external_address().empty() || status.running_curator().port() == 0) return "";
  const bool ipv6 = absl::StrContains(status.external_address(), ':');
  return absl::StrCat(ipv6 ? "[" : "", status.external_address(), ipv6 ? "]:" : ":",
                      status.running_curator().port());
}

}  // namespace

absl::Status ClusterState::Run() {
  {
    absl::MutexLock lock(&mutex_);
    watch_ended_ = absl::OkStatus();
  }
  if (absl::Status loaded = Reload(absl::Now() + kReloadTimeout); !loaded.ok()) return loaded;
  // What the reading took beside the state is as much again, and would stay.
  malloc_trim(0);
  int64_t from_revision;
  {
    absl::MutexLock lock(&mutex_);
    from_revision = watched_revision_ + 1;
  }
  std::unique_ptr<Watch> watch = store_->StartWatch(
      "", from_revision, [this](const WatchBatch& batch) { Apply(batch); },
      [this](const absl::Status& ended) {
        absl::MutexLock lock(&mutex_);
        watch_ended_ = ended.ok() ? absl::UnavailableError("the watch ended") : ended;
      });
  absl::MutexLock lock(&mutex_);
  auto ended = [this]()
                   ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || !watch_ended_.ok(); };
  mutex_.Await(absl::Condition(&ended));
  return stopping_ ? absl::OkStatus() : watch_ended_;
}

void ClusterState::Stop() {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
}

absl::Status ClusterState::Reload(absl::Time deadline) {
  absl::StatusOr<RangeResult> range = store_->Range("", deadline);
  if (!range.ok()) return range.status();
  bool changed = false;
  {
    absl::MutexLock lock(&mutex_);
    // The watch has overtaken this reading: it says nothing new, and deletions
    // since then may be forgotten already.
    if (range->revision <= watched_revision_) return absl::OkStatus();
    // Keys that we know and the store no longer has were deleted. Our own later
    // writes, newer than this reading, stay.
    std::vector<std::string> gone;
    auto present = [&range](absl::string_view key) {
      auto it =
          std::lower_bound(range->kvs.begin(), range->kvs.end(), key,
                           [](const KeyValue& kv, absl::string_view k) { return kv.key < k; });
      return it != range->kvs.end() && it->key == key;
    };
    for (const NodeRecordPtr& record : nodes_) {
      std::string key = keys::Node(record->id);
      if (record->mod_revision <= range->revision && !present(key)) gone.push_back(std::move(key));
    }
    for (const auto& [key, value] : values_) {
      if (value.mod_revision <= range->revision && !present(key)) gone.push_back(key);
    }
    for (const std::string& key : gone) changed |= ApplyDelete(key, range->revision);
    for (const KeyValue& kv : range->kvs) changed |= ApplyPut(kv);
    watched_revision_ = std::max(watched_revision_, range->revision);
    ForgetOldDeletions();
  }
  if (changed) Notify();
  return absl::OkStatus();
}

void ClusterState::Apply(const WatchBatch& batch) {
  bool changed = false;
  {
    absl::MutexLock lock(&mutex_);
    for (const WatchEvent& event : batch.events) {
      // A reading was ahead of the watch.
      if (event.kv.mod_revision <= watched_revision_) continue;
      changed |= event.kind == WatchEvent::Kind::kPut
                     ? ApplyPut(event.kv)
                     : ApplyDelete(event.kv.key, event.kv.mod_revision);
    }
    watched_revision_ = std::max(watched_revision_, batch.revision);
    ForgetOldDeletions();
  }
  if (changed) Notify();
}

void ClusterState::ApplyCommitted(const std::vector<Operation>& operations, int64_t revision) {
  bool changed = false;
  {
    absl::MutexLock lock(&mutex_);
    for (const Operation& operation : operations) {
      if (operation.kind == Operation::Kind::kPut) {
        changed |= ApplyPut({operation.key, operation.value, 0, revision, 0});
      } else {
        changed |= ApplyDelete(operation.key, revision);
      }
    }
    committed_revision_ = std::max(committed_revision_, revision);
  }
  if (changed) Notify();
}

int64_t ClusterState::KnownRevision(absl::string_view key) const {
  absl::string_view id = key;
  const bool is_node = absl::ConsumePrefix(&id, keys::kNodes);
  if (is_node) {
    if (auto it = nodes_.find(id); it != nodes_.end()) return (*it)->mod_revision;
  } else if (auto it = values_.find(key); it != values_.end()) {
    return it->second.mod_revision;
  }
  const auto& deleted = is_node ? deleted_nodes_ : deleted_values_;
  auto it = deleted.find(key);
  return it == deleted.end() ? 0 : it->second;
}

absl::btree_map<std::string, int64_t>& ClusterState::Deleted(absl::string_view key) {
  return absl::StartsWith(key, keys::kNodes) ? deleted_nodes_ : deleted_values_;
}

bool ClusterState::ApplyPut(const KeyValue& kv) {
  const int64_t known = KnownRevision(kv.key);
  if (kv.mod_revision <= known) return false;
  Deleted(kv.key).erase(kv.key);
  if (!absl::StartsWith(kv.key, keys::kNodes)) {
    values_[kv.key] = {kv.value, kv.mod_revision};
    return ValueChanged(kv.key, kv.mod_revision);
  }
  absl::StatusOr<NodeRecord> record = ParseNodeRecord(kv.key, kv.value, kv.mod_revision);
  if (!record.ok()) {
    // Not served, not repaired: somebody must look at it. Nor is the record before
    // it served, which a curator that starts now would not know.
    LogError("ignoring a damaged node record",
             {{"key", kv.key}, {"error", record.status().message()}});
    return ApplyDelete(kv.key, kv.mod_revision);
  }
  const std::string id = record->id;
  Erase(id);
  if (record->state == metropolis::proto::common::NODE_STATE_NEW) ++new_nodes_;
  nodes_.insert(std::make_shared<const NodeRecord>(*std::move(record)));
  RecordNodeChange(id, known, kv.mod_revision, /*deleted=*/false);
  return true;
}

bool ClusterState::ApplyDelete(absl::string_view key, int64_t revision) {
  const int64_t known = KnownRevision(key);
  if (revision <= known) return false;
  Deleted(key)[std::string(key)] = revision;
  absl::string_view id = key;
  if (!absl::ConsumePrefix(&id, keys::kNodes)) {
    values_.erase(key);
    return ValueChanged(key, revision);
  }
  if (!Erase(id)) return false;
  RecordNodeChange(std::string(id), known, revision, /*deleted=*/true);
  return true;
}

bool ClusterState::ValueChanged(absl::string_view key, int64_t revision) {
  if (key != keys::kInitialOwner && key != keys::kOwnerCertificate) return false;
  owner_revision_ = std::max(owner_revision_, revision);
  return true;
}

bool ClusterState::Erase(absl::string_view id) {
  const auto it = nodes_.find(id);
  if (it == nodes_.end()) return false;
  if ((*it)->state == metropolis::proto::common::NODE_STATE_NEW) --new_nodes_;
  nodes_.erase(it);
  return true;
}

void ClusterState::RecordNodeChange(const std::string& id, int64_t old_revision, int64_t revision,
                                    bool deleted) {
  snapshot_.reset();
  node_changes_.erase({old_revision, id});
  deletions_.erase({old_revision, id});
  node_changes_.insert({revision, id});
  if (deleted) deletions_.insert({revision, id});
}

void ClusterState::ForgetOldDeletions() {
  // The watch never delivers a revision twice, so a deletion that it has passed
  // needs no memory against an older put.
  absl::erase_if(deleted_values_, [this](const auto& entry) ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return entry.second <= watched_revision_;
  });
  while (deletions_.size() > kMaxRememberedDeletions) {
    const Change& oldest = *deletions_.begin();
    forgotten_revision_ = oldest.first;
    deleted_nodes_.erase(keys::Node(oldest.second));
    node_changes_.erase(oldest);
    deletions_.erase(deletions_.begin());
  }
}

absl::Status ClusterState::WaitForRevision(int64_t revision, absl::Time deadline) const {
  absl::MutexLock lock(&mutex_);
  auto reached = [this, revision]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || watched_revision_ >= revision;
  };
  if (mutex_.AwaitWithDeadline(absl::Condition(&reached), deadline) && !stopping_) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat("the state is known up to revision ",
                                             watched_revision_, ", ", revision, " is needed"));
}

NodeRecordPtr ClusterState::FindNode(absl::string_view id) const {
  absl::MutexLock lock(&mutex_);
  auto it = nodes_.find(id);
  return it == nodes_.end() ? nullptr : *it;
}

int64_t ClusterState::revision() const {
  absl::MutexLock lock(&mutex_);
  return NewestApplied();
}

// Only the leader writes nodes, and it applies its writes in order: what the watch has yet
// to deliver below its own newest write holds no node.
int64_t ClusterState::NewestApplied() const {
  return std::max(watched_revision_, committed_revision_);
}

std::vector<NodeRecordPtr> ClusterState::Nodes(int64_t* revision) const {
  absl::MutexLock lock(&mutex_);
  if (revision != nullptr) *revision = NewestApplied();
  return {nodes_.begin(), nodes_.end()};
}

NodeSnapshot ClusterState::Snapshot(int64_t* revision) const {
  absl::MutexLock lock(&mutex_);
  *revision = NewestApplied();
  NodeSnapshot snapshot = snapshot_.lock();
  if (snapshot == nullptr) {
    snapshot = std::make_shared<const std::vector<NodeRecordPtr>>(nodes_.begin(), nodes_.end());
    snapshot_ = snapshot;
  }
  return snapshot;
}

std::vector<NodeRecordPtr> ClusterState::NodesAfter(absl::string_view id, size_t most) const {
  absl::MutexLock lock(&mutex_);
  std::vector<NodeRecordPtr> nodes;
  nodes.reserve(most);
  for (auto it = nodes_.upper_bound(id); it != nodes_.end() && nodes.size() < most; ++it) {
    nodes.push_back(*it);
  }
  return nodes;
}

std::vector<NodeRecordPtr> ClusterState::FindNodes(
    size_t most, absl::FunctionRef<bool(const NodeRecord&)> wanted) const {
  absl::MutexLock lock(&mutex_);
  std::vector<NodeRecordPtr> nodes;
  for (auto it = nodes_.begin(); it != nodes_.end() && nodes.size() < most; ++it) {
    if (wanted(**it)) nodes.push_back(*it);
  }
  return nodes;
}

absl::optional<std::string> ClusterState::Find(absl::string_view key, int64_t* mod_revision) const {
  absl::MutexLock lock(&mutex_);
  auto it = values_.find(key);
  const bool found = it != values_.end();
  if (mod_revision != nullptr) *mod_revision = found ? it->second.mod_revision : 0;
  return found ? absl::make_optional(it->second.value) : absl::nullopt;
}

int64_t ClusterState::owner_revision() const {
  absl::MutexLock lock(&mutex_);
  return owner_revision_;
}

int64_t ClusterState::new_nodes() const {
  absl::MutexLock lock(&mutex_);
  return new_nodes_;
}

std::string ClusterState::CuratorAddress(absl::string_view id) const {
  NodeRecordPtr record = FindNode(id);
  return record == nullptr ? "" : AddressOfCurator(*record);
}

std::vector<ClusterState::Curator> ClusterState::Curators(absl::string_view leader_id,
                                                          size_t most) const {
  absl::MutexLock lock(&mutex_);
  std::set<std::string> ids;
  for (auto it = values_.lower_bound(keys::kLeaders);
       it != values_.end() && absl::StartsWith(it->first, keys::kLeaders); ++it) {
    curator::storage::LeaderElectionValue value;
    if (value.ParseFromString(it->second.value)) ids.insert(value.node_id());
  }
  std::vector<std::string> in_order;
  if (const auto leader = ids.find(std::string(leader_id)); leader != ids.end()) {
    in_order.push_back(*leader);
    ids.erase(leader);
  }
  in_order.insert(in_order.end(), ids.begin(), ids.end());
  std::vector<Curator> curators;
  for (const std::string& id : in_order) {
    if (curators.size() == most) break;
    const auto node = nodes_.find(absl::string_view(id));
    if (node == nodes_.end() || (*node)->state != metropolis::proto::common::NODE_STATE_UP) {
      continue;
    }
    std::string address = AddressOfCurator(**node);
    if (!address.empty()) curators.push_back({id, std::move(address)});
  }
  return curators;
}

absl::StatusOr<std::vector<NodeChange>> ClusterState::ChangesSince(int64_t* revision,
                                                                   size_t enough) const {
  absl::MutexLock lock(&mutex_);
  if (*revision != 0 && *revision < forgotten_revision_) {
    return absl::OutOfRangeError("deletions since then are forgotten");
  }
  std::vector<NodeChange> changes;
  const bool from_start = *revision == 0;
  for (auto it = node_changes_.lower_bound({*revision + 1, ""}); it != node_changes_.end(); ++it) {
    const auto& [change_revision, id] = *it;
    if (changes.size() >= enough && change_revision != *revision) break;
    *revision = change_revision;
    auto node = nodes_.find(absl::string_view(id));
    const bool exists = node != nodes_.end();
    // Who starts needs no deletions of what it never saw.
    if (!exists && from_start) continue;
    changes.push_back({id, exists ? *node : nullptr, change_revision});
  }
  return changes;
}

void ClusterState::Subscribe(std::weak_ptr<void> owner, std::function<void()> on_change) {
  auto subscription =
      std::make_shared<const Subscription>(Subscription{std::move(owner), std::move(on_change)});
  absl::MutexLock lock(&subscriptions_mutex_);
  if (subscriptions_.size() >= sweep_at_) {
    subscriptions_.erase(std::remove_if(subscriptions_.begin(), subscriptions_.end(),
                                        [](const auto& s) { return s->owner.expired(); }),
                         subscriptions_.end());
    sweep_at_ = std::max<size_t>(64, 2 * subscriptions_.size());
  }
  subscriptions_.push_back(std::move(subscription));
}

void ClusterState::Notify() {
  std::vector<std::shared_ptr<const Subscription>> subscriptions;
  {
    absl::MutexLock lock(&subscriptions_mutex_);
    subscriptions = subscriptions_;
  }
  for (const auto& subscription : subscriptions) {
    if (std::shared_ptr<void> owner = subscription->owner.lock()) subscription->on_change();
  }
}

}  // namespace curatord
