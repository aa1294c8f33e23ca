#include "libclient/core/leader_view.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace curator::core {

void LeaderView::OnStatement(absl::string_view address, Statement statement) {
  Said& said = said_[std::string(address)];
  const bool same_claim = said.sequence != 0 && said.statement.claims() && statement.claims() &&
                          said.statement.node_id == statement.node_id &&
                          said.statement.term == statement.term && !said.refuted;
  said.statement = std::move(statement);
  said.refuted = false;
  if (same_claim) return;
  said.confirmed = false;
  said.sequence = ++sequence_;
}

void LeaderView::OnDisconnected(absl::string_view address) {
  const auto it = said_.find(address);
  if (it != said_.end()) said_.erase(it);
}

void LeaderView::OnConfirmed(absl::string_view address) {
  const auto it = said_.find(address);
  if (it != said_.end() && it->second.statement.claims()) {
    it->second.confirmed = true;
    it->second.refuted = false;
  }
}

void LeaderView::OnRefuted(absl::string_view address) {
  const auto it = said_.find(address);
  if (it == said_.end()) return;
  it->second.confirmed = false;
  it->second.refuted = true;
}

// Among claims that tell a term the highest wins; one node reached by two
// addresses claims twice alike: then the confirmed, then the older one stays.
// Claims without a term (servers of the existing system) are ordered by time.
bool LeaderView::Beats(const Said& challenger, const Said& best) {
  const int64_t a = challenger.statement.term;
  const int64_t b = best.statement.term;
  if (a != 0 && b != 0 && a != b) return a > b;
  const bool alike = a == b && (a != 0 || challenger.statement.node_id == best.statement.node_id);
  if (alike) {
    if (challenger.confirmed != best.confirmed) return challenger.confirmed;
    return challenger.sequence < best.sequence;
  }
  return challenger.sequence > best.sequence;
}

absl::optional<std::string> LeaderView::believed_leader() const {
  absl::optional<std::string> proved = BestClaim(true);
  return proved.has_value() ? proved : BestClaim(false);
}

absl::optional<std::string> LeaderView::BestClaim(bool proved) const {
  // Two rounds, since "later" and "higher term" do not order a mixture.
  const std::pair<const std::string, Said>* with_term = nullptr;
  const std::pair<const std::string, Said>* without_term = nullptr;
  for (const auto& entry : said_) {
    const Said& said = entry.second;
    if (!said.statement.claims() || said.refuted) continue;
    if ((said.statement.proof == Proof::kValid) != proved) continue;
    const auto*& best = said.statement.term != 0 ? with_term : without_term;
    if (best == nullptr || Beats(said, best->second)) best = &entry;
  }
  const auto* best = with_term;
  if (best == nullptr || (without_term != nullptr && Beats(without_term->second, best->second))) {
    best = without_term;
  }
  if (best == nullptr) return absl::nullopt;
  return best->first;
}

const LeaderView::Statement* LeaderView::StatementOf(absl::string_view address) const {
  const auto it = said_.find(address);
  return it == said_.end() ? nullptr : &it->second.statement;
}

bool LeaderView::IsConfirmed(absl::string_view address) const {
  const auto it = said_.find(address);
  return it != said_.end() && it->second.confirmed;
}

bool LeaderView::IsRefuted(absl::string_view address) const {
  const auto it = said_.find(address);
  return it != said_.end() && it->second.refuted;
}

bool LeaderView::IsConnected(absl::string_view node_id) const {
  for (const auto& [address, said] : said_) {
    if (said.statement.node_id == node_id) return true;
  }
  return false;
}

bool LeaderView::IsNamed(absl::string_view address) const {
  for (const auto& [speaker, said] : said_) {
    if (said.statement.leader_address == address) return true;
  }
  return false;
}

std::vector<std::string> LeaderView::Speakers() const {
  std::vector<std::string> speakers;
  for (const auto& [address, said] : said_) speakers.push_back(address);
  return speakers;
}

bool IsCredible(const LeaderView::Statement& claim, bool accept_unproven) {
  switch (claim.proof) {
    case LeaderView::Proof::kValid:
      return true;
    case LeaderView::Proof::kMissing:
      return accept_unproven;
    case LeaderView::Proof::kWrong:
      return false;
  }
  return false;
}

absl::Status LeaderView::CheckInvariants() const {
  const absl::optional<std::string> believed = believed_leader();
  bool claim_stands = false;
  for (const auto& [address, said] : said_) {
    if (said.sequence == 0 || said.sequence > sequence_) {
      return absl::InternalError(absl::StrCat(address, ": statement without its place in time"));
    }
    if (said.confirmed && said.refuted) {
      return absl::InternalError(absl::StrCat(address, ": confirmed and refuted at once"));
    }
    if (said.confirmed && !said.statement.claims()) {
      return absl::InternalError(absl::StrCat(address, ": confirmed without a claim"));
    }
    if (said.statement.claims() && !said.refuted) claim_stands = true;
  }
  if (claim_stands != believed.has_value()) {
    return absl::InternalError("a claim stands and nobody is believed, or the reverse");
  }
  if (!believed.has_value()) return absl::OkStatus();
  const Said& leader = said_.find(*believed)->second;
  if (!leader.statement.claims() || leader.refuted) {
    return absl::InternalError(absl::StrCat(*believed, ": believed without a standing claim"));
  }
  for (const auto& [address, said] : said_) {
    if (!said.statement.claims() || said.refuted) continue;
    const bool proved = said.statement.proof == Proof::kValid;
    const bool leader_proved = leader.statement.proof == Proof::kValid;
    if (proved && !leader_proved) {
      return absl::InternalError(absl::StrCat(address, ": proved, and the believed is not"));
    }
    if (proved == leader_proved && leader.statement.term != 0 &&
        said.statement.term > leader.statement.term) {
      return absl::InternalError(absl::StrCat(address, ": claims a higher term than the believed"));
    }
  }
  return absl::OkStatus();
}

}  // namespace curator::core
