#include "server/election.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "metropolis/storage.pb.h"
#include "server/boot_clock.h"
#include "server/store/keys.h"
#include "tests/support/faulty_store.h"
#include "tests/support/memory_store.h"
#include "tests/support/temporary_directory.h"

namespace curatord {
namespace {

using testing_support::FaultyStore;
using testing_support::MemoryStore;

// Long enough for a loaded machine; nothing waits that long when all is well.
constexpr absl::Duration kEventually = absl::Seconds(30);

// An election that runs, and what became of it.
class Candidate {
 public:
  Candidate(Store* store, std::string id, absl::Duration ttl = absl::Seconds(3))
      : id_(id), election_(store, {std::move(id), ttl}) {}
  ~Candidate() { StopAndJoin().IgnoreError(); }

  void Start() {
    thread_ = std::thread([this] { ended_with_ = election_.Run(); });
  }
  absl::Status Join() {
    thread_.join();
    return ended_with_;
  }
  absl::Status StopAndJoin() {
    election_.Stop();
    if (thread_.joinable()) thread_.join();
    return ended_with_;
  }

  // Waits until it is, under another term than `not_term`.
  Role WaitFor(Role::Kind kind, int64_t not_term = -1) {
    const absl::Time deadline = absl::Now() + kEventually;
    auto seen = election_.role().Get();
    while (seen.value.kind != kind || seen.value.term == not_term) {
      const absl::Duration left = deadline - absl::Now();
      if (left <= absl::ZeroDuration()) {
        ADD_FAILURE() << id_ << " did not become what it should";
        break;
      }
      seen = election_.role().WaitForChange(seen.version, left);
    }
    return seen.value;
  }
  Role WaitToLead(int64_t not_term = -1) { return WaitFor(Role::Kind::kLeader, not_term); }
  Role WaitToFollow(int64_t not_term = -1) { return WaitFor(Role::Kind::kFollower, not_term); }
  Role WaitForNoRole() { return WaitFor(Role::Kind::kNone); }

  Role role() const { return election_.role().Get().value; }
  Election& election() { return election_; }

 private:
  const std::string id_;
  Election election_;
  absl::Status ended_with_;
  std::thread thread_;
};

std::string LeaderValue(const std::string& node_id) {
  curator::storage::LeaderElectionValue value;
  value.set_node_id(node_id);
  value.set_ttl(10);
  return value.SerializeAsString();
}

class ElectionTest : public testing::Test {
 protected:
  std::vector<KeyValue> LeaderKeys() const {
    std::vector<KeyValue> keys;
    for (const auto& [key, kv] : store_.contents()) {
      if (absl::StartsWith(key, keys::kLeaders)) keys.push_back(kv);
    }
    return keys;
  }

