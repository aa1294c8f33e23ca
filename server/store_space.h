// StoreSpace: whether the store has room for writes. One that has none (etcd's alarm
// NOSPACE, a full disk) refuses them, and leases, so that no leader can be elected either,
// while reads go on as if nothing were: somebody has to be told.
//
// It learns from what the calls of a store return (StoreWithSpace); and, as a part of the
// process, by asking: every half minute with a write that cannot happen, which etcd refuses
// alike, so that curators that never write know as well; and while there is no room, with
// a real one.
//
// Thread-safe. Shutdown: Stop makes Run return.
#ifndef SERVER_STORE_SPACE_H_
#define SERVER_STORE_SPACE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "server/store/store.h"

namespace curatord {

class StoreSpace {
 public:
  // Of a write or a lease that the store granted, or refused for want of room.
  void OnWritten() ABSL_LOCKS_EXCLUDED(mutex_);
  void OnFull(absl::string_view cause) ABSL_LOCKS_EXCLUDED(mutex_);

  bool is_full() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Not OK while it is full: why.
  absl::Status health() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Calls that were refused for want of room.
  int64_t refused() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Asks `store`, a StoreWithSpace of this. Blocks until stopped.
  absl::Status Run(Store* store);
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::string cause_ ABSL_GUARDED_BY(mutex_);  // empty: there is room
  int64_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
};

// A store whose calls tell a StoreSpace, which outlives it, whether there is room.
class StoreWithSpace final : public Store {
 public:
  StoreWithSpace(std::unique_ptr<Store> store, StoreSpace* space)
      : store_(std::move(store)), space_(space) {}

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
  absl::StatusOr<std::vector<StoreMember>> Members(absl::Time deadline) override;
  std::string name() const override { return store_->name(); }

 private:
  // Returns `status`.
  const absl::Status& Noting(const absl::Status& status);

  const std::unique_ptr<Store> store_;
  StoreSpace* const space_;
};

}  // namespace curatord

#endif  // SERVER_STORE_SPACE_H_
