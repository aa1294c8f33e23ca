// ConnectionTable: the connections of this curator, and which of them must go.
//
// A stranger is a connection on which no request came with a member's certificate yet.
// Strangers are bounded in all and for each address: at such a bound the longest idle one
// is cut for the new one, so that nobody can lock others out by holding connections.
// Members are bounded by the descriptors alone; there the new one is cut, unless somebody
// idle can be. This curator itself and the other curators may have a few more.
//
// What goes, and is not merely idle, is counted by cause and logged at powers of two.
//
// Threads: Find and SetMember from any; the rest from the thread that accepts. The lock is
// not held while a socket is looked at or cut.
#ifndef SERVER_LISTENER_CONNECTION_TABLE_H_
#define SERVER_LISTENER_CONNECTION_TABLE_H_

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/limits.h"
#include "server/listener/connection.h"
#include "server/listener/turned_away.h"

namespace curatord {

struct ConnectionBounds {
  int64_t connections = 0;
  int64_t strangers = 0;
  int64_t strangers_per_address = 0;

  // For a process that may have so many descriptors.
  static ConnectionBounds For(const Limits& limits, int64_t descriptors);
};

class ConnectionTable {
 public:
  explicit ConnectionTable(const ConnectionBounds& bounds);

  // Of one that was accepted just now. Null if it is not to be taken: then it is the
  // caller's to close. May cut another.
  std::shared_ptr<Connection> Admit(int fd, const PeerAddress& peer, absl::Duration now);
  // What the peer sent on it was received. Cuts it if it owes too much.
  void Look(int fd, absl::Duration now);
  // Forgets those that are gone; cuts those with unfinished requests and idle strangers.
  void Sweep(absl::Duration now);

  // None if there is none, or no more.
  std::shared_ptr<Connection> Find(const PeerAddress& peer) const ABSL_LOCKS_EXCLUDED(mutex_);
  void SetMember(const std::shared_ptr<Connection>& connection) ABSL_LOCKS_EXCLUDED(mutex_);

  // The addresses, without port, for which connections are reserved.
  void Reserve(absl::flat_hash_set<PeerAddress> addresses) ABSL_LOCKS_EXCLUDED(mutex_);

  struct Counts {
    int64_t members = 0;
    int64_t strangers = 0;
  };
  Counts counts() const ABSL_LOCKS_EXCLUDED(mutex_);
  TurnedAway* turned_away() { return &turned_away_; }
  const TurnedAway& turned_away() const { return turned_away_; }

 private:
  using ConnectionPtr = std::shared_ptr<Connection>;
  // Longest idle first, as far as known: a place is put right when it is asked for.
  using ByActivity = std::list<std::pair<absl::Duration, ConnectionPtr>>;

  struct Entry {
    ConnectionPtr connection;
    bool cut = false;  // but its descriptor is gRPC's for a moment yet
  };

  bool IsReserved(const PeerAddress& peer) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  void Forget(int fd) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RemoveStranger(const Connection& connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static ConnectionPtr LongestIdleOf(ByActivity* strangers);
  // Of addresses without a reservation. Null if there is none.
  ConnectionPtr LongestIdleStranger() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  ConnectionPtr LongestIdleMember(absl::Duration now) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Whom to cut for one more from there; none if nobody must be.
  ConnectionPtr Displaced(const PeerAddress& peer, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Cut(const ConnectionPtr& connection) ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<ConnectionPtr> Snapshot() const ABSL_LOCKS_EXCLUDED(mutex_);
  void ForgetThoseGone() ABSL_LOCKS_EXCLUDED(mutex_);

  const ConnectionBounds bounds_;
  TurnedAway turned_away_;
  absl::Duration forgot_at_ = -absl::InfiniteDuration();  // of the thread that accepts

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<int, Entry> by_fd_ ABSL_GUARDED_BY(mutex_);
  // Those that are not cut.
  absl::flat_hash_map<PeerAddress, ConnectionPtr> by_peer_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<PeerAddress, ByActivity> strangers_ ABSL_GUARDED_BY(mutex_);  // by origin
  int64_t stranger_count_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_set<PeerAddress> reserved_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace curatord

#endif  // SERVER_LISTENER_CONNECTION_TABLE_H_
