// Candidates: the endpoints that a search asks. Those that our caller named, the seeds,
// stay; strangers, which curators named, come and go, and are bounded: what they name is
// dialled wherever it is, so a node that lies must not make us dial the world. A cluster
// of any size, with sixteen curators, meets none of the bounds.
//
// Threads: none of its own; used by one.
#ifndef LIBCLIENT_NET_CANDIDATES_H_
#define LIBCLIENT_NET_CANDIDATES_H_

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "curator/error.h"
#include "libclient/core/backoff.h"
#include "libclient/core/endpoint.h"
#include "libclient/core/instant.h"
#include "libclient/core/leader_view.h"
#include "libclient/core/rate_limit.h"
#include "libclient/net/endpoint_channel.h"
#include "libclient/net/leader_channels.h"

namespace curator::net {

// Of one address: a candidate that fails is dialled with a backoff of its own, which
// stays below this.
inline constexpr double kDialsAtOnce = 10;
inline constexpr double kDialsPerSecond = 5;

struct Candidate {
  core::Endpoint endpoint;
  bool seed = false;
  bool guess = false;            // of our caller, and no curator has borne it out yet
  std::string expected_node_id;  // that a curator named for this address
  core::Backoff backoff;
  core::RateLimit dials{kDialsAtOnce, kDialsPerSecond};
  core::Instant next_dial_at{};
  bool named_leader = false;  // by a curator: goes first, and beyond the limit
  bool lost_leader = false;   // led until its connection broke: goes last
  bool heard_of = false;      // answered or failed since this search began
  int unproven_claims = 0;    // to lead
  EndpointReport report;

  // Of the connection that stands or is being made; dial_id 0: none.
  uint64_t dial_id = 0;
  EndpointChannel channel;
  std::shared_ptr<LeaderChannels> channels;
  std::stop_source superseded;
  core::Instant dialled_at{};
  bool answered = false;
  bool stream_closed = false;  // on purpose, the connection stands
};

class Candidates {
 public:
  using List = std::vector<std::unique_ptr<Candidate>>;
  Candidates();

  const List& all() const { return list_; }  // seeds first, in their order
  // Null if there is none.
  Candidate* Find(uint64_t dial_id) const;
  Candidate* Find(const core::Endpoint& endpoint) const;

  // Of our caller: there is no bound on them.
  Candidate& Ensure(const core::Endpoint& endpoint);
  // Named by a curator as leader. A new one takes the place of another stranger if need
  // be. Null: too many have been named of late; `*again_at` says when one may be.
  Candidate* EnsureNamed(const core::Endpoint& endpoint, const core::LeaderView& view,
                         core::Instant now, core::Instant* again_at);
  // Named by a curator as curators: no more than there is room for.
  void Learn(const std::vector<core::LeaderView::Curator>& curators);

  // Whether it may be dialled now, counted as a dial if so; else `*next` is made no later
  // than when it may.
  bool MayDial(Candidate& candidate, core::Instant now, core::Instant* next);

  void ForgetHopelessStrangers(const core::LeaderView& view);
  // Nothing that could come up by itself is among them.
  bool AreHopeless() const;

 private:
  Candidate& Add(const core::Endpoint& endpoint);
  size_t strangers() const;
  // The one that matters least, if any may go.
  void MakeRoom(const core::LeaderView& view);

  List list_;
  core::RateLimit stranger_dials_;
  core::RateLimit named_;
};

}  // namespace curator::net

#endif  // LIBCLIENT_NET_CANDIDATES_H_
