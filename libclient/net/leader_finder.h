// LeaderFinder: keeps track of which curator leads one cluster.
//
// Asks all candidates in parallel (CuratorLocal.GetCurrentLeader), weighs what
// they say in a core::LeaderView, and publishes the newest believed leader to
// everyone who waits. All waiters share one search. A belief is only a claim
// until a leader-only call has been answered; callers report back what they saw
// (ReportConfirmed, ReportRefuted, ReportBroken), which is what moves it on.
//
// Each dial is a channel of its own, used until it breaks and never again: so
// nothing waits for a reconnect backoff inside gRPC, and each failure has its
// cause.
//
// Threads: one of its own, which owns all state of the search; gRPC's threads
//   only post events to it. All public functions may be called from any thread.
// Shutdown: the destructor cancels every wait (kCancelled) and every stream,
//   waits for the operations that hold an Operation, then joins the thread.
#ifndef LIBCLIENT_NET_LEADER_FINDER_H_
#define LIBCLIENT_NET_LEADER_FINDER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "curator/client.h"
#include "curator/credentials.h"
#include "curator/error.h"
#include "libclient/core/endpoint.h"
#include "libclient/core/instant.h"

namespace grpc {
class Channel;
}

namespace curator::net {

// What stays open once a leader is known.
enum class Hold {
  // Streams to the leader and two others, so that the next leader is known as
  // soon as it is elected. Searches by itself when the leader is lost.
  kLeaderAndTwoOthers,
  // The connection to the leader and nothing else; searches when asked. For
  // agents: ten thousand of them must not burden a leader.
  kConnectionOnly,
};

struct FinderOptions {
  explicit FinderOptions(ClusterCa pinned) : ca(std::move(pinned)) {}

  std::vector<core::Endpoint> seeds;
  // Dialled first, without trust in it, and for a moment alone.
  absl::optional<core::Endpoint> likely_leader;
  ClusterCa ca;
  absl::optional<Identity> identity;
  // Believe leaders that give no proof of it: those of the existing system.
  bool accept_unproven = false;
  Hold hold = Hold::kLeaderAndTwoOthers;
  // InfiniteDuration: no keepalive pings.
  absl::Duration keepalive_time = absl::Seconds(1);
  absl::Duration keepalive_timeout = absl::Milliseconds(500);
  absl::Duration connect_timeout = absl::Seconds(5);
  std::function<void(const Progress&)> on_progress;  // may be empty
  // Told of each claim to lead that was not believed, and how many there were at this
  // address. On the finder's thread; must not block. May be empty.
  std::function<void(const EndpointReport& claimant, int claims)> on_unproven;
};

class LeaderChannels;

// A standing connection to the curator that is believed to lead. A value; keeps
// its channel alive.
struct LeaderConnection {
  std::shared_ptr<grpc::Channel> channel;
  std::shared_ptr<LeaderChannels> channels;  // this one, and further ones for many calls
  core::Endpoint endpoint;
  std::string node_id;   // proved by the certificate of this connection
  int64_t term = 0;      // 0: this server does not tell
  uint64_t dial_id = 0;  // tells one connection from the next to the same endpoint
  // Stops when another node has been found to lead: what still runs here and may
  // be repeated had better be. Not stopped when the connection merely breaks.
  std::stop_token superseded;
};

class LeaderSearch;

class LeaderFinder {
  struct Shared;

 public:
  explicit LeaderFinder(FinderOptions options);
  ~LeaderFinder();
  LeaderFinder(const LeaderFinder&) = delete;
  LeaderFinder& operator=(const LeaderFinder&) = delete;

  // Returns at once if a leader is believed. Otherwise waits, searching, until
  // one is, or fails: at the deadline or when no endpoint can ever answer with
  // kNoLeader, kUnreachable or kUntrusted and a report of every endpoint;
  // kCancelled when stopped.
  absl::StatusOr<LeaderConnection> WaitForLeader(core::Instant deadline, std::stop_token stop);
  absl::StatusOr<LeaderConnection> WaitForLeader(core::Instant deadline,
                                                 const absl::optional<Cancellation>& cancellation);

  // Waits until another connection than `dial_id` is believed to lead, or none is
  // any more (`dial_id` 0: until one is), and returns what is believed then.
  // Searches meanwhile where nobody is. At the deadline: kTimeout if a leader is
  // believed still, else as WaitForLeader fails.
  absl::StatusOr<absl::optional<LeaderConnection>> WaitForChange(uint64_t dial_id,
                                                                 core::Instant deadline,
                                                                 std::stop_token stop);

  // The connection failed, went silent, or gave no sensible answer: it is not
  // used again and the endpoint is asked anew. Reports on a connection that is
  // not the believed one any more change nothing.
  void ReportBroken(const LeaderConnection& connection, absl::string_view cause);
  // It said that it does not lead; `leader_address` as host:port if it named one.
  void ReportRefuted(const LeaderConnection& connection, absl::string_view leader_id = "",
                     absl::string_view leader_address = "");
  // It answered a call that only a leader serves.
  void ReportConfirmed(const LeaderConnection& connection);

  // It does not offer `method`, one of package curator.v1, named in full. Remembered
  // for the connection, since a server that is replaced breaks it. Servers that tell
  // no term are of the existing system and lack them all.
  void ReportLacking(const LeaderConnection& connection, absl::string_view method);
  bool Lacks(const LeaderConnection& connection, absl::string_view method) const;

  // To be tried first, without trust in it.
  void HintLeader(const core::Endpoint& endpoint);
  // For those who read the election themselves: this node's claim needs no proof, and
  // that of whoever was named before does.
  void NameLeader(const std::string& node_id, const absl::optional<core::Endpoint>& endpoint);

  // The believed leader, if there is one now. Starts no search.
  absl::optional<LeaderConnection> believed_leader() const;
  // What the leader that has proved to lead tells of where curators are; all empty
  // while there is none.
  KnownCurators known_curators() const;
  // The likely leader has no head start (any more): for those who will ask what
  // others say.
  void WantOpinions();
  // What every endpoint was found to be so far.
  std::vector<EndpointReport> Reports() const;
  // Waits until no endpoint is being dialled for the first time, so that
  // Reports() is whole; gives up at the deadline.
  void WaitForOpinions(core::Instant deadline, std::stop_token stop);

  // Keeps the finder alive while an operation of several calls runs: the
  // destructor waits for it. `shutdown_token` stops when the destructor begins.
  // Used by one thread.
  class Operation {
   public:
    explicit Operation(LeaderFinder& finder);
    ~Operation();
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;

    // Progress is told of operations that wait, which they do at first. One that
    // watches a leader for hours does so only while there is none.
    void Wait();
    void CeaseToWait();

   private:
    void SetBegan(core::Instant at);

    LeaderFinder& finder_;
    const std::shared_ptr<Shared> shared_;
    core::Instant began_at_ = core::kNever;  // kNever: does not wait
  };
  std::stop_token shutdown_token() const;

  // The retry budget that all calls share. False: slow down.
  bool SpendRetry();
  void EarnRetry();
  const FinderOptions& options() const;

 private:
  const std::shared_ptr<Shared> shared_;
  std::unique_ptr<const FinderOptions> options_;
  std::unique_ptr<LeaderSearch> search_;
};

}  // namespace curator::net

#endif  // LIBCLIENT_NET_LEADER_FINDER_H_