  MemoryStore store_;
};

TEST_F(ElectionTest, LeadsWhenAloneByAKeyOnItsLease) {
  Candidate a(&store_, "a");
  a.Start();
  const Role role = a.WaitToLead();
  EXPECT_EQ(role.leader_id, "a");
  ASSERT_EQ(LeaderKeys().size(), 1u);
  const KeyValue key = LeaderKeys()[0];
  EXPECT_EQ(role.lock_key, key.key);
  EXPECT_EQ(role.term, key.create_revision);
  EXPECT_GE(role.since_revision, role.term);
  EXPECT_NE(key.lease_id, 0);
  EXPECT_EQ(key.key, absl::StrCat("/leader/", absl::Hex(key.lease_id)));
  curator::storage::LeaderElectionValue value;
  ASSERT_TRUE(value.ParseFromString(key.value));
  EXPECT_EQ(value.node_id(), "a");
  EXPECT_EQ(value.ttl(), 3u);
}

TEST_F(ElectionTest, HasOneLeaderWhomTheOthersFollow) {
  Candidate a(&store_, "a"), b(&store_, "b"), c(&store_, "c");
  a.Start();
  const Role leading = a.WaitToLead();
  b.Start();
  c.Start();
  for (Candidate* candidate : {&b, &c}) {
    const Role following = candidate->WaitToFollow();
    EXPECT_EQ(following.leader_id, "a");
    EXPECT_EQ(following.term, leading.term);
    EXPECT_EQ(following.lock_key, leading.lock_key);
  }
  EXPECT_EQ(LeaderKeys().size(), 3u);
  EXPECT_EQ(a.role().kind, Role::Kind::kLeader);
}

TEST_F(ElectionTest, PassesLeadershipOnInTheOrderOfQueueingWhenLeadersStop) {
  Candidate a(&store_, "a"), b(&store_, "b"), c(&store_, "c");
  a.Start();
  const int64_t term_a = a.WaitToLead().term;
  b.Start();
  b.WaitToFollow();
  c.Start();
  c.WaitToFollow();
  EXPECT_TRUE(a.StopAndJoin().ok());
  EXPECT_EQ(a.role().kind, Role::Kind::kNone);
  const int64_t deleted_at = store_.revision();
  const Role leading = b.WaitToLead();
  EXPECT_GT(leading.term, term_a);
  // Its term is from when it queued; what it must know is later.
  EXPECT_EQ(leading.since_revision, deleted_at);
  EXPECT_LT(leading.term, leading.since_revision);
  EXPECT_EQ(c.WaitToFollow(term_a).leader_id, "b");
  EXPECT_TRUE(b.StopAndJoin().ok());
  c.WaitToLead();
  EXPECT_TRUE(c.StopAndJoin().ok());
  EXPECT_EQ(store_.leases(), 0u);
  EXPECT_TRUE(LeaderKeys().empty());
}

TEST_F(ElectionTest, OfAFollowerThatLeavesChangesNothingForTheOthers) {
  Candidate a(&store_, "a"), b(&store_, "b"), c(&store_, "c");
  a.Start();
  a.WaitToLead();
  b.Start();
  b.WaitToFollow();
  c.Start();
  c.WaitToFollow();
  const uint64_t version_a = a.election().role().Get().version;
  const uint64_t version_c = c.election().role().Get().version;
  EXPECT_TRUE(b.StopAndJoin().ok());
  EXPECT_TRUE(a.StopAndJoin().ok());
  c.WaitToLead();
  EXPECT_EQ(a.election().role().Get().version, version_a + 1);
  EXPECT_EQ(c.election().role().Get().version, version_c + 1);
}

TEST_F(ElectionTest, TakesOverWhenTheLeadersLeaseEnds) {
  Candidate a(&store_, "a"), b(&store_, "b");
  a.Start();
  const Role old = a.WaitToLead();
  b.Start();
  b.WaitToFollow();
  ASSERT_TRUE(store_.RevokeLease(LeaderKeys()[0].lease_id, absl::InfiniteFuture()).ok());
  const Role leading = b.WaitToLead();
  // The old one notices and queues again, behind.
  EXPECT_EQ(a.WaitToFollow().leader_id, "b");
  EXPECT_EQ(a.role().term, leading.term);
  EXPECT_EQ(store_.leases(), 2u);
}

TEST_F(ElectionTest, StepsDownAndCampaignsAnewWhenItsKeyIsDeleted) {
  Candidate a(&store_, "a");
  a.Start();
  const Role first = a.WaitToLead();
  store_.Delete(first.lock_key);
  const Role second = a.WaitToLead(first.term);
  EXPECT_NE(second.lock_key, first.lock_key);  // on a lease of its own
  EXPECT_GT(second.term, first.term);
  EXPECT_EQ(store_.leases(), 1u);  // the first one was revoked
}

TEST_F(ElectionTest, CampaignsAnewAsAFollowerWhoseKeyIsDeleted) {
  Candidate a(&store_, "a"), b(&store_, "b");
  a.Start();
  const Role leading = a.WaitToLead();
  b.Start();
  b.WaitToFollow();
  for (const KeyValue& kv : LeaderKeys()) {
    if (kv.key != leading.lock_key) store_.Delete(kv.key);
  }
  b.WaitForNoRole();
  EXPECT_EQ(b.WaitToFollow().leader_id, "a");
  EXPECT_EQ(LeaderKeys().size(), 2u);
  EXPECT_EQ(a.role(), leading);
}

// The key came back under the same name: another life, another term.
TEST_F(ElectionTest, DoesNotTakeARecreatedKeyForItsOwn) {
  Candidate a(&store_, "a");
  a.Start();
  const Role first = a.WaitToLead();
  ASSERT_TRUE(store_.Commit({}, {Operation::Delete(first.lock_key)}, absl::InfiniteFuture()).ok());
  store_.Put(first.lock_key, LeaderValue("somebody"));
  const Role next = a.WaitToFollow();
  EXPECT_EQ(next.leader_id, "somebody");
}

TEST_F(ElectionTest, DeletesTheLeaderKeyOfItsFormerSelf) {
  store_.Put("/leader/aa", LeaderValue("a"));
  Candidate a(&store_, "a");
  a.Start();
  a.WaitToLead();
  ASSERT_EQ(LeaderKeys().size(), 1u);
  EXPECT_NE(LeaderKeys()[0].key, "/leader/aa");
}

TEST_F(ElectionTest, DeletesNoKeyOfAnotherNorOneThatDoesNotLead) {
  store_.Put("/leader/bb", LeaderValue("b"));
  store_.Put("/leader/aa", LeaderValue("a"));
  Candidate a(&store_, "a");
  a.Start();
  EXPECT_EQ(a.WaitToFollow().leader_id, "b");
  EXPECT_EQ(LeaderKeys().size(), 3u);
  // Now that of its former self leads, which is gone.
  store_.Delete("/leader/bb");
  a.WaitToLead();
  EXPECT_EQ(LeaderKeys().size(), 1u);
}

TEST_F(ElectionTest, HasNoRoleUnderALeaderWhomNobodyCanName) {
  store_.Put("/leader/bb", LeaderValue("b"));
  Candidate a(&store_, "a");
  a.Start();
  a.WaitToFollow();
  store_.Put("/leader/bb", "\xff no such message");
  a.WaitForNoRole();
  const size_t candidacies = LeaderKeys().size();
  store_.Put("/leader/bb", "");
  store_.Put("/leader/bb", LeaderValue("b2"));
  EXPECT_EQ(a.WaitToFollow().leader_id, "b2");
  EXPECT_EQ(LeaderKeys().size(), candidacies);  // kept its place in the queue
}

TEST_F(ElectionTest, RefusesALeaseThatCannotBeKept) {
  store_.GrantOnly(absl::Milliseconds(2999));
  Candidate a(&store_, "a");
  a.Start();
  const absl::Status ended = a.Join();
  EXPECT_TRUE(absl::IsFailedPrecondition(ended)) << ended;
  EXPECT_EQ(a.role().kind, Role::Kind::kNone);
  EXPECT_EQ(store_.leases(), 0u);
  EXPECT_TRUE(LeaderKeys().empty());
}

TEST_F(ElectionTest, CountsByTheGrantedTtlNotTheAskedOne) {
  store_.GrantOnly(absl::Seconds(60));
  Candidate a(&store_, "a");
  a.Start();
  a.WaitToLead();
  curator::storage::LeaderElectionValue value;
  ASSERT_TRUE(value.ParseFromString(LeaderKeys()[0].value));
  EXPECT_EQ(value.ttl(), 60u);
}

TEST_F(ElectionTest, FailsWithTheCauseAndMayBeRunAgain) {
  FaultyStore faulty(&store_);
  faulty.SetDown(true);
  Candidate a(&faulty, "a");
  a.Start();
  EXPECT_TRUE(absl::IsUnavailable(a.Join()));
  faulty.SetDown(false);
  a.Start();
  a.WaitToLead();
  store_.EndWatches(absl::OutOfRangeError("compacted"));
  const absl::Status ended = a.Join();
  EXPECT_TRUE(absl::StrContains(ended.message(), "compacted")) << ended;
  EXPECT_EQ(a.role().kind, Role::Kind::kNone);
  EXPECT_EQ(store_.leases(), 0u);
  a.Start();
  a.WaitToLead();
}

TEST_F(ElectionTest, LeavesNoLeaseWhenItsKeyCouldNotBePut) {
  FaultyStore faulty(&store_);
  faulty.FailCommits({FaultyStore::Fault::kLoseAnswer});
  Candidate a(&faulty, "a");
  a.Start();
  EXPECT_FALSE(a.Join().ok());
  EXPECT_EQ(store_.leases(), 0u);
  EXPECT_TRUE(LeaderKeys().empty());  // it had been put, and went with the lease
}

TEST_F(ElectionTest, StoppedBeforeItRunsLeavesNothingBehind) {
  Candidate a(&store_, "a");
  a.election().Stop();
  a.Start();
  EXPECT_TRUE(a.Join().ok());
  EXPECT_EQ(a.role().kind, Role::Kind::kNone);
  EXPECT_EQ(store_.leases(), 0u);
}

TEST_F(ElectionTest, ResigningLetsAnotherLeadAtOnceSlow) {
  Candidate a(&store_, "a"), b(&store_, "b");
  a.Start();
  a.WaitToLead();
  b.Start();
  b.WaitToFollow();
  a.election().Resign("its port is gone");
  b.WaitToLead();
  EXPECT_EQ(a.role().kind, Role::Kind::kNone);
  EXPECT_EQ(a.WaitToFollow().leader_id, "b");
}

TEST_F(ElectionTest, KeepsItsLeaseAliveSlow) {
  FaultyStore counting(&store_);
  Candidate a(&counting, "a");
  a.Start();
  const Role leading = a.WaitToLead();
  const absl::Time until = absl::Now() + kEventually;
  while (counting.keepalives() < 3 && absl::Now() < until) {
    a.election().role().WaitForChange(a.election().role().Get().version, absl::Milliseconds(100));
  }
  EXPECT_GE(counting.keepalives(), 3);
  EXPECT_EQ(a.role(), leading);
}

// Keepalives are not answered, each for a second: leadership ends at two thirds of
// the TTL nevertheless, counted from when the last answered one was sent.
TEST_F(ElectionTest, StopsLeadingInTimeWhenTheStoreFallsSilentSlow) {
  const absl::Duration ttl = absl::Milliseconds(4500);
  FaultyStore silent(&store_);
  silent.SilenceKeepAlives();
  Candidate a(&silent, "a", ttl);
  a.Start();
  a.WaitToLead();
  const absl::Duration led_at = BootTime();  // the lease is older
  a.WaitForNoRole();
  EXPECT_LE(BootTime() - led_at, LeadershipLimit(ttl) + absl::Milliseconds(120));
}

// Several curators, each with the store's file open by itself.
class ElectionOnSqlite : public testing::Test {
 protected:
  Store* Open() {
    absl::StatusOr<std::unique_ptr<Store>> store =
        OpenStore(directory_.StoreUrl(), /*create=*/true);
    EXPECT_TRUE(store.ok()) << store.status();
    stores_.push_back(*std::move(store));
    return stores_.back().get();
  }

