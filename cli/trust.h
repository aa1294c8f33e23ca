// Whom to trust: the one place of the command line that decides it.
#ifndef CLI_TRUST_H_
#define CLI_TRUST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/session.h"
#include "curator/client.h"
#include "curator/credentials.h"

namespace curator::cli {

struct TrustedCa {
  ClusterCa ca;
  std::string via;  // "pin", "prompt", "owner-cert"; empty: it was trusted before
};

// The CA of the settings, in this order:
//   1. a CA file (with a pin: it must match, else kUntrusted);
//   2. a pin alone: the CA is fetched and must match;
//   3. neither: the CA is fetched. An identity in `target` must verify against
//      it (else kUntrusted, never a question) and is enough; without one the
//      fingerprint is shown and asked about. Nobody to ask: kUntrusted;
//      declined: kNotConfirmed.
// Changes nothing.
absl::StatusOr<TrustedCa> FindTrustedCa(Session& session, const Target& target);

// FindTrustedCa, and what was decided is kept in the context in use, if any.
absl::StatusOr<ClusterCa> DecideTrust(Session& session, const Target& target);

// Only from what is configured, without asking an endpoint or a person: none if
// there is no CA file.
absl::StatusOr<absl::optional<ClusterCa>> ConfiguredCa(Session& session);

// Writes the CA beside the config file and its pin into `context`.
absl::Status PinInContext(ConfigFile& file, absl::string_view name, const TrustedCa& trusted,
                          Context& context);

// "SHA256:41ab…", as people compare it.
std::string DisplayFingerprint(absl::string_view sha256);

}  // namespace curator::cli

#endif  // CLI_TRUST_H_
