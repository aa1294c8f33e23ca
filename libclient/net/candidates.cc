#include "libclient/net/candidates.h"

#include <algorithm>
#include <utility>

#include "libclient/core/call_outcome.h"

namespace curator::net {
namespace {

constexpr size_t kMaxStrangers = 64;
// Dials of all strangers together.
constexpr double kStrangerDialsAtOnce = 64;
constexpr double kStrangerDialsPerSecond = 20;
// Addresses that nobody has heard of, named as the leader's: one at each change of it.
constexpr double kNamedAtOnce = 16;
constexpr double kNamedPerSecond = 1;
// A stranger is forgotten after this many failures, unless it is still said to lead:
// curators come and go.
constexpr int kStrangerFailures = 8;
// A guess of our caller's that fails is as if it had never been made.
constexpr int kGuessFailures = 1;

}  // namespace

Candidates::Candidates()
    : stranger_dials_(kStrangerDialsAtOnce, kStrangerDialsPerSecond),
      named_(kNamedAtOnce, kNamedPerSecond) {}

Candidate* Candidates::Find(uint64_t dial_id) const {
  for (const auto& candidate : list_) {
    if (candidate->dial_id == dial_id && dial_id != 0) return candidate.get();
  }
  return nullptr;
}

Candidate* Candidates::Find(const core::Endpoint& endpoint) const {
  for (const auto& candidate : list_) {
    if (candidate->endpoint == endpoint) return candidate.get();
  }
  return nullptr;
}

Candidate& Candidates::Add(const core::Endpoint& endpoint) {
  auto candidate = std::make_unique<Candidate>();
  candidate->endpoint = endpoint;
  candidate->report.address = endpoint.ToString();
  list_.push_back(std::move(candidate));
  return *list_.back();
}

Candidate& Candidates::Ensure(const core::Endpoint& endpoint) {
  Candidate* known = Find(endpoint);
  Candidate& candidate = known != nullptr ? *known : Add(endpoint);
  candidate.guess = false;
  return candidate;
}

Candidate* Candidates::EnsureNamed(const core::Endpoint& endpoint, const core::LeaderView& view,
                                   core::Instant now, core::Instant* again_at) {
  if (Find(endpoint) == nullptr) {
    if (!named_.Spend(now)) {
      *again_at = std::min(*again_at, named_.NextAt(now));
      return nullptr;
    }
    if (strangers() >= kMaxStrangers) MakeRoom(view);
    if (strangers() >= kMaxStrangers) return nullptr;  // all are connected, or said to lead
  }
  return &Ensure(endpoint);
}

void Candidates::Learn(const std::vector<core::LeaderView::Curator>& curators) {
  for (const core::LeaderView::Curator& curator : curators) {
    const absl::StatusOr<core::Endpoint> endpoint = core::ParseEndpoint(curator.address);
    if (!endpoint.ok()) continue;
    if (Find(*endpoint) == nullptr && strangers() >= kMaxStrangers) continue;
    Candidate& candidate = Ensure(*endpoint);
    if (!candidate.seed && candidate.dial_id == 0) candidate.expected_node_id = curator.node_id;
  }
}

size_t Candidates::strangers() const {
  return static_cast<size_t>(std::count_if(list_.begin(), list_.end(),
                                           [](const auto& candidate) { return !candidate->seed; }));
}

void Candidates::MakeRoom(const core::LeaderView& view) {
  auto least = list_.end();
  for (auto it = list_.begin(); it != list_.end(); ++it) {
    const Candidate& candidate = **it;
    if (candidate.seed || candidate.dial_id != 0 || view.IsNamed(candidate.endpoint.ToString())) {
      continue;
    }
    if (least == list_.end() || candidate.backoff.failures() > (*least)->backoff.failures()) {
      least = it;
    }
  }
  if (least != list_.end()) list_.erase(least);
}

bool Candidates::MayDial(Candidate& candidate, core::Instant now, core::Instant* next) {
  core::Instant at = candidate.dials.NextAt(now);
  if (!candidate.seed) at = std::max(at, stranger_dials_.NextAt(now));
  if (at > now) {
    *next = std::min(*next, at);
    return false;
  }
  candidate.dials.Spend(now);
  if (!candidate.seed) stranger_dials_.Spend(now);
  return true;
}

void Candidates::ForgetHopelessStrangers(const core::LeaderView& view) {
  const auto is_hopeless = [&view](const std::unique_ptr<Candidate>& candidate) {
    const int failures = candidate->guess ? kGuessFailures : kStrangerFailures;
    return !candidate->seed && candidate->dial_id == 0 &&
           candidate->backoff.failures() >= failures &&
           !view.IsNamed(candidate->endpoint.ToString());
  };
  list_.erase(std::remove_if(list_.begin(), list_.end(), is_hopeless), list_.end());
}

bool Candidates::AreHopeless() const {
  return std::all_of(list_.begin(), list_.end(), [](const auto& candidate) {
    return candidate->heard_of && !core::MayComeUp(candidate->report.verdict);
  });
}

}  // namespace curator::net
