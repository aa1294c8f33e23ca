// Admission: who gets in where nodes and users are served. The authorizer says what a
// certificate proves; the cluster must still stand by it: one counts only while it is
// the very one that is stored for its holder, a node's moreover only while the node is
// UP. So a node that was deleted or decommissioned stays out, also after its key has
// registered again, and so does an owner that was replaced; and their streams end when
// that happens (member_streams.h).
#ifndef SERVER_LEADER_ADMISSION_H_
#define SERVER_LEADER_ADMISSION_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/auth/authorizer.h"
#include "server/leader/leadership.h"
#include "server/nodes/cluster_state.h"

namespace curatord {

// Why the cluster does not stand by the certificate of `caller` (UNAUTHENTICATED,
// reason CERTIFICATE_REVOKED); OK for all who are neither nodes nor users.
absl::Status CheckNotRevoked(const Caller& caller, const ClusterState& state);

// The same as far as a follower can tell, whose state may be a moment old: refuses the
// users of an owner that was replaced, and nobody else.
absl::Status CheckNotReplaced(const Caller& caller, const ClusterState& state);

// Calls `refuse` with what CheckNotRevoked says once it is certain: a leader that
// was deposed may not know the certificate yet, and a refusal of this kind is final. Of
// UpdateNodeStatus by a node that was deleted it is NOT_FOUND.
void ConfirmRevoked(Leadership* leadership, const Caller& caller, absl::string_view full_method,
                    std::function<void(const absl::Status&)> refuse);

}  // namespace curatord

#endif  // SERVER_LEADER_ADMISSION_H_
