// gRPC 1.51 reads the roots of the machine, some 140 certificates, before the first TLS
// channel is made, also for channels that verify by themselves, as ours do. That is half
// of the time of a short command. Programs that trust nothing but the cluster's CA give
// it a root whose key nobody has instead.
#include <cstdlib>

#include "grpc/grpc_security.h"
#include "grpc/support/string_util.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/key.h"

namespace {

grpc_ssl_roots_override_result GiveARootOfNobody(char** pem) {
  const auto key = curator::identity::PrivateKey::Generate();
  *pem = gpr_strdup(curator::identity::IssueEphemeralCertificate(key).pem().c_str());
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
