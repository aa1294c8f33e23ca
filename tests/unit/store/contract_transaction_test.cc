#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/unit/store/store_contract.h"

namespace curatord {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_P(StoreContract, CountsRevisionsByOneForEachTransactionThatChangesSomething) {
  const int64_t start = Range().revision;
  EXPECT_EQ(Put("a", "1"), start + 1);
  EXPECT_EQ(Put("a", "1"), start + 2) << "a put of the same value is a change";
  const CommitResult both =
      Commit({}, {Operation::Put("b", "2"), Operation::Put("c", "3"), Operation::Delete("a")});
  EXPECT_TRUE(both.succeeded);
  EXPECT_EQ(both.revision, start + 3) << "one transaction, one revision";
  EXPECT_EQ(Range().revision, start + 3);
  EXPECT_THAT(Keys(), ElementsAre("b", "c"));
}

TEST_P(StoreContract, PutKeepsCreateRevisionAndMovesModRevision) {
  const int64_t created = Put("a", "1");
  EXPECT_EQ(Get("a").create_revision, created);
  EXPECT_EQ(Get("a").mod_revision, created);
  const int64_t changed = Put("a", "2");
  EXPECT_EQ(Get("a").create_revision, created);
  EXPECT_EQ(Get("a").mod_revision, changed);
  EXPECT_EQ(Get("a").value, "2");
}

TEST_P(StoreContract, KeyCreatedAgainHasNewCreateRevision) {
  Put("a", "1");
  Commit({}, {Operation::Delete("a")});
  EXPECT_THAT(Keys(), IsEmpty());
  const int64_t created_again = Put("a", "2");
  EXPECT_EQ(Get("a").create_revision, created_again);
}

TEST_P(StoreContract, GuardOnAbsenceHoldsOnlyWithoutTheKey) {
  const CommitResult first = Commit({Guard::Absent("a")}, {Operation::Put("a", "1")});
  EXPECT_TRUE(first.succeeded);
  const CommitResult second = Commit({Guard::Absent("a")}, {Operation::Put("a", "2")});
  EXPECT_FALSE(second.succeeded);
  EXPECT_EQ(second.revision, first.revision);
  EXPECT_EQ(Get("a").value, "1");
  Commit({}, {Operation::Delete("a")});
  EXPECT_TRUE(Commit({Guard::Absent("a")}, {Operation::Put("a", "3")}).succeeded);
}

TEST_P(StoreContract, GuardsCompareRevisionsOfThisLifeOfTheKey) {
  const int64_t created = Put("a", "1");
  const int64_t changed = Put("a", "2");
  const std::vector<Operation> put = {Operation::Put("b", "x")};
  EXPECT_FALSE(Commit({Guard::CreateRevision("a", changed)}, put).succeeded);
  EXPECT_FALSE(Commit({Guard::ModRevision("a", created)}, put).succeeded);
  EXPECT_FALSE(Commit({Guard::ModRevision("a", 0)}, put).succeeded);
  EXPECT_FALSE(Commit({Guard::CreateRevision("absent", created)}, put).succeeded);
  EXPECT_THAT(Keys(), ElementsAre("a"));
  EXPECT_TRUE(Commit({Guard::CreateRevision("a", created), Guard::ModRevision("a", changed)}, put)
                  .succeeded);
  EXPECT_TRUE(Commit({Guard::ModRevision("absent", 0)}, put).succeeded);
}

TEST_P(StoreContract, OneRefusedGuardRefusesTheWholeTransaction) {
  const int64_t revision = Put("a", "1");
  const CommitResult result =
      Commit({Guard::ModRevision("a", revision), Guard::ModRevision("b", 77)},
             {Operation::Put("c", "x"), Operation::Delete("a")});
  EXPECT_FALSE(result.succeeded);
  EXPECT_EQ(result.revision, revision);
  EXPECT_THAT(Keys(), ElementsAre("a"));
}

TEST_P(StoreContract, TransactionWithoutOperationsChecksGuards) {
  const int64_t revision = Put("a", "1");
  CommitResult result = Commit({Guard::CreateRevision("a", revision)}, {});
  EXPECT_TRUE(result.succeeded);
  EXPECT_EQ(result.revision, revision);
  result = Commit({Guard::CreateRevision("a", revision + 1)}, {});
  EXPECT_FALSE(result.succeeded);
  EXPECT_EQ(result.revision, revision);
  EXPECT_EQ(Range().revision, revision);
}

TEST_P(StoreContract, CheckOfGuardsSeesAWriteThatWasAcknowledgedElsewhere) {
  const std::unique_ptr<Store> other = harness_->Open();
  for (int i = 0; i < 50; ++i) {
    const int64_t revision = Put("a", absl::StrCat(i));
    absl::StatusOr<CommitResult> check =
        other->Commit({Guard::ModRevision("a", revision)}, {}, Soon());
    ASSERT_TRUE(check.ok()) << check.status();
    EXPECT_TRUE(check->succeeded);
    absl::StatusOr<RangeResult> range = other->Range("a", Soon());
    ASSERT_TRUE(range.ok()) << range.status();
    EXPECT_GE(range->revision, revision);
  }
}

TEST_P(StoreContract, DeletionOfAnAbsentKeyChangesNothing) {
  const int64_t revision = Put("a", "1");
  CommitResult result = Commit({}, {Operation::Delete("absent")});
  EXPECT_TRUE(result.succeeded);
  EXPECT_EQ(result.revision, revision);
  EXPECT_EQ(Range().revision, revision);
  // Among others it leaves no event.
  RecordedWatch watch(store_.get(), "", revision + 1);
  result = Commit({}, {Operation::Delete("absent"), Operation::Put("b", "2")});
  EXPECT_EQ(result.revision, revision + 1);
  watch.EventsThrough(revision + 1);
  EXPECT_THAT(watch.First(1), ElementsAre("PUT b=2"));
}

TEST_P(StoreContract, RefusesTooManyOperations) {
  std::vector<Operation> operations;
  for (size_t i = 0; i < kMaxOperations; ++i) {
    operations.push_back(Operation::Put(absl::StrCat("k", i), "v"));
  }
  EXPECT_TRUE(Commit({}, operations).succeeded);
  const int64_t revision = Range().revision;
  operations.push_back(Operation::Put("one-more", "v"));
  EXPECT_EQ(store_->Commit({}, operations, Soon()).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Range().revision, revision);
  EXPECT_EQ(Keys().size(), kMaxOperations);
}

TEST_P(StoreContract, RefusesTwoOperationsOnOneKey) {
  const int64_t revision = Put("a", "1");
  EXPECT_EQ(store_->Commit({}, {Operation::Put("a", "2"), Operation::Put("a", "3")}, Soon())
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store_->Commit({}, {Operation::Put("a", "2"), Operation::Delete("a")}, Soon())
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Range().revision, revision);
  EXPECT_EQ(Get("a").value, "1");
}

TEST_P(StoreContract, RefusesAnEmptyKey) {
  EXPECT_EQ(store_->Commit({}, {Operation::Put("", "v")}, Soon()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(StoreContract, RangesByPrefixInByteOrder) {
  const std::string high = "\xff";
  for (const std::string& key :
       std::vector<std::string>{"a", "ab", "ab/1", "ab/2", "ac", "b", high, high + high,
                                high + high + "x", "a" + high, "a" + high + "z"}) {
    Put(key, "v");
  }
  EXPECT_THAT(Keys("ab"), ElementsAre("ab", "ab/1", "ab/2"));
  EXPECT_THAT(Keys("ab/"), ElementsAre("ab/1", "ab/2"));
  EXPECT_THAT(Keys("zz"), IsEmpty());
  EXPECT_THAT(Keys("a" + high), ElementsAre("a" + high, "a" + high + "z"));
  EXPECT_THAT(Keys(high), ElementsAre(high, high + high, high + high + "x"));
  EXPECT_THAT(Keys(high + high), ElementsAre(high + high, high + high + "x"));
  const std::vector<std::string> all = Keys("");
  EXPECT_EQ(all.size(), 11u);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
}

TEST_P(StoreContract, KeysAndValuesAreAnyBytes) {
  const std::string key("k\0\xfe\n'\"", 6);
  const std::string value("\0\0v\xff\0", 5);
  const int64_t revision = Put(key, value);
  EXPECT_EQ(Get(key).value, value);
  Put(std::string("k\0", 2), "");
  EXPECT_EQ(Range(std::string("k\0", 2)).kvs.size(), 2u);
  EXPECT_EQ(Get(std::string("k\0", 2)).value, "");
  RecordedWatch watch(store_.get(), "", revision);
  watch.First(2);
  const std::vector<WatchEvent> events = watch.EventsThrough(revision + 1);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kv.key, key);
  EXPECT_EQ(events[0].kv.value, value);
  EXPECT_EQ(events[1].kind, WatchEvent::Kind::kPut) << "an empty value is no deletion";
}

TEST_P(StoreContract, DoesNothingAfterTheDeadline) {
  const int64_t revision = Put("a", "1");
  const absl::Time past = absl::Now() - absl::Seconds(1);
  EXPECT_EQ(store_->Range("", past).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(store_->Commit({}, {Operation::Put("a", "2")}, past).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(store_->Commit({Guard::Absent("b")}, {}, past).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(store_->GrantLease(absl::Seconds(5), past).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(Range().revision, revision);
}

TEST_P(StoreContract, OneOfManyContendersWinsAGuardedKey) {
  constexpr int kContenders = 8;
  constexpr int kRounds = 10;
  std::vector<std::unique_ptr<Store>> stores;
  for (int i = 0; i < kContenders; ++i) stores.push_back(harness_->Open());
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<int> winners = 0;
    std::vector<std::thread> contenders;
    for (int i = 0; i < kContenders; ++i) {
      contenders.emplace_back([&, i] {
        const std::string key = absl::StrCat("lock", round);
        absl::StatusOr<CommitResult> result =
            stores[i]->Commit({Guard::Absent(key)}, {Operation::Put(key, absl::StrCat(i))}, Soon());
        EXPECT_TRUE(result.ok()) << result.status();
        if (result.ok() && result->succeeded) ++winners;
      });
    }
    for (std::thread& contender : contenders) contender.join();
    EXPECT_EQ(winners, 1);
  }
}

TEST_P(StoreContract, NoIncrementIsLostBetweenConcurrentWriters) {
  constexpr int kWriters = 4;
  constexpr int kIncrements = 50;
  Put("n", "0");
  std::vector<std::thread> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&] {
      const std::unique_ptr<Store> store = harness_->Open();
      for (int done = 0; done < kIncrements;) {
        absl::StatusOr<RangeResult> range = store->Range("n", Soon());
        ASSERT_TRUE(range.ok()) << range.status();
        const KeyValue& kv = range->kvs.at(0);
        absl::StatusOr<CommitResult> result =
            store->Commit({Guard::ModRevision("n", kv.mod_revision)},
                          {Operation::Put("n", absl::StrCat(std::stoi(kv.value) + 1))}, Soon());
        ASSERT_TRUE(result.ok()) << result.status();
        if (result->succeeded) ++done;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(Get("n").value, absl::StrCat(kWriters * kIncrements));
}

// Slow (named so for its label): a store's full size.
TEST_P(StoreContract, SlowRangeOfAHundredThousandKeys) {
  constexpr int kKeys = 100'000;
  const std::string value(300, 'v');
  std::vector<Operation> operations;
  for (int i = 0; i < kKeys; ++i) {
    operations.push_back(Operation::Put(absl::StrFormat("node/%06d", i), value));
    if (operations.size() == kMaxOperations || i + 1 == kKeys) {
      ASSERT_TRUE(Commit({}, operations).succeeded);
      operations.clear();
    }
  }
  const RangeResult range = Range("node/");
  ASSERT_EQ(range.kvs.size(), static_cast<size_t>(kKeys));
  EXPECT_EQ(range.kvs.back().key, "node/099999");
  EXPECT_EQ(range.kvs.back().value, value);
}

}  // namespace
}  // namespace curatord
