// What a curator knows of the room in its store.
#include "server/store_space.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/faulty_store.h"
#include "tests/support/memory_store.h"

namespace curatord {
namespace {

using testing::HasSubstr;
using testing_support::FaultyStore;
using testing_support::MemoryStore;
using Fault = FaultyStore::Fault;

class StoreSpaceTest : public testing::Test {
 protected:
  StoreSpaceTest() {
    auto faulty = std::make_unique<FaultyStore>(&memory_);
    faulty_ = faulty.get();
    store_ = std::make_unique<StoreWithSpace>(std::move(faulty), &space_);
  }
  absl::Status Commit(std::vector<Operation> operations) {
    return store_->Commit({}, operations, absl::InfiniteFuture()).status();
  }

  MemoryStore memory_;
  StoreSpace space_;
  FaultyStore* faulty_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreSpaceTest, IsFullFromARefusalToTheNextWrite) {
  EXPECT_FALSE(space_.is_full());
  faulty_->FailCommits({Fault::kFull, Fault::kFull});
  EXPECT_FALSE(Commit({Operation::Put("/x", "1")}).ok());
  EXPECT_FALSE(Commit({Operation::Put("/x", "1")}).ok());
  EXPECT_TRUE(space_.is_full());
  EXPECT_THAT(space_.health().message(), HasSubstr("database space exceeded"));
  EXPECT_EQ(space_.refused(), 2);
  EXPECT_TRUE(Commit({Operation::Put("/x", "1")}).ok());
  EXPECT_FALSE(space_.is_full());
}

// A store that is full takes reads and deletions.
TEST_F(StoreSpaceTest, IsNotProvedByWhatNeedsNoRoom) {
  faulty_->FailCommits({Fault::kFull});
  EXPECT_FALSE(Commit({Operation::Put("/x", "1")}).ok());
  EXPECT_TRUE(Commit({}).ok());
  EXPECT_TRUE(Commit({Operation::Delete("/x")}).ok());
  EXPECT_TRUE(store_->Range("", absl::InfiniteFuture()).ok());
  EXPECT_TRUE(space_.is_full());
}

TEST_F(StoreSpaceTest, OtherFailuresSayNothingOfIt) {
  faulty_->FailCommits({Fault::kUnavailable});
  EXPECT_FALSE(Commit({Operation::Put("/x", "1")}).ok());
  EXPECT_FALSE(space_.is_full());
}

TEST_F(StoreSpaceTest, SlowIsAskedForUntilItIsThereAgain) {
  std::atomic<int> asked{0};
  absl::Notification has_room;
  faulty_->OnCommit([&](const std::vector<Operation>&) {
    if (++asked <= 2) return Fault::kFull;
    if (asked == 3) has_room.Notify();
    return Fault::kNone;
  });
  EXPECT_FALSE(Commit({Operation::Put("/x", "1")}).ok());
  std::thread runs([this] { EXPECT_TRUE(space_.Run(store_.get()).ok()); });
  EXPECT_TRUE(has_room.WaitForNotificationWithTimeout(absl::Seconds(60)));
  space_.Stop();
  runs.join();
  EXPECT_FALSE(space_.is_full());
  EXPECT_EQ(space_.refused(), 2);
}

}  // namespace
}  // namespace curatord
