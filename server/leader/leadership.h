// Leadership: one term of this curator as leader. Everything that reads or writes
// cluster state goes through it, and it fences: each transaction is guarded by the
// lock key, so that a leader that was deposed without noticing can change nothing
// and serve nothing stale.
//
// Reads are guarded by the lock key's create revision, the term; writes by its mod
// revision, which is the same until a write has an unknown outcome. That write may
// still arrive, after newer ones of this term, and undo them: so the lock key is
// put once more before anything else is decided, and what comes late is refused.
//
// Writes are decided one after another on one lane, against the state that
// includes everything acknowledged and everything decided before them, and those
// that queue while a transaction is under way are merged into the next, whose
// only guard is the fence. So no two decisions ever race, and no lock is held
// while the store works.
//
// Reads wait for a confirmation (one tiny fenced transaction, shared by all that
// wait) that started after they arrived, then answer from ClusterState.
//
// How many may wait is bounded (server/limits.h): beyond it calls are refused as not
// executed. Who is no member of the cluster has a small share of their own.
//
// Threads: two, the write lane and the confirmer. Callbacks run on them and must
//   not block.
// Shutdown: Stop settles everything that waits as lost leadership or, where a
//   transaction is under way, as unknown; the destructor joins the threads, which
//   may take as long as a store call that hangs.
#ifndef SERVER_LEADER_LEADERSHIP_H_
#define SERVER_LEADER_LEADERSHIP_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/nodes/cluster_state.h"
#include "server/nodes/decision_view.h"
#include "server/role.h"
#include "server/store/store.h"

namespace curatord {

class Leadership {
 public:
  // Decides what to write: operations on keys, at most kMaxOperations (none:
  // nothing to do), or a refusal. May run more than once; must depend on the view
  // and the request alone, but for fresh randomness.
  using Decision = std::function<absl::StatusOr<std::vector<Operation>>(const DecisionView& view)>;
  using Done = std::function<void(absl::Status)>;

  Leadership(Store* store, ClusterState* state, Role role);
  ~Leadership();
  Leadership(const Leadership&) = delete;
  Leadership& operator=(const Leadership&) = delete;

  enum class Asker { kMember, kStranger };

  // `bytes`: what the write keeps in memory. `done` is called exactly once: OK when the write is
  // durable and visible to reads; the decision's own refusal, after a confirmation that it was
  // decided on the truth; or an error of rpc_error.h.
  void Write(Decision decide, Done done, size_t bytes = 0);

  // `done(OK)`: at some moment after this call we led, and ClusterState shows all
  // that was acknowledged before it.
  void Confirm(Done done, Asker asker = Asker::kMember, size_t bytes = 0);

  // Blocking form, for the thread that prepares the leadership.
  absl::Status WriteAndWait(Decision decide);

  void Stop();

  int64_t term() const { return role_.term; }
  const Role& role() const { return role_; }
  const ClusterState& state() const { return *state_; }
  Store* store() const { return store_; }

 private:
  // Those that wait or are under way.
  struct Waiting {
    size_t count = 0;
    size_t bytes = 0;
  };
  struct PendingWrite {
    Decision decide;
    Done done;
    size_t bytes;
  };
  struct PendingConfirmation {
    Done done;
    Asker asker;
    size_t bytes;
  };

  // OK: one more may wait, and does.
  absl::Status EnterWrites(size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status EnterConfirmations(Asker asker, size_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SettleWrite(PendingWrite* write, absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);

  void RunLane();
  void RunConfirmer();
  void CommitTogether(std::vector<PendingWrite> writes);
  // Decides as many of `writes` from `first` on as fit one transaction (at most
  // `limit`), commits, settles them; returns the first that is left.
  size_t CommitSome(std::vector<PendingWrite>* writes, size_t first, size_t limit);
  absl::Status CheckFence();
  // `guards`: of the decisions (DecisionView::FindGuarded). UNAVAILABLE if one does not hold.
  absl::Status CommitFenced(const std::vector<Operation>& operations, std::vector<Guard> guards);
  // Why a transaction with guards beside the fence was refused.
  absl::Status FencedOrOvertaken();
  // After an unknown outcome: nothing may be decided while that write may yet arrive.
  absl::Status ExcludeLateWrites() ABSL_LOCKS_EXCLUDED(mutex_);
  // After an unknown outcome: nothing may be served until we know what the store holds.
  absl::Status RecoverKnowledge() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status ReadAnew() ABSL_LOCKS_EXCLUDED(mutex_);
  // Deposed: what follows is refused without asking the store. The election
  // notices by itself and ends this leadership.
  absl::Status Lost() ABSL_LOCKS_EXCLUDED(mutex_);

  Store* const store_;
  ClusterState* const state_;
  const Role role_;
  const Guard term_guard_;

  // Of the lane's thread.
  int64_t lock_mod_revision_;  // guards writes
  bool late_write_possible_ = false;

  // Writes of unknown outcome so far, and how many of them, from the first on, a
  // reading that started later has settled. Counted, not flagged: a reading may be
  // under way when the next one is lost.
  std::atomic<int64_t> unknown_outcomes_{0};
  std::atomic<int64_t> settled_outcomes_{0};

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool lost_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<PendingWrite> writes_ ABSL_GUARDED_BY(mutex_);
  std::vector<PendingConfirmation> confirmations_ ABSL_GUARDED_BY(mutex_);
  Waiting writers_ ABSL_GUARDED_BY(mutex_);
  Waiting members_ ABSL_GUARDED_BY(mutex_);    // of confirmations_
  Waiting strangers_ ABSL_GUARDED_BY(mutex_);  // of confirmations_

  std::thread lane_;
  std::thread confirmer_;
};

}  // namespace curatord

#endif  // SERVER_LEADER_LEADERSHIP_H_
