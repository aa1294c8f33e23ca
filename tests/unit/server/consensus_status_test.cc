#include "server/leader/consensus_status.h"

#include <memory>
#include <thread>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/faulty_store.h"
#include "tests/support/memory_store.h"

namespace curatord {
namespace {

using testing::Each;

class ConsensusStatusTest : public testing::Test {
 protected:
  // Lets the store answer whenever it is asked, while `work` runs.
  template <typename Work>
  void WhileReleasing(Work work) {
    absl::Notification over;
    std::thread releasing([this, &over] {
      while (!over.HasBeenNotified()) {
        store_.Release();
        std::this_thread::yield();
      }
    });
    work();
    over.Notify();
    releasing.join();
  }
  // Asks, and remembers how many members were told; -1: refused.
  void Ask(absl::BlockingCounter* answered, int* members) {
    status_->Ask([answered, members](absl::StatusOr<ConsensusStatus::Response> answer) {
      *members = answer.ok() ? answer->etcd_member_size() : -1;
      answered->DecrementCount();
    });
  }

  testing_support::MemoryStore memory_;
  testing_support::FaultyStore store_{&memory_};
  std::unique_ptr<ConsensusStatus> status_ = std::make_unique<ConsensusStatus>(&store_, "a");
};

TEST_F(ConsensusStatusTest, AsksTheStoreOnceForAllWhoWait) {
  store_.SetMembers({{"a", false}, {"b", false}});
  store_.HoldMembers();
  std::vector<int> told(5);
  absl::BlockingCounter answered(5);
  Ask(&answered, &told[0]);
  store_.WaitUntilHeld(1);
  // These may not be given what the store was about to say before they asked.
  for (size_t i = 1; i < told.size(); ++i) Ask(&answered, &told[i]);
  WhileReleasing([&answered] { answered.Wait(); });
  EXPECT_THAT(told, Each(2));
  EXPECT_EQ(store_.member_lists(), 2);
}

TEST_F(ConsensusStatusTest, RefusesThoseWhoWaitWhenItEnds) {
  store_.HoldMembers();
  std::vector<int> told(2);
  absl::BlockingCounter answered(2);
  Ask(&answered, &told[0]);
  store_.WaitUntilHeld(1);
  Ask(&answered, &told[1]);
  // Whether the end or the second question is noticed first is open.
  WhileReleasing([this] { status_.reset(); });
  answered.Wait();
  EXPECT_EQ(told[0], 1);
  EXPECT_TRUE(told[1] == 1 || told[1] == -1) << told[1];
}

}  // namespace
}  // namespace curatord
