#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "tests/unit/store/store_contract.h"

namespace curatord {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_P(StoreContract, WatchReplaysFromAnOldRevision) {
  const int64_t first = Put("a", "1");
  Put("b", "2");
  Commit({}, {Operation::Delete("a")});
  const int64_t last = Put("a", "3");
  RecordedWatch watch(store_.get(), "", first);
  EXPECT_THAT(watch.First(4), ElementsAre("PUT a=1", "PUT b=2", "DEL a", "PUT a=3"));
  const std::vector<WatchEvent> events = watch.EventsThrough(last);
  EXPECT_EQ(events[0].kv.create_revision, first);
  EXPECT_EQ(events[0].kv.mod_revision, first);
  EXPECT_EQ(events[2].kv.mod_revision, first + 2);
  EXPECT_EQ(events[3].kv.create_revision, last);
  EXPECT_EQ(events[3].kv.mod_revision, last);

  RecordedWatch later(store_.get(), "", first + 2);
  EXPECT_THAT(later.First(2), ElementsAre("DEL a", "PUT a=3"));
}

TEST_P(StoreContract, WatchSeesOwnAndOthersChanges) {
  const std::unique_ptr<Store> other = harness_->Open();
  RecordedWatch watch(store_.get(), "", Range().revision + 1);
  Put("a", "own");
  ASSERT_TRUE(other->Commit({}, {Operation::Put("a", "other")}, Soon()).ok());
  Put("a", "own again");
  EXPECT_THAT(watch.First(3), ElementsAre("PUT a=own", "PUT a=other", "PUT a=own again"));
}

TEST_P(StoreContract, WatchStartsAtAFutureRevision) {
  const int64_t now = Put("a", "1");
  RecordedWatch watch(store_.get(), "", now + 3);
  Put("a", "2");
  Put("a", "3");
  Put("a", "4");
  EXPECT_THAT(watch.First(1), ElementsAre("PUT a=4"));
}

TEST_P(StoreContract, WatchDeliversOnlyItsPrefix) {
  const std::string high = "p\xff";
  RecordedWatch watch(store_.get(), "p", Range().revision + 1);
  RecordedWatch narrow(store_.get(), high, Range().revision + 1);
  Commit({}, {Operation::Put("o", "x"), Operation::Put("p/1", "y"), Operation::Put("q", "z")});
  Put("pp", "2");
  Put("q", "3");
  Put(high + "1", "4");
  EXPECT_THAT(watch.First(3), ElementsAre("PUT p/1=y", "PUT pp=2", "PUT " + high + "1=4"));
  EXPECT_THAT(narrow.First(1), ElementsAre("PUT " + high + "1=4"));
}

TEST_P(StoreContract, BatchesHoldWholeTransactionsAndRevisionsGrow) {
  // No divisor of a round number, at which an implementation might cut.
  constexpr int kOperations = 97;
  const int64_t start = Range().revision;
  RecordedWatch replay_from(store_.get(), "k", start + 1);
  int64_t last = start;
  for (int i = 0; i < 40; ++i) {
    std::vector<Operation> operations;
    for (int k = 0; k < kOperations; ++k) {
      operations.push_back(Operation::Put(absl::StrCat("k", k), std::string(1000, 'v')));
    }
    last = Commit({}, operations).revision;
  }
  // From the start again, 4 MB at once: cut, but never inside a transaction.
  absl::Mutex mutex;
  std::vector<WatchBatch> batches;
  {
    const std::unique_ptr<Watch> watch = store_->StartWatch(
        "k", start + 1,
        [&](const WatchBatch& batch) {
          absl::MutexLock lock(&mutex);
          batches.push_back(batch);
        },
        [](absl::Status status) { ADD_FAILURE() << status; });
    absl::MutexLock lock(&mutex);
    const auto is_done = [&] { return !batches.empty() && batches.back().revision >= last; };
    ASSERT_TRUE(mutex.AwaitWithDeadline(absl::Condition(&is_done), Soon()));
  }
  int64_t delivered = start;
  for (const WatchBatch& batch : batches) {
    EXPECT_GT(batch.revision, delivered);
    std::map<int64_t, int> events_at;
    for (const WatchEvent& event : batch.events) {
      EXPECT_GT(event.kv.mod_revision, delivered);
      EXPECT_LE(event.kv.mod_revision, batch.revision);
      ++events_at[event.kv.mod_revision];
    }
    for (const auto& [revision, count] : events_at) EXPECT_EQ(count, kOperations) << revision;
    delivered = batch.revision;
  }
  EXPECT_EQ(replay_from.EventsThrough(last).size(), static_cast<size_t>(40 * kOperations));
}

TEST_P(StoreContract, WatchHasNoGapsNorDuplicatesUnderConcurrentWriters) {
  constexpr int kWriters = 4;
  constexpr int kWrites = 150;
  const int64_t start = Range().revision;
  const std::unique_ptr<Store> other = harness_->Open();
  RecordedWatch watch(store_.get(), "", start + 1);
  RecordedWatch elsewhere(other.get(), "", start + 1);
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      const std::unique_ptr<Store> mine = w % 2 == 0 ? harness_->Open() : nullptr;
      Store* const store = mine != nullptr ? mine.get() : store_.get();
      for (int i = 0; i < kWrites; ++i) {
        absl::StatusOr<CommitResult> result =
            store->Commit({}, {Operation::Put(absl::StrCat("w", w), absl::StrCat(i))}, Soon());
        ASSERT_TRUE(result.ok()) << result.status();
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const int64_t last = start + kWriters * kWrites;
  EXPECT_EQ(Range().revision, last);
  for (RecordedWatch* each : {&watch, &elsewhere}) {
    const std::vector<WatchEvent> events = each->EventsThrough(last);
    ASSERT_EQ(events.size(), static_cast<size_t>(kWriters * kWrites));
    std::map<std::string, int> next;
    for (size_t i = 0; i < events.size(); ++i) {
      EXPECT_EQ(events[i].kv.mod_revision, start + 1 + static_cast<int64_t>(i));
      EXPECT_EQ(events[i].kv.value, absl::StrCat(next[events[i].kv.key]++));
    }
  }
}

TEST_P(StoreContract, WatchFromACompactedRevisionEndsOutOfRange) {
  const int64_t first = Put("a", "1");
  Put("a", "2");
  const int64_t last = Put("a", "3");
  harness_->Compact(last);
  RecordedWatch watch(store_.get(), "", first);
  EXPECT_EQ(watch.End().code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(watch.BatchRevisions(), IsEmpty());
  RecordedWatch kept(store_.get(), "", last);
  EXPECT_THAT(kept.First(1), ElementsAre("PUT a=3"));
}

TEST_P(StoreContract, WatchThatIsUpToDateSurvivesCompaction) {
  const int64_t before = Put("a", "1");
  RecordedWatch watch(store_.get(), "", before);
  watch.EventsThrough(before);
  const int64_t compacted = Put("a", "2");
  watch.EventsThrough(compacted);
  harness_->Compact(compacted);
  Put("a", "3");
  EXPECT_THAT(watch.First(3), ElementsAre("PUT a=1", "PUT a=2", "PUT a=3"));
}

TEST_P(StoreContract, WatchMayBeDestroyedWhileItDelivers) {
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) Put("a", absl::StrCat(i));
  });
  for (int i = 0; i < 50; ++i) {
    auto alive = std::make_shared<std::atomic<bool>>(true);
    absl::Notification delivered;
    std::atomic<bool> first = true;
    std::unique_ptr<Watch> watch = store_->StartWatch(
        "", 1,
        [&, alive](const WatchBatch& batch) {
          EXPECT_TRUE(*alive) << "callback after the destructor returned";
          if (first.exchange(false)) delivered.Notify();
        },
        [](absl::Status status) { ADD_FAILURE() << status; });
    // With and without a callback under way.
    if (i % 2 == 0) delivered.WaitForNotificationWithDeadline(Soon());
    watch.reset();
    *alive = false;
  }
  stop = true;
  writer.join();
}

