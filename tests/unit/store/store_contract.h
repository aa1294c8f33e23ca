// What every Store does, whatever it rests on. The tests are the
// contract_*_test.cc files, compiled once; an implementation passes the contract
// by linking them and instantiating the suite with its harness:
//
//   INSTANTIATE_TEST_SUITE_P(Embedded, StoreContract,
//                            testing::Values(StoreKind{"Sqlite", &NewSqliteHarness}));
#ifndef TESTS_UNIT_STORE_STORE_CONTRACT_H_
#define TESTS_UNIT_STORE_STORE_CONTRACT_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "server/store/store.h"

namespace curatord {

// A store's data, empty at first, gone with the harness.
class StoreHarness {
 public:
  virtual ~StoreHarness() = default;

  // Another way in to the same data, as another process would have.
  virtual std::unique_ptr<Store> Open() = 0;
  // Makes the changes before `revision` unavailable.
  virtual void Compact(int64_t revision) = 0;
};

struct StoreKind {
  std::string name;
  std::function<std::unique_ptr<StoreHarness>()> new_harness;

  friend void PrintTo(const StoreKind& kind, std::ostream* stream) { *stream << kind.name; }
};

// Long enough for anything that happens at all.
inline absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

// "PUT k=v" or "DEL k".
inline std::string Describe(const WatchEvent& event) {
  return event.kind == WatchEvent::Kind::kPut ? "PUT " + event.kv.key + "=" + event.kv.value
                                              : "DEL " + event.kv.key;
}

// A watch and all that it delivered.
class RecordedWatch {
 public:
  RecordedWatch(Store* store, std::string prefix, int64_t from_revision);

  // Once everything up to `revision` was delivered, or the time is over.
  std::vector<WatchEvent> EventsThrough(int64_t revision);
  // As many events at least, described.
  std::vector<std::string> First(size_t count);
  // OK if it did not end.
  absl::Status End();
  // What batches said, in order.
  std::vector<int64_t> BatchRevisions();
  // Destroys the watch.
  void Stop() { watch_.reset(); }

 private:
  absl::Mutex mutex_;
  std::vector<WatchEvent> events_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> revisions_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Watch> watch_;
};

class StoreContract : public testing::TestWithParam<StoreKind> {
 protected:
  StoreContract() : harness_(GetParam().new_harness()), store_(harness_->Open()) {}

  CommitResult Commit(const std::vector<Guard>& guards, const std::vector<Operation>& operations) {
    absl::StatusOr<CommitResult> result = store_->Commit(guards, operations, Soon());
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(CommitResult{});
  }
  // The revision of the put.
  int64_t Put(std::string key, std::string value, int64_t lease_id = 0) {
    const CommitResult result =
        Commit({}, {Operation::Put(std::move(key), std::move(value), lease_id)});
    EXPECT_TRUE(result.succeeded);
    return result.revision;
  }
  RangeResult Range(absl::string_view prefix = "") {
    absl::StatusOr<RangeResult> result = store_->Range(prefix, Soon());
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(RangeResult{});
  }
  std::vector<std::string> Keys(absl::string_view prefix = "") {
    std::vector<std::string> keys;
    for (KeyValue& kv : Range(prefix).kvs) keys.push_back(std::move(kv.key));
    return keys;
  }
  // The key's state; revisions are 0 if it does not exist.
  KeyValue Get(const std::string& key) {
    for (KeyValue& kv : Range(key).kvs) {
      if (kv.key == key) return std::move(kv);
    }
    return KeyValue{};
  }
  Lease Grant(absl::Duration ttl) {
    absl::StatusOr<Lease> lease = store_->GrantLease(ttl, Soon());
    EXPECT_TRUE(lease.ok()) << lease.status();
    return lease.value_or(Lease{});
  }

  const std::unique_ptr<StoreHarness> harness_;
  const std::unique_ptr<Store> store_;
};

}  // namespace curatord

#endif  // TESTS_UNIT_STORE_STORE_CONTRACT_H_
