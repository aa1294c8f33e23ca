#include "libclient/net/leader_search.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "libclient/core/call_outcome.h"
#include "libclient/net/monotonic.h"

namespace curator::net {
namespace {

constexpr int kBurst = 4;              // dialled at once when a search begins
constexpr int kMaxUnanswered = 8;      // dialled and not heard of
constexpr int kStandingFollowers = 2;  // streams kept beside the leader's
constexpr absl::Duration kStagger = absl::Milliseconds(25);
// How long a likely leader that does lead spares the others: short commands are over
// by then, and all else wants to know the next leader as soon as it is elected.
constexpr absl::Duration kShortCommand = absl::Seconds(1);

Verdict VerdictOf(identity::CertificateFault fault) {
  switch (fault) {
    case identity::CertificateFault::kWrongNode:
      return Verdict::kWrongNode;
    case identity::CertificateFault::kExpired:
      return Verdict::kExpired;
    case identity::CertificateFault::kNone:
    case identity::CertificateFault::kWrongCa:
    case identity::CertificateFault::kMalformed:
      return Verdict::kWrongCa;
  }
  return Verdict::kWrongCa;
}

}  // namespace

LeaderSearch::LeaderSearch(const FinderOptions& options, Publish publish, Tick tick)
    : options_(options),
      publish_(std::move(publish)),
      also_tick_(std::move(tick)),
      thread_([this](core::Instant now) { return OnTick(now); }),
      queue_(thread_.queue()) {
  for (const core::Endpoint& seed : options_.seeds) candidates_.Ensure(seed).seed = true;
  thread_.Start();
}

LeaderSearch::~LeaderSearch() {
  queue_->Post([this] {
    closing_ = true;
    for (const auto& candidate : candidates_.all()) Disconnect(*candidate);
  });
  thread_.Stop([this] { return watches_.empty(); });
}

void LeaderSearch::OnWaiter(bool began) {
  queue_->Post([this, began] {
    waiters_ += began ? 1 : -1;
    if (began) ever_wanted_ = true;
    if (!began || waiters_ != 1) return;
    for (const auto& candidate : candidates_.all()) candidate->heard_of = candidate->answered;
  });
}

void LeaderSearch::Wake() {
  queue_->Post([] {});
}

void LeaderSearch::OnBroken(uint64_t dial_id, std::string cause) {
  queue_->Post([this, dial_id, cause = std::move(cause)]() mutable {
    Candidate* candidate = candidates_.Find(dial_id);
    if (candidate == nullptr) return;
    candidate->lost_leader = true;
    OnFailed(*candidate, Phase::kRpc, Verdict::kUnknown, std::move(cause));
  });
}

void LeaderSearch::OnRefuted(uint64_t dial_id, std::string leader_id, std::string leader_address) {
  queue_->Post([this, dial_id, leader_id = std::move(leader_id),
                leader_address = std::move(leader_address)] {
    if (Candidate* candidate = candidates_.Find(dial_id); candidate != nullptr) {
      candidate->lost_leader = true;
      candidate->report.leader_id = leader_id;
      OnFailed(*candidate, Phase::kRole, Verdict::kStaleLeader,
               "called itself leader, but refused a call that only a leader serves");
    }
    OnNamed(leader_id, leader_address);
  });
}

void LeaderSearch::OnConfirmed(uint64_t dial_id) {
  queue_->Post([this, dial_id] {
    Candidate* candidate = candidates_.Find(dial_id);
    if (candidate == nullptr) return;
    view_.OnConfirmed(candidate->endpoint.ToString());
    candidate->backoff.Reset();
    candidate->report.phase = Phase::kRpc;
    candidate->report.verdict = Verdict::kLeader;
    candidate->report.detail = "leads";
  });
}

void LeaderSearch::OnHint(core::Endpoint endpoint) {
  queue_->Post([this, endpoint = std::move(endpoint)] {
    Candidate& candidate = candidates_.Ensure(endpoint);
    candidate.named_leader = true;
    candidate.expected_node_id.clear();
    if (candidate.dial_id == 0) candidate.next_dial_at = core::Instant{};
  });
}

void LeaderSearch::OnElected(std::string node_id, absl::optional<core::Endpoint> endpoint) {
  queue_->Post([this, node_id = std::move(node_id)] {
    elected_node_id_ = node_id;
    // It may have claimed to lead before we knew that it may.
    for (const auto& candidate : candidates_.all()) {
      if (candidate->report.node_id == node_id && core::IsUnproven(candidate->report.verdict)) {
        candidate->next_dial_at = core::Instant{};
      }
    }
  });
  if (endpoint.has_value()) OnHint(*std::move(endpoint));
}

void LeaderSearch::OnOpinionsWanted() {
  queue_->Post([this] {
    opinions_wanted_ = true;
    EndHeadStart();
  });
}

void LeaderSearch::BeginSearch(core::Instant now) {
  burst_left_ = kBurst;
  next_stagger_at_ = now;
  if (!ever_searched_ && options_.likely_leader.has_value()) {
    Candidate& likely = candidates_.Ensure(*options_.likely_leader);
    likely.guess = !likely.seed;
    likely.named_leader = true;
    has_head_start_ = !opinions_wanted_;
    if (has_head_start_) others_wait_until_ = core::After(now, kStagger);
  }
  ever_searched_ = true;
}

void LeaderSearch::EndHeadStart() {
  has_head_start_ = false;
  others_wait_until_ = core::Instant{};
}

core::Instant LeaderSearch::OnTick(core::Instant now) {
  if (closing_) return core::kNever;  // nothing is dialled any more
  ExpireDials(now);
  const absl::optional<std::string> believed = view_.believed_leader();
  const bool searching =
      !believed.has_value() &&
      (waiters_ > 0 || (ever_wanted_ && options_.hold == Hold::kLeaderAndTwoOthers));
  if (searching && !was_searching_) BeginSearch(now);
  if (believed.has_value() && has_head_start_) {
    has_head_start_ = false;
    // Also where it took longer than its head start to say so.
    if (*believed == options_.likely_leader->ToString()) {
      others_wait_until_ = core::After(now, kShortCommand);
    }
  }
  was_searching_ = searching;
  if (believed.has_value()) CloseSurplusStreams(*believed);
  candidates_.ForgetHopelessStrangers(view_);
  const core::Instant name_again_at = NameAgain(now);
  const core::Instant next_dial_at = DialWhatIsDue(now, searching, believed.has_value());
  PublishFinding(believed);
  return std::min({name_again_at, next_dial_at, NextExpiry(), also_tick_(now)});
}

core::Instant LeaderSearch::NextExpiry() const {
  core::Instant next = core::kNever;
  for (const auto& candidate : candidates_.all()) {
    if (candidate->dial_id == 0 || candidate->answered) continue;
    next = std::min(next, core::After(candidate->dialled_at, options_.connect_timeout));
  }
  return next;
}

void LeaderSearch::ExpireDials(core::Instant now) {
  for (const auto& candidate : candidates_.all()) {
    if (candidate->dial_id == 0 || candidate->answered) continue;
    if (core::After(candidate->dialled_at, options_.connect_timeout) > now) continue;
    const bool tls_done = candidate->channel.peer->Get().handshakes > 0;
    const std::string within = absl::FormatDuration(options_.connect_timeout);
    if (tls_done) {
      OnFailed(*candidate, Phase::kRole, Verdict::kSilent,
               absl::StrCat("no answer to GetCurrentLeader within ", within));
    } else {
      OnFailed(*candidate, Phase::kConnect, Verdict::kUnreachable,
               absl::StrCat("no connection within ", within));
    }
  }
}

core::Instant LeaderSearch::DialWhatIsDue(core::Instant now, bool searching, bool believed) {
  int unanswered = 0;
  int followers = 0;
  for (const auto& candidate : candidates_.all()) {
    if (candidate->dial_id == 0) continue;
    if (!candidate->answered) {
      ++unanswered;
    } else if (!candidate->stream_closed) {
      ++followers;  // the leader among them
    }
  }
  const bool refill = believed && options_.hold == Hold::kLeaderAndTwoOthers &&
                      followers + unanswered < kStandingFollowers + 1;
  std::vector<Candidate*> idle;
  for (const auto& candidate : candidates_.all()) {
    if (candidate->dial_id == 0) idle.push_back(candidate.get());
  }
  const auto rank = [](const Candidate* candidate) {
    return candidate->named_leader ? 0 : candidate->lost_leader ? 2 : 1;
  };
  std::stable_sort(idle.begin(), idle.end(),
                   [&](Candidate* a, Candidate* b) { return rank(a) < rank(b); });

  core::Instant next = core::kNever;
  for (Candidate* candidate : idle) {
    if (!candidate->named_leader && !searching && !refill) continue;
    if (candidate->next_dial_at > now) {
      next = std::min(next, candidate->next_dial_at);
      continue;
    }
    if (candidate->named_leader) {
      if (!candidates_.MayDial(*candidate, now, &next)) continue;
      Dial(*candidate, now);
      ++unanswered;
      continue;
    }
    if (now < others_wait_until_) {
      next = std::min(next, others_wait_until_);
      break;
    }
    if (unanswered >= kMaxUnanswered) break;  // an answer or an expiry wakes us
    if (refill && followers + unanswered >= kStandingFollowers + 1) break;
    if (burst_left_ == 0 && next_stagger_at_ > now) {
      next = std::min(next, next_stagger_at_);
      break;
    }
    if (!candidates_.MayDial(*candidate, now, &next)) continue;
    if (burst_left_ > 0) {
      --burst_left_;
    } else {
      next_stagger_at_ = core::After(now, kStagger);
    }
    Dial(*candidate, now);
    ++unanswered;
  }
  return next;
}

void LeaderSearch::Dial(Candidate& candidate, core::Instant now) {
  ChannelOptions channel_options;
  channel_options.ca = options_.ca;
  channel_options.identity = options_.identity;
  channel_options.expected_node_id = candidate.expected_node_id;
  channel_options.keepalive_time = options_.keepalive_time;
  channel_options.keepalive_timeout = options_.keepalive_timeout;
  // Longer than ours: it is we who give up, and can say how far it got.
  channel_options.connect_timeout = options_.connect_timeout + absl::Seconds(1);
  channel_options.one_connection = true;
  candidate.channel = OpenChannel(candidate.endpoint, channel_options);
  candidate.channels = std::make_shared<LeaderChannels>(
      candidate.channel.channel, OpenProved(candidate.endpoint, channel_options,
                                            candidate.channel.peer, options_.accept_unproven));
  candidate.superseded = std::stop_source();
  candidate.dialled_at = now;
  candidate.answered = false;
  candidate.stream_closed = false;
  candidate.dial_id = ++last_dial_id_;
  ++candidate.report.tries;

  LeaderWatch::Sink sink;
  sink.on_said = [this, queue = queue_, id = candidate.dial_id](
                     core::LeaderView::Statement statement, std::string contradiction) {
    queue->Post(
        [this, id, statement = std::move(statement), contradiction = std::move(contradiction)] {
          OnSaid(id, statement, contradiction);
        });
  };
  sink.on_ended = [this, queue = queue_, id = candidate.dial_id](grpc::Status status,
                                                                 identity::PeerRecord::Seen seen) {
    queue->Post([this, id, status = std::move(status), seen = std::move(seen)] {
      OnEnded(id, status, seen);
    });
  };
  auto watch = std::make_unique<LeaderWatch>(candidate.channel, options_.ca, std::move(sink));
  watch->Start();
  watches_[candidate.dial_id] = std::move(watch);
}

void LeaderSearch::Disconnect(Candidate& candidate) {
  if (candidate.dial_id == 0) return;
  if (const auto it = watches_.find(candidate.dial_id); it != watches_.end()) {
    it->second->Cancel();
  }
  view_.OnDisconnected(candidate.endpoint.ToString());
  candidate.dial_id = 0;
  candidate.channel = EndpointChannel();
  candidate.channels.reset();
  candidate.answered = false;
}

void LeaderSearch::OnFailed(Candidate& candidate, Phase phase, Verdict verdict,
                            std::string detail) {
  const core::Instant now = Now();
  candidate.report.elapsed = core::Elapsed(candidate.dialled_at, now);
  Disconnect(candidate);
  candidate.heard_of = true;
  candidate.named_leader = false;
  EndHeadStart();
  // What a follower said of this address was wrong, or is over; our caller named
  // the seeds for whoever is there.
  if (candidate.seed || (verdict == Verdict::kWrongNode && !options_.accept_unproven)) {
    candidate.expected_node_id.clear();
  }
  candidate.next_dial_at =
      core::After(now, candidate.backoff.Next(absl::Uniform<double>(random_, 0, 1)));
  candidate.report.phase = phase;
  candidate.report.verdict = verdict;
  candidate.report.detail = std::move(detail);
  if (verdict != Verdict::kStaleLeader) candidate.report.leader_id.clear();
}

// As if it had not answered: nothing is learnt from it, and it is asked again in a while.
void LeaderSearch::OnUnproven(Candidate& candidate, const core::LeaderView::Statement& claim) {
  candidate.report.node_id = claim.node_id;
  if (claim.proof == core::LeaderView::Proof::kWrong) {
    OnFailed(candidate, Phase::kRole, Verdict::kFalseLeader,
             absl::StrCat("says that it leads, but ", claim.proof_fault));
  } else {
    OnFailed(candidate, Phase::kRole, Verdict::kUnproven, "says that it leads, without proof");
  }
  ++candidate.unproven_claims;
  if (options_.on_unproven) options_.on_unproven(candidate.report, candidate.unproven_claims);
}

void LeaderSearch::OnSaid(uint64_t dial_id, core::LeaderView::Statement statement,
                          std::string contradiction) {
  Candidate* candidate = candidates_.Find(dial_id);
  if (candidate == nullptr) return;
  if (!contradiction.empty()) {
    OnFailed(*candidate, Phase::kIdentity, Verdict::kUnknown, std::move(contradiction));
    return;
  }
  if (statement.claims() && statement.node_id == elected_node_id_) {
    statement.proof = core::LeaderView::Proof::kValid;
  }
  if (statement.claims() && !core::IsCredible(statement, options_.accept_unproven)) {
    OnUnproven(*candidate, statement);
    return;
  }
  EndpointReport& report = candidate->report;
  if (!candidate->answered) report.elapsed = core::Elapsed(candidate->dialled_at, Now());
  candidate->answered = true;
  candidate->heard_of = true;
  candidate->named_leader = false;
  report.phase = Phase::kRole;
  report.node_id = statement.node_id;
  report.leader_id = statement.leader_id;
  const std::string address = candidate->endpoint.ToString();
  candidates_.Learn(statement.curators);  // the seeds may go stale
  view_.OnStatement(address, statement);
  if (statement.claims()) {
    report.verdict = Verdict::kLeader;
    report.phase = Phase::kRole;
    report.detail = "says that it leads, not confirmed yet";
    candidate->lost_leader = false;
    return;
  }
  candidate->backoff.Reset();
  if (candidate->endpoint == options_.likely_leader) EndHeadStart();
  report.verdict = Verdict::kFollower;
  report.detail = absl::StrCat("follower of ", statement.leader_id);
  OnNamed(statement.leader_id, statement.leader_address);
}

void LeaderSearch::OnEnded(uint64_t dial_id, const grpc::Status& status,
                           const identity::PeerRecord::Seen& seen) {
  watches_.erase(dial_id);
  Candidate* candidate = candidates_.Find(dial_id);
  if (candidate == nullptr || candidate->stream_closed) return;
  if (!seen.verification.name.empty()) candidate->report.node_id = seen.verification.name;
  if (!seen.verification.ok()) {
    OnFailed(*candidate, Phase::kIdentity, VerdictOf(seen.verification.fault),
             seen.verification.detail);
    return;
  }
  const absl::optional<std::string> believed = view_.believed_leader();
  if (believed.has_value() && *believed == candidate->endpoint.ToString()) {
    candidate->lost_leader = true;
  }
  const std::string message = status.error_message();
  core::DialOutcome outcome =
      core::ClassifyDial({status.error_code(), message, ""}, seen.handshakes > 0);
  if (outcome.detail.empty()) outcome.detail = "ended the stream of its leader";
  OnFailed(*candidate, outcome.phase, outcome.verdict, std::move(outcome.detail));
}

// A hint where to dial. What an endpoint says of itself outweighs it: a node
// that is connected needs no dial, it will say so itself when it leads.
void LeaderSearch::OnNamed(const std::string& leader_id, const std::string& leader_address) {
  if (leader_address.empty() || view_.IsConnected(leader_id)) return;
  const absl::StatusOr<core::Endpoint> endpoint = core::ParseEndpoint(leader_address);
  if (!endpoint.ok()) return;
  Candidate* named = candidates_.EnsureNamed(*endpoint, view_, Now(), &name_again_at_);
  if (named == nullptr || named->dial_id != 0) return;
  Candidate& candidate = *named;
  // Seeds are our caller's, whoever is there.
  if (!candidate.seed) candidate.expected_node_id = leader_id;
  candidate.named_leader = true;
  candidate.next_dial_at = std::min(candidate.next_dial_at, Now());
  if (candidate.backoff.failures() > 2) {
    // It was named before, and refused: a follower learns late of its death.
    candidate.next_dial_at =
        core::After(Now(), candidate.backoff.Next(absl::Uniform<double>(random_, 0, 1)));
  }
}

core::Instant LeaderSearch::NameAgain(core::Instant now) {
  if (name_again_at_ > now) return name_again_at_;
  name_again_at_ = core::kNever;
  for (const std::string& speaker : view_.Speakers()) {
    const core::LeaderView::Statement statement = *view_.StatementOf(speaker);
    const absl::StatusOr<core::Endpoint> named = core::ParseEndpoint(statement.leader_address);
    if (statement.claims() || !named.ok() || candidates_.Find(*named) != nullptr) continue;
    OnNamed(statement.leader_id, statement.leader_address);
  }
  return name_again_at_;
}

void LeaderSearch::CloseSurplusStreams(const std::string& believed) {
  int followers = 0;
  for (const auto& candidate : candidates_.all()) {
    if (candidate->dial_id == 0) continue;
    const bool leader = candidate->endpoint.ToString() == believed;
    if (options_.hold == Hold::kConnectionOnly) {
      // Let it speak. One that was named leader would be dialled again at once; and gRPC
      // leaks the socket of a channel that goes in the middle of its handshake.
      if (!leader && !candidate->answered) continue;
      if (!leader) {
        Disconnect(*candidate);
      } else if (!candidate->stream_closed) {
        candidate->stream_closed = true;
        if (const auto it = watches_.find(candidate->dial_id); it != watches_.end()) {
          it->second->Cancel();
        }
      }
    } else if (!leader && candidate->answered && ++followers > kStandingFollowers) {
      Disconnect(*candidate);
    }
  }
}

void LeaderSearch::PublishFinding(const absl::optional<std::string>& believed) {
  Finding finding;
  finding.others_wait = Now() < others_wait_until_;
  for (const auto& candidate : candidates_.all()) {
    if (candidate->dial_id != 0 && !candidate->heard_of) finding.dialling = true;
    EndpointReport report = candidate->report;
    if (report.tries == 0) report.detail = "not asked yet";
    finding.reports.push_back(std::move(report));
    if (!believed.has_value() || candidate->endpoint.ToString() != *believed) continue;
    const core::LeaderView::Statement& statement = *view_.StatementOf(*believed);
    LeaderConnection leader;
    leader.channel = candidate->channel.channel;
    leader.channels = candidate->channels;
    leader.endpoint = candidate->endpoint;
    leader.node_id = statement.node_id;
    leader.term = statement.term;
    leader.dial_id = candidate->dial_id;
    leader.superseded = candidate->superseded.get_token();
    finding.leader = std::move(leader);
    finding.curators = statement.curators;
    if (statement.node_id != published_node_id_) {
      published_superseded_.request_stop();
      published_node_id_ = statement.node_id;
    }
    published_superseded_ = candidate->superseded;
  }
  finding.hopeless = !finding.leader.has_value() && waiters_ > 0 && candidates_.AreHopeless();
  publish_(std::move(finding));
}

}  // namespace curator::net
