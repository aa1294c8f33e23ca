// A wall clock that tests may set, to be preloaded into a real process: CLOCK_REALTIME is
// the machine's plus the offset (int64, nanoseconds) in the file CURATOR_TEST_CLOCK names.
//
// A wait until an instant of that clock behaves as the kernel's do: it looks at the clock
// as it is now, so one that is under way when the clock is set back takes the longer for
// it. Those waits are futexes, which Abseil, and by it gRPC, waits by. The monotonic
// clocks are not touched.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kLook = kSecond / 50;

using Syscall = long (*)(long, ...);

// Not before main: the clock is asked by the constructors of others.
Syscall Next() {
  static const auto next = reinterpret_cast<Syscall>(dlsym(RTLD_NEXT, "syscall"));
  return next;
}

const volatile int64_t* MapOffset() {
  static const int64_t none = 0;
  const char* path = std::getenv("CURATOR_TEST_CLOCK");
  const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return &none;
  void* mapped = mmap(nullptr, sizeof none, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  return mapped == MAP_FAILED ? &none : static_cast<const int64_t*>(mapped);
}

int64_t Nanos(const timespec& t) { return t.tv_sec * kSecond + t.tv_nsec; }

timespec Timespec(int64_t nanos) { return {nanos / kSecond, nanos % kSecond}; }

int64_t KernelNow(clockid_t clock) {
  timespec now;
  Next()(SYS_clock_gettime, clock, &now);
  return Nanos(now);
}

int64_t WallClock() {
  static const volatile int64_t* const offset = MapOffset();
  return KernelNow(CLOCK_REALTIME) + *offset;
}

long WaitOnFutex(const long (&arg)[6]) {
  const int64_t deadline = Nanos(*reinterpret_cast<const timespec*>(arg[3]));
  for (;;) {
    const int64_t left = std::clamp<int64_t>(deadline - WallClock(), 0, kLook);
    const timespec look = Timespec(KernelNow(CLOCK_MONOTONIC) + left);
    const long result =
        Next()(SYS_futex, arg[0], arg[1] & ~FUTEX_CLOCK_REALTIME, arg[2], &look, arg[4], arg[5]);
    if (result == 0 || errno != ETIMEDOUT || WallClock() >= deadline) return result;
  }
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const bool wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  *now = Timespec(wall ? WallClock() : KernelNow(clock));
  return 0;
}

int gettimeofday(timeval* now, void*) noexcept {
  const int64_t nanos = WallClock();
  *now = {nanos / kSecond, nanos % kSecond / 1000};
  return 0;
}

time_t time(time_t* result) noexcept {
  const time_t now = WallClock() / kSecond;
  if (result != nullptr) *result = now;
  return now;
}

long syscall(long number, ...) noexcept {
  va_list list;
  va_start(list, number);
  long arg[6];
  for (long& each : arg) each = va_arg(list, long);
  va_end(list);
  if (number == SYS_futex && (arg[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET &&
      (arg[1] & FUTEX_CLOCK_REALTIME) != 0 && arg[3] != 0) {
    return WaitOnFutex(arg);
  }
  return Next()(number, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
}

}  // extern "C"
