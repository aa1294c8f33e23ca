#include "libclient/net/leader_finder.h"

#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "libclient/core/retry_budget.h"
#include "libclient/net/cancellation.h"
#include "libclient/net/leader_search.h"
#include "libclient/net/monotonic.h"
#include "libclient/net/search_error.h"

namespace curator::net {
namespace {

constexpr absl::Duration kProgressInterval = absl::Milliseconds(500);
// Dial ids never return, so only the latest few refusals can still matter.
constexpr size_t kRememberedDials = 64;

}  // namespace

// What the event thread and the callers share: the newest finding, never a queue.
struct LeaderFinder::Shared {
  absl::Mutex mutex;
  LeaderSearch::Finding finding ABSL_GUARDED_BY(mutex);
  // Reported broken or refuted; the search may not have heard of it yet.
  std::set<uint64_t> done_for ABSL_GUARDED_BY(mutex);
  uint64_t confirmed_dial ABSL_GUARDED_BY(mutex) = 0;
  std::set<std::pair<uint64_t, std::string>> lacking ABSL_GUARDED_BY(mutex);
  int waiters ABSL_GUARDED_BY(mutex) = 0;
  // A finding of the search that began with these waiters has been published.
  uint64_t findings ABSL_GUARDED_BY(mutex) = 0;
  std::multiset<core::Instant> operations ABSL_GUARDED_BY(mutex);
  core::RetryBudget budget ABSL_GUARDED_BY(mutex);

  std::stop_source shutdown;

  // Event thread only.
  core::Instant next_progress_at = core::kNever;

  uint64_t BelievedDial() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return finding.leader.has_value() ? finding.leader->dial_id : 0;
  }

  void MarkDoneFor(uint64_t dial_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    done_for.insert(dial_id);
    if (done_for.size() > kRememberedDials) done_for.erase(done_for.begin());
    if (finding.leader.has_value() && finding.leader->dial_id == dial_id) finding.leader.reset();
  }
};

namespace {

// Fills in what the caller is told while it waits. Returns when it is due next.
core::Instant TellProgress(const std::function<void(const Progress&)>& on_progress,
                           core::Instant oldest, bool operating, Progress progress,
                           core::Instant now, core::Instant* next_at) {
  if (!operating) {
    *next_at = core::kNever;
    return core::kNever;
  }
  if (*next_at == core::kNever) *next_at = core::After(oldest, kProgressInterval);
  if (*next_at <= now) {
    progress.waited = core::Elapsed(oldest, now);
    on_progress(progress);
    *next_at = core::After(now, kProgressInterval);
  }
  return *next_at;
}

}  // namespace

LeaderFinder::LeaderFinder(FinderOptions options) : shared_(std::make_shared<Shared>()) {
  Shared* const shared = shared_.get();
  options_ = std::make_unique<const FinderOptions>(std::move(options));
  const auto publish = [shared](LeaderSearch::Finding finding) {
    absl::MutexLock lock(&shared->mutex);
    if (finding.leader.has_value() && shared->done_for.count(finding.leader->dial_id) > 0) {
      finding.leader.reset();
    }
    shared->finding = std::move(finding);
    ++shared->findings;
  };
  const auto tick = [shared, on_progress = options_->on_progress](core::Instant now) {
    if (!on_progress) return core::kNever;
    Progress progress;
    core::Instant oldest = now;
    bool operating;
    {
      absl::MutexLock lock(&shared->mutex);
      operating = !shared->operations.empty() && *shared->operations.begin() != core::kNever;
      if (operating) oldest = *shared->operations.begin();
      const auto& leader = shared->finding.leader;
      progress.waiting_for = leader.has_value() ? "an answer from " + leader->node_id : "a leader";
      progress.endpoints = shared->finding.reports;
    }
    return TellProgress(on_progress, oldest, operating, std::move(progress), now,
                        &shared->next_progress_at);
  };
  search_ = std::make_unique<LeaderSearch>(*options_, publish, tick);
}

