// gRPC 1.51 reads the roots of the machine, some 140 certificates, before the first TLS
// channel is made, also for channels that verify by themselves, as ours do. That is half
// of the time of a short command. Programs that trust nothing but the cluster's CA give
// it a root that nothing can verify against instead.
#include <cstdlib>

#include "grpc/grpc_security.h"
#include "grpc/support/string_util.h"

namespace {

// Was valid for the first second of 1970; its key was thrown away. Not made anew each
// time: that would be a fifteenth of a short command's time.
constexpr char kRootOfNobody[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIHOMIGBoAMCAQICAQEwBQYDK2VwMBExDzANBgNVBAMMBm5vYm9keTAeFw03MDAx\n"
    "MDEwMDAwMDBaFw03MDAxMDEwMDAwMDFaMBExDzANBgNVBAMMBm5vYm9keTAqMAUG\n"
    "AytlcAMhAFPKPevpLuQLH2OxMOx3vUx98THRt+OXGdGv/0JVFqzQMAUGAytlcANB\n"
    "ALi2eKleMSR8HboQsgHZO3/rFyMTA12k+kz2+PbQT2SYcY3J1LpgLW7jRcC/VGEg\n"
    "YbbtfT8JQ+1Es5YGh5yZQwA=\n"
    "-----END CERTIFICATE-----\n";

grpc_ssl_roots_override_result GiveARootOfNobody(char** pem) {
  *pem = gpr_strdup(kRootOfNobody);
  return GRPC_SSL_ROOTS_OVERRIDE_OK;
}

bool Install() {
  grpc_set_ssl_roots_override_callback(GiveARootOfNobody);
  // A file that this names would come first.
  setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "", /*overwrite=*/1);
  return true;
}

// Before main, when there is one thread.
[[maybe_unused]] const bool installed = Install();

}  // namespace
