#include "server/supervisor.h"

#include <atomic>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace curatord {
namespace {

using testing::ElementsAre;

// A part that runs until it is told to stop or to fail, and can be waited for.
class Part {
 public:
  explicit Part(std::string name, std::vector<std::string>* ended = nullptr)
      : name_(std::move(name)), ended_(ended) {}

  void StartIn(Supervisor* supervisor) {
    supervisor->Start(
        name_, [this] { return Run(); },
        [this] {
          absl::MutexLock lock(&mutex_);
          stopping_ = true;
        });
  }
  // Makes the `run`th run end with `status`.
  void End(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    end_with_ = std::move(status);
    ending_ = true;
  }
  void WaitForRun(int count) {
    absl::MutexLock lock(&mutex_);
    auto reached = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return runs_ >= count; };
    mutex_.Await(absl::Condition(&reached));
  }

 private:
  absl::Status Run() {
    absl::MutexLock lock(&mutex_);
    ++runs_;
    auto over = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || ending_; };
    mutex_.Await(absl::Condition(&over));
    if (stopping_) {
      if (ended_ != nullptr) ended_->push_back(name_);
      return absl::OkStatus();
    }
    ending_ = false;
    return end_with_;
  }

  const std::string name_;
  std::vector<std::string>* const ended_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status end_with_ ABSL_GUARDED_BY(mutex_);
  int runs_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST(Supervisor, StartsAFailedPartAgainAndShowsWhy) {
  Part part("watch");
  Supervisor supervisor;
  part.StartIn(&supervisor);
  part.WaitForRun(1);
  part.End(absl::UnavailableError("the store went away"));
  part.WaitForRun(2);
  std::vector<PartStatus> status = supervisor.Status();
  ASSERT_EQ(status.size(), 1u);
  EXPECT_EQ(status[0].name, "watch");
  EXPECT_EQ(status[0].health, PartHealth::kRunning);
  EXPECT_EQ(status[0].last_error, "the store went away");
  EXPECT_EQ(status[0].restarts, 1u);
}

TEST(Supervisor, TakesAnEndWithoutACauseForAFailure) {
  Part part("election");
  Supervisor supervisor;
  part.StartIn(&supervisor);
  part.WaitForRun(1);
  part.End(absl::OkStatus());
  part.WaitForRun(2);
  EXPECT_EQ(supervisor.Status()[0].last_error, "ended unexpectedly");
}

TEST(Supervisor, EndsPartsInReverseOrderOfTheirStart) {
  std::vector<std::string> ended;
  Part a("a", &ended), b("b", &ended), c("c", &ended);
  Supervisor supervisor;
  for (Part* part : {&a, &b, &c}) {
    part->StartIn(&supervisor);
    part->WaitForRun(1);
  }
  supervisor.Stop();
  EXPECT_THAT(ended, ElementsAre("c", "b", "a"));
  for (const PartStatus& status : supervisor.Status()) {
    EXPECT_EQ(status.health, PartHealth::kStopped) << status.name;
    EXPECT_EQ(status.restarts, 0u);
  }
  supervisor.Stop();  // again does no harm
}

TEST(Supervisor, StopsAPartThatWaitsToBeStartedAgain) {
  Supervisor supervisor;
  absl::Notification ran_often_enough;
  std::atomic<int> runs{0};
  supervisor.Start(
      "hopeless",
      [&]() -> absl::Status {
        if (++runs == 3) ran_often_enough.Notify();
        return absl::InternalError("no");
      },
      [] {});
  ran_often_enough.WaitForNotification();
  // The pause is 800 ms by now: stopping does not sit it out.
  const absl::Time before = absl::Now();
  supervisor.Stop();
  EXPECT_LT(absl::Now() - before, absl::Milliseconds(700));
  EXPECT_EQ(supervisor.Status()[0].health, PartHealth::kStopped);
}

TEST(Supervisor, StartsNothingOnceItStops) {
  Supervisor supervisor;
  supervisor.Stop();
  supervisor.Start(
      "late", [] { return absl::InternalError("must not run"); }, [] {});
  EXPECT_TRUE(supervisor.Status().empty());
}

TEST(Supervisor, IsDestroyedWhileAllIsBusy) {
  Part a("a"), b("b");
  Supervisor supervisor;
  a.StartIn(&supervisor);
  b.StartIn(&supervisor);
}

}  // namespace
}  // namespace curatord