LeaderFinder::~LeaderFinder() {
  shared_->shutdown.request_stop();
  {
    const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(shared_->mutex) {
      return shared_->operations.empty() && shared_->waiters == 0;
    };
    absl::MutexLock lock(&shared_->mutex);
    shared_->mutex.Await(absl::Condition(&idle));
  }
}

absl::StatusOr<LeaderConnection> LeaderFinder::WaitForLeader(
    core::Instant deadline, const absl::optional<Cancellation>& cancellation) {
  return WaitForLeader(deadline, TokenOf(cancellation));
}

absl::StatusOr<LeaderConnection> LeaderFinder::WaitForLeader(core::Instant deadline,
                                                             std::stop_token stop) {
  absl::StatusOr<absl::optional<LeaderConnection>> leader =
      WaitForChange(0, deadline, std::move(stop));
  if (!leader.ok()) return leader.status();
  return **std::move(leader);
}

absl::StatusOr<absl::optional<LeaderConnection>> LeaderFinder::WaitForChange(uint64_t dial_id,
                                                                             core::Instant deadline,
                                                                             std::stop_token stop) {
  const std::shared_ptr<Shared> shared = shared_;  // outlives the finder if need be
  const core::Instant began_at = Now();
  const auto is_stopped = [&] {
    return stop.stop_requested() || shared->shutdown.stop_requested();
  };
  uint64_t seen;
  {
    absl::MutexLock lock(&shared->mutex);
    if (shared->BelievedDial() != dial_id && !is_stopped()) return shared->finding.leader;
    ++shared->waiters;
    seen = shared->findings;
  }
  search_->OnWaiter(true);

  // A stop only wakes the wait; conditions are evaluated under the mutex.
  const auto wake = [shared] { absl::MutexLock lock(&shared->mutex); };
  std::stop_callback on_stop(stop, wake);
  std::stop_callback on_shutdown(shared->shutdown.get_token(), wake);

  LeaderSearch::Finding finding;
  bool stopped;
  bool changed;
  {
    const auto settled = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(shared->mutex) {
      return shared->BelievedDial() != dial_id || is_stopped() ||
             (shared->finding.hopeless && shared->findings > seen);
    };
    absl::MutexLock lock(&shared->mutex);
    while (
        !shared->mutex.AwaitWithTimeout(absl::Condition(&settled), core::Until(deadline, Now())) &&
        Now() < deadline) {
    }
    finding = shared->finding;
    stopped = is_stopped();
    changed = shared->BelievedDial() != dial_id;
  }
  search_->OnWaiter(false);
  // From here on the finder may be destroyed, unless an Operation holds it.
  {
    absl::MutexLock lock(&shared->mutex);
    --shared->waiters;
  }
  const absl::Duration waited = core::Elapsed(began_at, Now());
  if (stopped) return CancelledError(waited);
  if (changed) return std::move(finding.leader);
  if (finding.leader.has_value()) return NoChangeError(finding.leader->node_id, waited);
  return NoLeaderError(std::move(finding.reports), finding.hopeless, waited);
}

void LeaderFinder::ReportBroken(const LeaderConnection& connection, absl::string_view cause) {
  {
    absl::MutexLock lock(&shared_->mutex);
    shared_->MarkDoneFor(connection.dial_id);
  }
  search_->OnBroken(connection.dial_id, std::string(cause));
}

void LeaderFinder::ReportRefuted(const LeaderConnection& connection, absl::string_view leader_id,
                                 absl::string_view leader_address) {
  {
    absl::MutexLock lock(&shared_->mutex);
    shared_->MarkDoneFor(connection.dial_id);
  }
  search_->OnRefuted(connection.dial_id, std::string(leader_id), std::string(leader_address));
}

void LeaderFinder::ReportConfirmed(const LeaderConnection& connection) {
  {
    absl::MutexLock lock(&shared_->mutex);
    if (shared_->confirmed_dial == connection.dial_id) return;
    shared_->confirmed_dial = connection.dial_id;
  }
  search_->OnConfirmed(connection.dial_id);
}

