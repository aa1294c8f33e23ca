// LeaderSearch: the event thread behind LeaderFinder. Dials, listens, weighs
// (core::LeaderView) and publishes what it believes each time that changes.
//
// How it dials: in the order of likelihood, the first few at once, the rest
// staggered, at most eight unanswered at a time; an endpoint that failed rests
// for a jittered backoff; one that a curator names as leader is dialled at once. How
// much curators can make it dial is bounded (net/candidates.h).
//
// Whom it believes: a claim to lead that comes without a valid proof is as good as no
// answer, unless FinderOptions::accept_unproven says otherwise, or whoever reads the
// election itself names this node (OnElected). Nothing is learnt from it either.
// A likely leader that our caller knows of has a head start in the first search:
// the others are not dialled while it may answer, nor, if it leads, for as long
// as a short command takes.
//
// Threads: one, which owns all state. The public functions only post to it,
//   from any thread; `publish` and `on_progress` are called on it.
// Shutdown: the destructor cancels all streams and waits for their end.
#ifndef LIBCLIENT_NET_LEADER_SEARCH_H_
#define LIBCLIENT_NET_LEADER_SEARCH_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/random/random.h"
#include "absl/types/optional.h"
#include "libclient/core/leader_view.h"
#include "libclient/net/candidates.h"
#include "libclient/net/event_thread.h"
#include "libclient/net/leader_finder.h"
#include "libclient/net/leader_watch.h"

namespace curator::net {

class LeaderSearch {
 public:
  struct Finding {
    absl::optional<LeaderConnection> leader;
    // Nothing that could come up by itself is left to ask.
    bool hopeless = false;
    // An endpoint is being dialled that has not been heard of in this search.
    bool dialling = false;
    // Others are not asked yet: the likely leader has its head start.
    bool others_wait = false;
    std::vector<EndpointReport> reports;
    std::vector<core::LeaderView::Curator> curators;  // as the leader tells
  };
  using Publish = std::function<void(Finding)>;
  // Returns when it wants to be called again.
  using Tick = std::function<core::Instant(core::Instant now)>;

  LeaderSearch(const FinderOptions& options, Publish publish, Tick tick);
  ~LeaderSearch();
  LeaderSearch(const LeaderSearch&) = delete;
  LeaderSearch& operator=(const LeaderSearch&) = delete;

  // Someone began (true) or ceased (false) to wait for a leader. The first of
  // them begins a search: verdicts of earlier ones do not count any more.
  void OnWaiter(bool began);
  void OnBroken(uint64_t dial_id, std::string cause);
  void OnRefuted(uint64_t dial_id, std::string leader_id, std::string leader_address);
  void OnConfirmed(uint64_t dial_id);
  void OnHint(core::Endpoint endpoint);
  void OnElected(std::string node_id, absl::optional<core::Endpoint> endpoint);
  // What others say matters: the likely leader has no head start (any more).
  void OnOpinionsWanted();
  // Only makes it tick.
  void Wake();

 private:
  core::Instant OnTick(core::Instant now);
  void BeginSearch(core::Instant now);
  void EndHeadStart();
  core::Instant DialWhatIsDue(core::Instant now, bool searching, bool believed);
  void ExpireDials(core::Instant now);
  core::Instant NextExpiry() const;
  void Dial(Candidate& candidate, core::Instant now);
  // Ends the connection without a verdict.
  void Disconnect(Candidate& candidate);
  void OnFailed(Candidate& candidate, Phase phase, Verdict verdict, std::string detail);
  void OnSaid(uint64_t dial_id, core::LeaderView::Statement statement, std::string contradiction);
  void OnUnproven(Candidate& candidate, const core::LeaderView::Statement& claim);
  void OnEnded(uint64_t dial_id, const grpc::Status& status,
               const identity::PeerRecord::Seen& seen);
  void OnNamed(const std::string& leader_id, const std::string& leader_address);
  // Those whose turn had not come.
  core::Instant NameAgain(core::Instant now);
  void CloseSurplusStreams(const std::string& believed);
  void PublishFinding(const absl::optional<std::string>& believed);

  // Constant after construction.
  const FinderOptions options_;
  const Publish publish_;
  const Tick also_tick_;

  // Owned by the event thread.
  core::LeaderView view_;
  Candidates candidates_;
  std::map<uint64_t, std::unique_ptr<LeaderWatch>> watches_;  // until they have ended
  uint64_t last_dial_id_ = 0;
  int waiters_ = 0;
  bool ever_wanted_ = false;
  bool closing_ = false;
  bool was_searching_ = false;
  bool ever_searched_ = false;
  bool opinions_wanted_ = false;
  bool has_head_start_ = false;  // the likely leader, and nothing speaks against it
  core::Instant others_wait_until_{};
  int burst_left_ = 0;
  core::Instant next_stagger_at_{};
  core::Instant name_again_at_ = core::kNever;  // a leader was named, and not dialled
  std::string elected_node_id_;                 // as we were told; its claims need no proof
  std::string published_node_id_;
  std::stop_source published_superseded_;
  absl::BitGen random_;

  EventThread thread_;
  const std::shared_ptr<EventThread::Queue> queue_;
};

}  // namespace curator::net

#endif  // LIBCLIENT_NET_LEADER_SEARCH_H_
