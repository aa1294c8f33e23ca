// MeasuredStore: a store whose calls are timed. Watches are not: they do not end.
#ifndef SERVER_METRICS_MEASURED_STORE_H_
#define SERVER_METRICS_MEASURED_STORE_H_

#include <memory>
#include <string>
#include <vector>

#include "server/metrics/registry.h"
#include "server/store/store.h"

namespace curatord {

class StoreTimes {
 public:
  struct Operation {
    absl::string_view name;
    // From a tenth of a millisecond of a local store to a call that ran into its deadline.
    Histogram seconds{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                      0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
    Counter failures{};
  };
  Operation range{"range"}, commit{"commit"}, grant_lease{"grant_lease"},
      keep_lease_alive{"keep_lease_alive"}, revoke_lease{"revoke_lease"}, members{"members"};

  void CollectSeconds(Samples* samples) const;
  void CollectFailures(Samples* samples) const;

 private:
  std::vector<const Operation*> All() const;
};

class MeasuredStore final : public Store {
 public:
  // `times` outlives this.
  MeasuredStore(std::unique_ptr<Store> store, StoreTimes* times)
      : store_(std::move(store)), times_(times) {}

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
  const std::unique_ptr<Store> store_;
  StoreTimes* const times_;
};

}  // namespace curatord

#endif  // SERVER_METRICS_MEASURED_STORE_H_
