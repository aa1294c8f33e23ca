// Authorizer: who calls, and whether it may (protocol section 2). Decided for
// each RPC from its method option `metropolis.proto.ext.authorization`; a method
// without that option is refused, but for the standard services that authorizer.cc
// names (health, reflection). It knows the CA and no state: whether a
// certificate still counts is the cluster's to say (leader/admission.h). Thread-safe.
#ifndef SERVER_AUTH_AUTHORIZER_H_
#define SERVER_AUTH_AUTHORIZER_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "grpcpp/server_context.h"
#include "libclient/identity/certificate.h"
#include "server/auth/caller.h"
#include "server/auth/known_certificates.h"

namespace curatord {

class Authorizer {
 public:
  explicit Authorizer(curator::identity::Certificate ca) : ca_(std::move(ca)) {}

  // `full_method`: "metropolis.proto.api.Management.GetNodes".
  absl::StatusOr<Caller> Authorize(const grpc::ServerContextBase& context,
                                   absl::string_view full_method) const;

  // The same for a certificate in PEM ("" for none): what the tests ask.
  absl::StatusOr<Caller> AuthorizePem(absl::string_view leaf_pem,
                                      absl::string_view full_method) const;

  // The node or user of this cluster whose certificate it comes with; none if there is none.
  absl::optional<Caller> Member(const grpc::ServerContextBase& context) const;

 private:
  Caller Identify(absl::string_view leaf_pem) const;
  Caller Verify(const curator::identity::Certificate& leaf, absl::Time now) const;

  const curator::identity::Certificate ca_;
  mutable KnownCertificates known_;
};

}  // namespace curatord

#endif  // SERVER_AUTH_AUTHORIZER_H_
