// A Store in memory that waits for nobody: leases end when the test says so, and
// watches deliver when the test says so, or at once.
#ifndef TESTS_SUPPORT_MEMORY_STORE_H_
#define TESTS_SUPPORT_MEMORY_STORE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/store/store.h"

namespace curatord::testing_support {

// Thread-safe. Threads: with kAtOnce one that delivers watches.
// Shutdown: the destructor joins it; watches must be gone by then.
class MemoryStore final : public Store {
 public:
  enum class Delivery { kAtOnce, kByHand };

  explicit MemoryStore(Delivery delivery = Delivery::kAtOnce);
  ~MemoryStore() override;

  absl::StatusOr<RangeResult> Range(absl::string_view prefix, absl::Time deadline) override;
  absl::StatusOr<CommitResult> Commit(const std::vector<Guard>& guards,
                                      const std::vector<Operation>& operations,
                                      absl::Time deadline) override;
  std::unique_ptr<Watch> StartWatch(std::string prefix, int64_t from_revision,
                                    std::function<void(const WatchBatch&)> on_batch,
                                    std::function<void(absl::Status)> on_end) override;
  absl::StatusOr<Lease> GrantLease(absl::Duration ttl, absl::Time deadline) override;
  absl::StatusOr<absl::Duration> KeepLeaseAlive(int64_t lease_id, absl::Time deadline) override;
  absl::Status RevokeLease(int64_t lease_id, absl::Time deadline) override;
  std::string name() const override { return "memory"; }

  // kByHand: delivers the changes of one revision to every watch that is behind,
  // on the calling thread. False if none is.
  bool DeliverNext() ABSL_LOCKS_EXCLUDED(mutex_);
  void WaitForWatches(size_t count) ABSL_LOCKS_EXCLUDED(mutex_);
  // Ends every watch.
  void EndWatches(const absl::Status& cause) ABSL_LOCKS_EXCLUDED(mutex_);

  // Whatever is asked for.
  void GrantOnly(absl::Duration ttl) ABSL_LOCKS_EXCLUDED(mutex_);
  size_t leases() const ABSL_LOCKS_EXCLUDED(mutex_);

  // The rest of the world changes something.
  int64_t Put(const std::string& key, const std::string& value, int64_t lease_id = 0);
  int64_t Delete(const std::string& key);
  std::map<std::string, KeyValue> contents() const ABSL_LOCKS_EXCLUDED(mutex_);
  int64_t revision() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Watcher {
    std::string prefix;
    int64_t next_revision = 0;
    std::function<void(const WatchBatch&)> on_batch;
    std::function<void(absl::Status)> on_end;
    bool ended = false;
  };
  class WatchHandle;

  CommitResult CommitLocked(const std::vector<Guard>& guards,
                            const std::vector<Operation>& operations)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Watcher* Behind() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  WatchBatch NextBatchFor(Watcher* watcher) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Forget(Watcher* watcher) ABSL_LOCKS_EXCLUDED(delivering_, mutex_);

  absl::Mutex delivering_;  // held over callbacks, as the one thread of a real store
  mutable absl::Mutex mutex_ ABSL_ACQUIRED_AFTER(delivering_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t revision_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<std::string, KeyValue> contents_ ABSL_GUARDED_BY(mutex_);
  std::map<int64_t, std::vector<WatchEvent>> history_ ABSL_GUARDED_BY(mutex_);
  std::map<int64_t, absl::Duration> leases_ ABSL_GUARDED_BY(mutex_);
  int64_t next_lease_id_ ABSL_GUARDED_BY(mutex_) = 1000;
  absl::Duration granted_ttl_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();
  std::set<Watcher*> watchers_ ABSL_GUARDED_BY(mutex_);
  std::thread delivery_;
};

}  // namespace curatord::testing_support

#endif  // TESTS_SUPPORT_MEMORY_STORE_H_