TEST_P(StoreContract, DestructorWaitsForACallbackThatIsUnderWay) {
  absl::Notification entered, leave;
  std::atomic<bool> left = false;
  std::unique_ptr<Watch> watch = store_->StartWatch(
      "", Range().revision + 1,
      [&](const WatchBatch& batch) {
        if (!entered.HasBeenNotified()) entered.Notify();
        leave.WaitForNotification();
        left = true;
      },
      [](absl::Status status) { ADD_FAILURE() << status; });
  Put("a", "1");
  ASSERT_TRUE(entered.WaitForNotificationWithDeadline(Soon()));
  std::thread destroyer([&] {
    watch.reset();
    EXPECT_TRUE(left);
  });
  leave.Notify();
  destroyer.join();
}

TEST_P(StoreContract, CallbackMayUseTheStore) {
  absl::Notification done;
  std::unique_ptr<Watch> inner;
  const std::unique_ptr<Watch> watch = store_->StartWatch(
      "trigger", Range().revision + 1,
      [&](const WatchBatch& batch) {
        if (batch.events.empty() || done.HasBeenNotified()) return;
        EXPECT_TRUE(store_->Range("", Soon()).ok());
        EXPECT_TRUE(store_->Commit({}, {Operation::Put("result", "x")}, Soon()).ok());
        inner = store_->StartWatch(
            "result", 1, [](const WatchBatch&) {}, [](absl::Status) {});
        done.Notify();
      },
      [](absl::Status status) { ADD_FAILURE() << status; });
  Put("trigger", "1");
  ASSERT_TRUE(done.WaitForNotificationWithDeadline(Soon()));
  EXPECT_EQ(Get("result").value, "x");
  inner.reset();
}

}  // namespace
}  // namespace curatord
