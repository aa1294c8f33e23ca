// Election: campaigns for leadership over the Store and publishes the role of
// this curator. The recipe is etcd's: each candidate puts a key below /leader/
// on its own lease, and the key with the lowest create revision leads.
//
// Guarantees: kLeader is published only while our key was the lowest and our
// lease, counted from when its last keepalive was *sent*, is younger than two
// thirds of its TTL. That alone does not keep two leaders from believing in
// themselves; fencing (leader/leadership.h) keeps the second one harmless.
//
// Threads: Run uses the calling thread; store callbacks post to it.
// Shutdown: Stop makes Run give up the lease (so that another leads at once),
//   publish kNone and return OK.
#ifndef SERVER_ELECTION_H_
#define SERVER_ELECTION_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "server/published.h"
#include "server/role.h"
#include "server/store/store.h"

namespace curatord {

struct ElectionOptions {
  std::string node_id;
  absl::Duration lease_ttl = absl::Seconds(10);  // asked for; what is granted counts
};

// The longest a lease may stay silent before its holder stops leading.
inline absl::Duration LeadershipLimit(absl::Duration granted_ttl) { return granted_ttl * 2 / 3; }

// A lease shorter than this cannot be kept reliably and is refused.
inline constexpr absl::Duration kShortestLease = absl::Seconds(3);

class Election {
 public:
  Election(Store* store, ElectionOptions options);

  // Campaigns until stopped, or fails with the cause; may be run again.
  absl::Status Run();
  void Stop();

  // Gives up this leadership or candidacy, for a cause that the log shows, and
  // campaigns again after a pause (longer than a healthy curator needs to take over).
  void Resign(std::string cause);

  // Thread-safe; to be subscribed to before Run.
  Published<Role>& role() { return role_; }
  const Published<Role>& role() const { return role_; }
  // As the watch tells, the leader first. Of the candidacy that runs or ran last.
  std::vector<Candidate> Candidates() const;
  // The lease that this curator holds now.
  struct HeldLease {
    absl::Duration sent_at;  // boot time of the last keepalive that was answered
    absl::Duration ttl;
  };
  absl::optional<HeldLease> lease() const;
  // Makes whoever waits for a change of role look around.
  void WakeRoleWaiters() { role_.Wake(); }

 private:
  // One candidacy: a lease and the key on it.
  struct Candidacy {
    int64_t lease_id = 0;
    absl::Duration ttl;
    std::string key;
    int64_t create_revision = 0;
    absl::Duration lease_sent_at;  // boot time of the last keepalive that was answered
  };

  absl::Status Campaign();
  absl::StatusOr<Candidacy> Enter();
  absl::Status DeleteStaleLeaderKeyOfOurs();
  absl::Status HoldCandidacy(Candidacy* candidacy);
  void Hold(const Candidacy& candidacy);
  absl::Status KeepAlive(Candidacy* candidacy, absl::Duration* next_keepalive);
  // None if our own key is gone.
  absl::optional<Role> RoleFrom(const Candidacy& candidacy) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Publish(Role role, absl::string_view cause);
  void GiveUp(const Candidacy& candidacy);

  Store* const store_;
  const ElectionOptions options_;
  Published<Role> role_;

  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::optional<std::string> resign_cause_ ABSL_GUARDED_BY(mutex_);
  // Candidates as the watch tells, by create revision.
  std::map<int64_t, KeyValue> candidates_ ABSL_GUARDED_BY(mutex_);
  int64_t candidates_revision_ ABSL_GUARDED_BY(mutex_) = 0;  // of the last change
  bool candidates_changed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status watch_ended_ ABSL_GUARDED_BY(mutex_);
  absl::optional<HeldLease> lease_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace curatord

#endif  // SERVER_ELECTION_H_
