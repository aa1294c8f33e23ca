// main() of the tests that use gRPC. It ends as the programs do, without static
// destructors: gRPC's threads still run then, and what they let go of late makes its
// counters fail ("assertion failed: prior > 0"), now and then. Leaks are looked for all
// the same.
#include <unistd.h>

#include <cstdio>

#include "gtest/gtest.h"
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int result = RUN_ALL_TESTS();
#ifdef __SANITIZE_ADDRESS__
  __lsan_do_leak_check();
#endif
  std::fflush(nullptr);
  _exit(result);
}