  testing_support::TemporaryDirectory directory_;
  std::vector<std::unique_ptr<Store>> stores_;
};

TEST_F(ElectionOnSqlite, HasOneLeaderAndTheNextLeadsAtOnceWhenItStops) {
  Candidate a(Open(), "a"), b(Open(), "b"), c(Open(), "c");
  a.Start();
  const int64_t term = a.WaitToLead().term;
  b.Start();
  EXPECT_EQ(b.WaitToFollow().leader_id, "a");
  c.Start();
  EXPECT_EQ(c.WaitToFollow().term, term);
  const absl::Time stopped_at = absl::Now();
  EXPECT_TRUE(a.StopAndJoin().ok());
  b.WaitToLead();
  EXPECT_LT(absl::Now() - stopped_at, absl::Seconds(2));  // far below the lease
  EXPECT_EQ(c.WaitToFollow(term).leader_id, "b");
  EXPECT_TRUE(b.StopAndJoin().ok());
  c.WaitToLead();
}

TEST_F(ElectionOnSqlite, TakesOverWhenALeaderThatCannotReachTheStoreLosesItsLeaseSlow) {
  FaultyStore cut_off(Open());
  Candidate a(&cut_off, "a"), b(Open(), "b");
  a.Start();
  a.WaitToLead();
  b.Start();
  b.WaitToFollow();
  const absl::Time cut_at = absl::Now();
  cut_off.SetDown(true);
  b.WaitToLead();
  // The other one stopped before that, by its own clock.
  EXPECT_EQ(a.role().kind, Role::Kind::kNone);
  EXPECT_LT(absl::Now() - cut_at, absl::Seconds(3) * 2);
}

TEST_F(ElectionOnSqlite, RestartedLeadsAtOnceInPlaceOfItsFormerSelf) {
  Store* store = Open();
  // What a killed curator leaves: a lease that is not kept, and its key.
  auto lease = store->GrantLease(absl::Seconds(30), absl::Now() + kEventually);
  ASSERT_TRUE(lease.ok());
  ASSERT_TRUE(store
                  ->Commit({},
                           {Operation::Put(keys::Leader(lease->id), LeaderValue("a"), lease->id)},
                           absl::Now() + kEventually)
                  .ok());
  Candidate a(Open(), "a");
  const absl::Time started_at = absl::Now();
  a.Start();
  a.WaitToLead();
  EXPECT_LT(absl::Now() - started_at, absl::Seconds(3));
}

}  // namespace
}  // namespace curatord
