// What to say when no leader was found.
#ifndef LIBCLIENT_NET_SEARCH_ERROR_H_
#define LIBCLIENT_NET_SEARCH_ERROR_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "curator/error.h"

namespace curator::net {

// kUntrusted or kUnreachable if `hopeless`; else kNoLeader if any curator
// answered, kUnreachable if none did.
absl::Status NoLeaderError(std::vector<EndpointReport> reports, bool hopeless,
                           absl::Duration waited);

// kTimeout: this one led all the time.
// Somebody claims to lead and was not believed: one that is may come yet, so nobody who has
// time takes this for the end, though it is kUntrusted.
bool MayBeProvedYet(const Error& error);

absl::Status NoChangeError(const std::string& leader_id, absl::Duration waited);

absl::Status CancelledError(absl::Duration waited);

}  // namespace curator::net

#endif  // LIBCLIENT_NET_SEARCH_ERROR_H_