void LeaderFinder::ReportLacking(const LeaderConnection& connection, absl::string_view method) {
  absl::MutexLock lock(&shared_->mutex);
  shared_->lacking.emplace(connection.dial_id, std::string(method));
  if (shared_->lacking.size() > kRememberedDials) shared_->lacking.erase(shared_->lacking.begin());
}

bool LeaderFinder::Lacks(const LeaderConnection& connection, absl::string_view method) const {
  if (connection.term == 0) return true;
  absl::MutexLock lock(&shared_->mutex);
  return shared_->lacking.count({connection.dial_id, std::string(method)}) > 0;
}

void LeaderFinder::HintLeader(const core::Endpoint& endpoint) { search_->OnHint(endpoint); }

void LeaderFinder::NameLeader(const std::string& node_id,
                              const absl::optional<core::Endpoint>& endpoint) {
  search_->OnElected(node_id, endpoint);
}

absl::optional<LeaderConnection> LeaderFinder::believed_leader() const {
  absl::MutexLock lock(&shared_->mutex);
  return shared_->finding.leader;
}

std::vector<EndpointReport> LeaderFinder::Reports() const {
  absl::MutexLock lock(&shared_->mutex);
  return shared_->finding.reports;
}

KnownCurators LeaderFinder::known_curators() const {
  KnownCurators known;
  absl::MutexLock lock(&shared_->mutex);
  const absl::optional<LeaderConnection>& leader = shared_->finding.leader;
  if (!leader.has_value() || leader->dial_id != shared_->confirmed_dial) return known;
  known.leader_id = leader->node_id;
  known.leader_address = leader->endpoint.ToString();
  for (const core::LeaderView::Curator& curator : shared_->finding.curators) {
    known.addresses.push_back(curator.address);
    known.node_ids.push_back(curator.node_id);
  }
  return known;
}

void LeaderFinder::WantOpinions() { search_->OnOpinionsWanted(); }

void LeaderFinder::WaitForOpinions(core::Instant deadline, std::stop_token stop) {
  Shared* const shared = shared_.get();
  const auto wake = [shared] { absl::MutexLock lock(&shared->mutex); };
  std::stop_callback on_stop(stop, wake);
  std::stop_callback on_shutdown(shared->shutdown.get_token(), wake);
  const auto settled = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(shared->mutex) {
    return (!shared->finding.dialling && !shared->finding.others_wait) || stop.stop_requested() ||
           shared->shutdown.stop_requested();
  };
  absl::MutexLock lock(&shared->mutex);
  shared->mutex.AwaitWithTimeout(absl::Condition(&settled), core::Until(deadline, Now()));
}

LeaderFinder::Operation::Operation(LeaderFinder& finder)
    : finder_(finder), shared_(finder.shared_), began_at_(Now()) {
  {
    absl::MutexLock lock(&shared_->mutex);
    shared_->operations.insert(began_at_);
  }
  if (finder_.options().on_progress) finder_.search_->Wake();
}

LeaderFinder::Operation::~Operation() {
  absl::MutexLock lock(&shared_->mutex);
  shared_->operations.erase(shared_->operations.find(began_at_));
}

void LeaderFinder::Operation::Wait() {
  if (began_at_ != core::kNever) return;
  SetBegan(Now());
  if (finder_.options().on_progress) finder_.search_->Wake();
}

void LeaderFinder::Operation::CeaseToWait() {
  if (began_at_ != core::kNever) SetBegan(core::kNever);
}

void LeaderFinder::Operation::SetBegan(core::Instant at) {
  absl::MutexLock lock(&shared_->mutex);
  shared_->operations.erase(shared_->operations.find(began_at_));
  shared_->operations.insert(at);
  began_at_ = at;
}

std::stop_token LeaderFinder::shutdown_token() const { return shared_->shutdown.get_token(); }

const FinderOptions& LeaderFinder::options() const { return *options_; }

bool LeaderFinder::SpendRetry() {
  absl::MutexLock lock(&shared_->mutex);
  return shared_->budget.Spend();
}

void LeaderFinder::EarnRetry() {
  absl::MutexLock lock(&shared_->mutex);
  shared_->budget.Earn();
}

}  // namespace curator::net
