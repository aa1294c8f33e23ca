// LeaderView: what the curators of one cluster say about who leads, and whom to
// believe. Pure: it is told of statements and connections, it does nothing.
//
// An endpoint's statement is what it said last on the connection that stands
// now. Only a statement about itself ("I lead") can make an endpoint the
// believed leader; what others say of it is a hint where to dial. Terms are
// compared between claims that stand, never remembered beyond them. A claim
// that was refuted counts again only when it is made anew. One that is proved beats
// all that are not, whatever term those tell; whether unproved ones are told to it at
// all is for its owner to decide.
#ifndef LIBCLIENT_CORE_LEADER_VIEW_H_
#define LIBCLIENT_CORE_LEADER_VIEW_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace curator::core {

class LeaderView {
 public:
  // Who stands in the election, as somebody says.
  struct Curator {
    std::string node_id;
    std::string address;  // host:port
  };
  // Whether a claim to lead comes with the proof that only a leader can give.
  enum class Proof {
    kMissing,
    kWrong,
    kValid,  // or not needed, because somebody who knows names this node as leader
  };

  // One GetCurrentLeader answer; `node_id` is proved by the certificate.
  struct Statement {
    std::string node_id;
    std::string leader_id;
    std::string leader_address;          // host:port, empty if it is the speaker or unknown
    int64_t term = 0;                    // 0: not told
    std::vector<Curator> curators = {};  // empty: not told
    Proof proof = Proof::kMissing;
    std::string proof_fault = {};  // kWrong: what is wrong with it
    bool claims() const { return !node_id.empty() && node_id == leader_id; }
  };

  // Addresses are Endpoint::ToString.
  void OnStatement(absl::string_view address, Statement statement);
  // The connection is gone, and with it what was said on it.
  void OnDisconnected(absl::string_view address);
  // A leader-only call on this connection was answered, or said "not leader".
  void OnConfirmed(absl::string_view address);
  void OnRefuted(absl::string_view address);

  // Address of the endpoint to call, none if nobody claims to lead.
  absl::optional<std::string> believed_leader() const;
  // What this endpoint says now; null if nothing stands.
  const Statement* StatementOf(absl::string_view address) const;
  bool IsConfirmed(absl::string_view address) const;
  bool IsRefuted(absl::string_view address) const;
  // An endpoint whose connection stands is this node, whatever it says.
  bool IsConnected(absl::string_view node_id) const;
  // Whether somebody says now that the leader is at this address.
  bool IsNamed(absl::string_view address) const;
  // Endpoints that say something now, the claimants themselves included.
  std::vector<std::string> Speakers() const;

  // Programming errors, for tests: non-OK names the invariant that is broken.
  absl::Status CheckInvariants() const;

 private:
  struct Said {
    Statement statement;
    uint64_t sequence = 0;  // order of statements; a later claim beats an earlier one
    bool confirmed = false;
    bool refuted = false;
  };
  static bool Beats(const Said& challenger, const Said& best);
  // Among the claims that are proved, or among those that are not.
  absl::optional<std::string> BestClaim(bool proved) const;

  std::map<std::string, Said, std::less<>> said_;
  uint64_t sequence_ = 0;
};

// Whether a claim to lead is to be taken for one. A wrong proof never is.
bool IsCredible(const LeaderView::Statement& claim, bool accept_unproven);

}  // namespace curator::core

#endif  // LIBCLIENT_CORE_LEADER_VIEW_H_
