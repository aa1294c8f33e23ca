// gRPC credentials for both sides. The whole verification of a server is ours
// (verification.h): the CA is kept out of gRPC's context, so that exactly one
// certificate is sent (with the CA there OpenSSL would add it, and existing
// servers refuse two).
#ifndef LIBCLIENT_IDENTITY_TLS_CREDENTIALS_H_
#define LIBCLIENT_IDENTITY_TLS_CREDENTIALS_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "curator/credentials.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "libclient/identity/verification.h"

namespace curator::identity {

// What the verifier of a channel saw last. gRPC reports every failed handshake
// as UNAVAILABLE; the cause is here. Thread-safe; shared by a channel's
// verifier and its owner.
class PeerRecord {
 public:
  struct Seen {
    int handshakes = 0;                     // that got as far as the server's certificate
    Verification verification;              // of the latest
    std::string leaf_pem;                   // of the latest
    absl::optional<std::string> ca_sha256;  // of its issuer; none unless it is the pinned one
  };
  Seen Get() const;
  void Set(Verification verification, std::string leaf_pem, absl::optional<std::string> ca_sha256);

 private:
  mutable absl::Mutex mutex_;
  Seen seen_ ABSL_GUARDED_BY(mutex_);
};

struct ChannelTrust {
  absl::optional<ClusterCa> ca;  // none: trust on first use, everything passes and is recorded
  std::string expected_node_id;  // empty: any node of the cluster
  // What was proved on a connection is not true of the next one, which gRPC would make by
  // itself: once a server was accepted, all further handshakes of the channel fail.
  bool one_connection = false;
};

// `identity` none: no client certificate is sent. `record` is never null.
std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(
    const ChannelTrust& trust, const absl::optional<Identity>& identity,
    std::shared_ptr<PeerRecord> record);

// Asks for a client certificate and lets the handshake pass with any or none;
// authentication is decided for each RPC. Lists no acceptable CA names.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const Identity& node);

}  // namespace curator::identity

#endif  // LIBCLIENT_IDENTITY_TLS_CREDENTIALS_H_
