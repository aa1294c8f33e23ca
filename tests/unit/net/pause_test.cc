#include "libclient/net/pause.h"

#include <thread>

#include "gtest/gtest.h"
#include "libclient/net/monotonic.h"

namespace curator::net {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

TEST(AwaitUnlessStopped, EndsWhenAnotherThreadMakesItHappen) {
  absl::Mutex mutex;
  bool happened = false;
  std::thread other([&] {
    absl::MutexLock lock(&mutex);
    happened = true;
  });
  EXPECT_EQ(AwaitUnlessStopped(mutex, [&] { return happened; }, core::After(Now(), kPatience),
                               {std::stop_token()}),
            WaitEnd::kHappened);
  other.join();
}

TEST(AwaitUnlessStopped, EndsByTheStopOfAnyToken) {
  absl::Mutex mutex;
  std::stop_source one, two;
  std::thread other([&] { two.request_stop(); });
  EXPECT_EQ(AwaitUnlessStopped(mutex, [] { return false; }, core::kNever,
                               {one.get_token(), two.get_token()}),
            WaitEnd::kStopped);
  other.join();
}

TEST(AwaitUnlessStopped, TellsOfTheStopAlsoIfItHasHappened) {
  absl::Mutex mutex;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(AwaitUnlessStopped(mutex, [] { return true; }, core::kNever, {stop.get_token()}),
            WaitEnd::kStopped);
}

TEST(AwaitUnlessStopped, EndsWithItsTime) {
  absl::Mutex mutex;
  EXPECT_EQ(AwaitUnlessStopped(mutex, [] { return false; },
                               core::After(Now(), absl::Milliseconds(5)), {}),
            WaitEnd::kElapsed);
}

}  // namespace
}  // namespace curator::net
