// A Store that does what the test wants to another: refuses, loses requests and
// answers, makes callers wait, is down.
#ifndef TESTS_SUPPORT_FAULTY_STORE_H_
#define TESTS_SUPPORT_FAULTY_STORE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/store/store.h"

namespace curatord::testing_support {

// Thread-safe; `store` outlives it. Watches pass as they are.
class FaultyStore final : public Store {
 public:
  enum class Fault {
    kNone,
    kRefuse,       // a guard did not hold, it says
    kLoseRequest,  // kUnknown, and not executed
    kLoseAnswer,   // kUnknown, and executed
    kDeliverLate,  // kUnknown, and executed by DeliverLate
    kUnavailable,
    kTooMuch,      // kInvalidArgument
    kDamaged,      // kDataLoss
    kFull,         // kResourceExhausted
    kHoldRequest,  // executed when released
    kHoldAnswer,   // executed, the answer comes when released
  };

  explicit FaultyStore(Store* store) : store_(store) {}

  // Decides what happens to each commit and each reading; null: nothing.
  void OnCommit(std::function<Fault(const std::vector<Operation>& operations)> plan)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void OnRange(std::function<Fault()> plan) ABSL_LOCKS_EXCLUDED(mutex_);
  // The next commits get these, one each, before any plan is asked.
  void FailCommits(std::vector<Fault> faults) ABSL_LOCKS_EXCLUDED(mutex_);
  // Everything is kUnavailable, leases too.
  void SetDown(bool down) ABSL_LOCKS_EXCLUDED(mutex_);
  // Keepalives get no answer: each waits out its deadline.
  void SilenceKeepAlives() ABSL_LOCKS_EXCLUDED(mutex_);

  // What the store says of its members; without it, it has none.
  void SetMembers(std::vector<StoreMember> members) ABSL_LOCKS_EXCLUDED(mutex_);
  void FailMembers(absl::Status cause) ABSL_LOCKS_EXCLUDED(mutex_);
  // Who asks for them waits, each time, to be released.
  void HoldMembers() ABSL_LOCKS_EXCLUDED(mutex_);

  // `count` calls wait now.
  void WaitUntilHeld(int count) ABSL_LOCKS_EXCLUDED(mutex_);
  // Executes what was held back, oldest first.
  void DeliverLate() ABSL_LOCKS_EXCLUDED(mutex_);
  // All that wait go on; what is held later waits for the next release.
  void Release() ABSL_LOCKS_EXCLUDED(mutex_);

  // Operations of every commit that was asked for.
  std::vector<std::vector<Operation>> commits() const ABSL_LOCKS_EXCLUDED(mutex_);
  int keepalives() const ABSL_LOCKS_EXCLUDED(mutex_);
  // How often somebody asked for the members.
  int member_lists() const ABSL_LOCKS_EXCLUDED(mutex_);

  absl::StatusOr<RangeResult> Range(absl::string_view prefix, absl::Time deadline) override;
  absl::StatusOr<CommitResult> Commit(const std::vector<Guard>& guards,
                                      const std::vector<Operation>& operations,
                                      absl::Time deadline) override;
  std::unique_ptr<Watch> StartWatch(std::string prefix, int64_t from_revision,
                                    std::function<void(const WatchBatch&)> on_batch,
                                    std::function<void(absl::Status)> on_end) override {
    return store_->StartWatch(std::move(prefix), from_revision, std::move(on_batch),
                              std::move(on_end));
  }
  absl::StatusOr<Lease> GrantLease(absl::Duration ttl, absl::Time deadline) override;
  absl::StatusOr<absl::Duration> KeepLeaseAlive(int64_t lease_id, absl::Time deadline) override;
  absl::Status RevokeLease(int64_t lease_id, absl::Time deadline) override;
  absl::StatusOr<std::vector<StoreMember>> Members(absl::Time deadline) override;
  std::string name() const override { return "faulty " + store_->name(); }

 private:
  void Hold() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Down() const ABSL_LOCKS_EXCLUDED(mutex_);

  Store* const store_;
  mutable absl::Mutex mutex_;
  std::function<Fault(const std::vector<Operation>&)> on_commit_ ABSL_GUARDED_BY(mutex_);
  std::function<Fault()> on_range_ ABSL_GUARDED_BY(mutex_);
  std::deque<Fault> next_commits_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> late_ ABSL_GUARDED_BY(mutex_);
  bool down_ ABSL_GUARDED_BY(mutex_) = false;
  bool silent_ ABSL_GUARDED_BY(mutex_) = false;
  int held_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t releases_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::vector<Operation>> commits_ ABSL_GUARDED_BY(mutex_);
  int keepalives_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::StatusOr<std::vector<StoreMember>> members_ ABSL_GUARDED_BY(mutex_) =
      std::vector<StoreMember>();
  int member_lists_ ABSL_GUARDED_BY(mutex_) = 0;
  bool members_held_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace curatord::testing_support

#endif  // TESTS_SUPPORT_FAULTY_STORE_H_
