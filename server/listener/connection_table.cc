#include "server/listener/connection_table.h"

#include <algorithm>
#include <utility>

namespace curatord {
namespace {

// How often, at most, all are asked whether they are gone because there is no room.
constexpr absl::Duration kBetweenSearches = absl::Milliseconds(20);

}  // namespace

ConnectionBounds ConnectionBounds::For(const Limits& limits, int64_t descriptors) {
  const int64_t others = std::min(descriptors / 4, kOtherDescriptors);
  const int64_t reserved = std::min(descriptors / 8, kReservedConnections);
  ConnectionBounds bounds;
  bounds.connections = std::max<int64_t>(descriptors - others - reserved, 16);
  bounds.strangers = std::min(limits.stranger_connections, bounds.connections * 3 / 4);
  bounds.strangers_per_address =
      std::min(limits.stranger_connections_per_address, bounds.connections / 2);
  return bounds;
}

ConnectionTable::ConnectionTable(const ConnectionBounds& bounds) : bounds_(bounds) {}

std::shared_ptr<Connection> ConnectionTable::Admit(int fd, const PeerAddress& peer,
                                                   absl::Duration now) {
  ConnectionPtr displaced;
  bool full = false;
  bool same_peer = false;
  bool search = false;
  {
    absl::MutexLock lock(&mutex_);
    Forget(fd);  // another one had its number
    const auto size = static_cast<int64_t>(by_fd_.size());
    search = (size >= bounds_.connections || by_peer_.contains(peer)) &&
             now - forgot_at_ >= kBetweenSearches;
  }
  if (search) {
    forgot_at_ = now;
    ForgetThoseGone();
  }
  ConnectionPtr admitted;
  {
    absl::MutexLock lock(&mutex_);
    const int64_t room =
        bounds_.connections +
        (IsReserved(peer) ? std::min(kReservedConnections, bounds_.connections / 4) : 0);
    full = static_cast<int64_t>(by_fd_.size()) >= room;
    // Two from one port, to two of our addresses: calls could not tell which one pays.
    same_peer = by_peer_.contains(peer);
    displaced = Displaced(peer, now);
    if (!full && !same_peer) {
      admitted = std::make_shared<Connection>(fd, peer, now);
      by_fd_[fd] = {admitted};
      by_peer_[peer] = admitted;
      strangers_[peer.Origin()].emplace_back(now, admitted);
      ++stranger_count_;
    }
  }
  if (displaced != nullptr) {
    Cut(displaced);
    turned_away_.Count(displaced->is_member() ? TurnedAway::kFull : TurnedAway::kStrangers,
                       displaced->peer());
  }
  if (admitted == nullptr) {
    turned_away_.Count(full ? TurnedAway::kFull : TurnedAway::kSamePort, peer);
  }
  return admitted;
}

std::shared_ptr<Connection> ConnectionTable::Displaced(const PeerAddress& peer,
                                                       absl::Duration now) {
  const auto own = strangers_.find(peer.Origin());
  if (own != strangers_.end() &&
      static_cast<int64_t>(own->second.size()) >= bounds_.strangers_per_address) {
    return LongestIdleOf(&own->second);
  }
  if (stranger_count_ >= bounds_.strangers && !IsReserved(peer)) return LongestIdleStranger();
  // Those that are cut and not yet gone count for the descriptors they have, but whoever
  // makes room once need not do so for each that comes meanwhile.
  if (static_cast<int64_t>(by_peer_.size()) >= bounds_.connections) {
    ConnectionPtr stranger = LongestIdleStranger();
    return stranger != nullptr ? stranger : LongestIdleMember(now);
  }
  return nullptr;
}

std::shared_ptr<Connection> ConnectionTable::LongestIdleOf(ByActivity* strangers) {
  // Bounded: each is put right once.
  for (size_t i = 0; i < strangers->size(); ++i) {
    auto& [noted, connection] = strangers->front();
    const absl::Duration active = connection->last_active();
    if (active <= noted) break;
    noted = active;
    strangers->splice(strangers->end(), *strangers, strangers->begin());
  }
  return strangers->front().second;
}

std::shared_ptr<Connection> ConnectionTable::LongestIdleStranger() {
  ConnectionPtr longest;
  for (auto& [origin, strangers] : strangers_) {
    if (IsReserved(strangers.front().second->peer())) continue;
    ConnectionPtr of_origin = LongestIdleOf(&strangers);
    if (longest == nullptr || of_origin->last_active() < longest->last_active()) {
      longest = std::move(of_origin);
    }
  }
  return longest;
}

std::shared_ptr<Connection> ConnectionTable::LongestIdleMember(absl::Duration now) const {
  ConnectionPtr longest;
  for (const auto& [peer, connection] : by_peer_) {
    if (!connection->is_member() || IsReserved(peer)) continue;
    if (connection->IdleFor(now) == absl::ZeroDuration()) continue;
    if (longest == nullptr || connection->last_active() < longest->last_active()) {
      longest = connection;
    }
  }
  return longest;
}

void ConnectionTable::Look(int fd, absl::Duration now) {
  ConnectionPtr connection;
  {
    absl::ReaderMutexLock lock(&mutex_);
    const auto found = by_fd_.find(fd);
    if (found == by_fd_.end() || found->second.cut) return;
    connection = found->second.connection;
  }
  connection->Look(now);
  if (!connection->OwesTooMuch()) return;
  Cut(connection);
  turned_away_.Count(TurnedAway::kUnpaid, connection->peer());
}

void ConnectionTable::Sweep(absl::Duration now) {
  forgot_at_ = now;
  ForgetThoseGone();
  for (const ConnectionPtr& connection : Snapshot()) {
    if (connection->OwesTooMuch() || connection->OwedFor(now) > kRequestTimeout) {
      connection->Look(now);  // time pays too
      const bool unpaid = connection->OwesTooMuch();
      if (!unpaid && connection->OwedFor(now) <= kRequestTimeout) continue;
      Cut(connection);
      turned_away_.Count(unpaid ? TurnedAway::kUnpaid : TurnedAway::kStalled, connection->peer());
    } else if (!connection->is_member() && connection->IdleFor(now) > kStrangerIdleTimeout) {
      Cut(connection);
    }
  }
}

std::vector<std::shared_ptr<Connection>> ConnectionTable::Snapshot() const {
  absl::ReaderMutexLock lock(&mutex_);
  std::vector<ConnectionPtr> connections;
  connections.reserve(by_peer_.size());
  for (const auto& [peer, connection] : by_peer_) connections.push_back(connection);
  return connections;
}

void ConnectionTable::ForgetThoseGone() {
  std::vector<ConnectionPtr> connections;
  {
    absl::ReaderMutexLock lock(&mutex_);
    connections.reserve(by_fd_.size());
    for (const auto& [fd, entry] : by_fd_) connections.push_back(entry.connection);
  }
  std::vector<int> gone;
  for (const ConnectionPtr& connection : connections) {
    if (connection->IsGone()) gone.push_back(connection->fd());
  }
  absl::MutexLock lock(&mutex_);
  for (const int fd : gone) Forget(fd);
}

void ConnectionTable::Forget(int fd) {
  const auto found = by_fd_.find(fd);
  if (found == by_fd_.end()) return;
  const Entry entry = std::move(found->second);
  by_fd_.erase(found);
  if (entry.cut) return;
  RemoveStranger(*entry.connection);
  by_peer_.erase(entry.connection->peer());
}

void ConnectionTable::RemoveStranger(const Connection& connection) {
  const auto of_origin = strangers_.find(connection.peer().Origin());
  if (of_origin == strangers_.end()) return;
  const auto place = std::find_if(
      of_origin->second.begin(), of_origin->second.end(),
      [&connection](const auto& stranger) { return stranger.second.get() == &connection; });
  if (place == of_origin->second.end()) return;  // a member
  of_origin->second.erase(place);
  --stranger_count_;
  if (of_origin->second.empty()) strangers_.erase(of_origin);
}

void ConnectionTable::Cut(const ConnectionPtr& connection) {
  {
    absl::MutexLock lock(&mutex_);
    const auto found = by_fd_.find(connection->fd());
    if (found == by_fd_.end() || found->second.connection != connection || found->second.cut) {
      return;
    }
    found->second.cut = true;
    RemoveStranger(*connection);
    by_peer_.erase(connection->peer());
  }
  connection->Cut();
}

std::shared_ptr<Connection> ConnectionTable::Find(const PeerAddress& peer) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto found = by_peer_.find(peer);
  return found != by_peer_.end() ? found->second : nullptr;
}

void ConnectionTable::SetMember(const ConnectionPtr& connection) {
  absl::MutexLock lock(&mutex_);
  connection->SetMember();
  RemoveStranger(*connection);
}

void ConnectionTable::Reserve(absl::flat_hash_set<PeerAddress> addresses) {
  absl::MutexLock lock(&mutex_);
  reserved_ = std::move(addresses);
}

bool ConnectionTable::IsReserved(const PeerAddress& peer) const {
  PeerAddress address = peer;
  address.port = 0;
  return reserved_.contains(address);
}

ConnectionTable::Counts ConnectionTable::counts() const {
  absl::ReaderMutexLock lock(&mutex_);
  return {static_cast<int64_t>(by_peer_.size()) - stranger_count_, stranger_count_};
}

}  // namespace curatord
