// Names with Slow wait for a lease's time to pass.
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

TEST_P(StoreContract, GrantsDistinctPositiveLeasesOfAtLeastTheTtlAskedFor) {
  const Lease one = Grant(absl::Seconds(10));
  const Lease two = Grant(absl::Seconds(10));
  EXPECT_GT(one.id, 0);
  EXPECT_GT(two.id, 0);
  EXPECT_NE(one.id, two.id);
  EXPECT_GE(one.ttl, absl::Seconds(10));
  EXPECT_GE(Grant(absl::Milliseconds(1)).ttl, absl::Seconds(1));
  EXPECT_GE(Grant(absl::ZeroDuration()).ttl, absl::Seconds(1));
  EXPECT_EQ(store_->GrantLease(absl::InfiniteDuration(), Soon()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_P(StoreContract, LeasesAloneAreNoRevision) {
  const int64_t revision = Put("a", "1");
  const Lease lease = Grant(absl::Seconds(10));
  ASSERT_TRUE(store_->KeepLeaseAlive(lease.id, Soon()).ok());
  ASSERT_TRUE(store_->RevokeLease(lease.id, Soon()).ok());
  EXPECT_EQ(Range().revision, revision);
}

TEST_P(StoreContract, RevokedLeaseTakesItsKeysAtOneRevision) {
  const Lease lease = Grant(absl::Seconds(10));
  const Lease other = Grant(absl::Seconds(10));
  Put("a", "1", lease.id);
  Put("b", "2", lease.id);
  Put("c", "3", other.id);
  const int64_t before = Put("d", "4");
  EXPECT_EQ(Get("a").lease_id, lease.id);
  EXPECT_EQ(Get("d").lease_id, 0);
  RecordedWatch watch(store_.get(), "", before + 1);
  ASSERT_TRUE(store_->RevokeLease(lease.id, Soon()).ok());
  EXPECT_THAT(Keys(), ElementsAre("c", "d"));
  EXPECT_EQ(Range().revision, before + 1);
  EXPECT_THAT(watch.First(2), testing::UnorderedElementsAre("DEL a", "DEL b"));
  for (const WatchEvent& event : watch.EventsThrough(before + 1)) {
    EXPECT_EQ(event.kv.mod_revision, before + 1);
  }
}

TEST_P(StoreContract, EndedLeaseIsNotFound) {
  const Lease lease = Grant(absl::Seconds(10));
  const int64_t before = Put("a", "1");
  ASSERT_TRUE(store_->RevokeLease(lease.id, Soon()).ok());
  EXPECT_EQ(store_->RevokeLease(lease.id, Soon()).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_->KeepLeaseAlive(lease.id, Soon()).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(
      store_->Commit({}, {Operation::Put("b", "2"), Operation::Put("a", "2", lease.id)}, Soon())
          .status()
          .code(),
      absl::StatusCode::kNotFound);
  EXPECT_THAT(Keys(), ElementsAre("a"));
  EXPECT_EQ(Get("a").value, "1");
  EXPECT_EQ(Range().revision, before);
}

TEST_P(StoreContract, PutWithoutLeaseTakesTheKeyOffItsLease) {
  const Lease lease = Grant(absl::Seconds(10));
  Put("a", "1", lease.id);
  Put("b", "1", lease.id);
  Put("a", "2");
  EXPECT_EQ(Get("a").lease_id, 0);
  ASSERT_TRUE(store_->RevokeLease(lease.id, Soon()).ok());
  EXPECT_THAT(Keys(), ElementsAre("a"));
}

TEST_P(StoreContract, PutWithAnotherLeaseMovesTheKey) {
  const Lease one = Grant(absl::Seconds(10));
  const Lease two = Grant(absl::Seconds(10));
  Put("a", "1", one.id);
  Put("a", "2", two.id);
  ASSERT_TRUE(store_->RevokeLease(one.id, Soon()).ok());
  EXPECT_THAT(Keys(), ElementsAre("a"));
  ASSERT_TRUE(store_->RevokeLease(two.id, Soon()).ok());
  EXPECT_THAT(Keys(), IsEmpty());
}

TEST_P(StoreContract, DeletedKeyHasLeftItsLease) {
  const Lease lease = Grant(absl::Seconds(10));
  Put("a", "1", lease.id);
  Commit({}, {Operation::Delete("a")});
  const int64_t created_again = Put("a", "2");
  ASSERT_TRUE(store_->RevokeLease(lease.id, Soon()).ok());
  EXPECT_EQ(Get("a").create_revision, created_again);
}

TEST_P(StoreContract, LeaseIsSharedByAllWhoHaveTheStoreOpen) {
  const std::unique_ptr<Store> other = harness_->Open();
  const Lease lease = Grant(absl::Seconds(10));
  absl::StatusOr<absl::Duration> kept = other->KeepLeaseAlive(lease.id, Soon());
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(*kept, lease.ttl);
  ASSERT_TRUE(other->Commit({}, {Operation::Put("a", "1", lease.id)}, Soon()).ok());
  ASSERT_TRUE(store_->RevokeLease(lease.id, Soon()).ok());
  EXPECT_THAT(Keys(), IsEmpty());
}

TEST_P(StoreContract, SlowExpiryDeletesKeysAndWatchesSeeIt) {
  const std::unique_ptr<Store> other = harness_->Open();
  const absl::Time granted_after = absl::Now();
  const Lease lease = Grant(absl::Seconds(1));
  const int64_t put = Put("a", "1", lease.id);
  const int64_t before = Put("b", "1", lease.id);
  RecordedWatch watch(store_.get(), "", put);
  RecordedWatch elsewhere(other.get(), "", before + 1);
  EXPECT_THAT(watch.First(4), ElementsAre("PUT a=1", "PUT b=1", "DEL a", "DEL b"));
  const absl::Duration lived = absl::Now() - granted_after;
  EXPECT_GE(lived, lease.ttl);
  EXPECT_LT(lived, 5 * lease.ttl);
  EXPECT_THAT(elsewhere.First(2), ElementsAre("DEL a", "DEL b"));
  EXPECT_EQ(Range().revision, before + 1);
  EXPECT_THAT(Keys(), IsEmpty());
  EXPECT_EQ(store_->KeepLeaseAlive(lease.id, Soon()).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(StoreContract, SlowKeepaliveExtendsALease) {
  const Lease kept = Grant(absl::Seconds(1));
  const Lease forsaken = Grant(absl::Seconds(1));
  Put("kept", "1", kept.id);
  const int64_t before = Put("forsaken", "1", forsaken.id);
  RecordedWatch watch(store_.get(), "", before + 1);
  // The kept lease outlives the other by another TTL, measured by a third.
  for (int round = 0; round < 2; ++round) {
    const Lease clock = Grant(absl::Seconds(1));
    const int64_t tick = Put("clock", absl::StrCat(round), clock.id);
    RecordedWatch ticks(store_.get(), "clock", tick + 1);
    absl::Notification stop;
    std::thread keeper([&] {
      while (!stop.WaitForNotificationWithTimeout(kept.ttl / 5)) {
        absl::StatusOr<absl::Duration> ttl = store_->KeepLeaseAlive(kept.id, Soon());
        ASSERT_TRUE(ttl.ok()) << ttl.status();
        EXPECT_EQ(*ttl, kept.ttl);
      }
    });
    EXPECT_THAT(ticks.First(1), ElementsAre("DEL clock"));
    stop.Notify();
    keeper.join();
  }
  EXPECT_THAT(Keys(), ElementsAre("kept"));
  // The other, two ticks of the clock, and at last the kept one as well.
  EXPECT_THAT(watch.First(6), testing::Contains("DEL kept"));
}

TEST_P(StoreContract, SlowLeaseEndsThoughItsGranterIsGone) {
  Lease lease;
  {
    const std::unique_ptr<Store> granter = harness_->Open();
    absl::StatusOr<Lease> granted = granter->GrantLease(absl::Seconds(1), Soon());
    ASSERT_TRUE(granted.ok()) << granted.status();
    lease = *granted;
    ASSERT_TRUE(granter->Commit({}, {Operation::Put("a", "1", lease.id)}, Soon()).ok());
  }
  RecordedWatch watch(store_.get(), "", Range().revision + 1);
  EXPECT_THAT(watch.First(1), ElementsAre("DEL a"));
}

}  // namespace
}  // namespace curatord
