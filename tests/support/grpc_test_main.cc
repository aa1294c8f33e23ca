// main() of the tests that use gRPC. At exit OpenSSL would take away the keys by
// which threads find their error state, while threads of gRPC still run: what
// they then leave behind LeakSanitizer reports, now and then.
#include "gtest/gtest.h"
#include "openssl/crypto.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
  return RUN_ALL_TESTS();
}
