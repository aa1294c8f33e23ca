// The machine-readable part of a curator's errors: google.rpc.ErrorInfo in the
// grpc-status-details-bin trailer, and the metadata both sides exchange. Servers
// of the existing system send none of this; clients of it see only codes.
#ifndef LIBCLIENT_CORE_ERROR_INFO_H_
#define LIBCLIENT_CORE_ERROR_INFO_H_

namespace curator::core {

inline constexpr char kErrorDomain[] = "curator";

// Reasons.
// This curator does not lead; metadata leader_id and leader_address, if known.
// The request was not executed.
inline constexpr char kReasonNotLeader[] = "NOT_LEADER";
// Leadership was lost before the request was executed. Not executed.
inline constexpr char kReasonLostLeadership[] = "LOST_LEADERSHIP";
// The store did not answer: the request may or may not have been executed.
inline constexpr char kReasonOutcomeUnknown[] = "OUTCOME_UNKNOWN";
// The store cannot be reached, or too much waits for it (metadata cause). Not executed.
inline constexpr char kReasonStoreUnavailable[] = "STORE_UNAVAILABLE";
// The store has no room for more (RESOURCE_EXHAUSTED). Not executed; somebody has to make
// room.
inline constexpr char kReasonStoreFull[] = "STORE_FULL";
// This server will never serve the method (UNIMPLEMENTED from a leader).
inline constexpr char kReasonUnsupported[] = "UNSUPPORTED";
// The cluster does not stand by the certificate any more (UNAUTHENTICATED): the node was
// deleted or decommissioned, metadata own_node; or the owner was replaced. Not executed.
inline constexpr char kReasonCertificateRevoked[] = "CERTIFICATE_REVOKED";
// The node that joins is not UP (FAILED_PRECONDITION), metadata own_node.
inline constexpr char kReasonNodeNotUp[] = "NODE_NOT_UP";

// More than the server bears of one caller, or of all (RESOURCE_EXHAUSTED), metadata limit.
// Not executed; it may be later.
inline constexpr char kReasonTooManyStreams[] = "TOO_MANY_STREAMS";
inline constexpr char kReasonTooManyNewNodes[] = "TOO_MANY_NEW_NODES";
inline constexpr char kReasonRegistrationRate[] = "REGISTRATION_RATE";

// Keys of ErrorInfo.metadata.
inline constexpr char kLeaderIdKey[] = "leader_id";
inline constexpr char kLeaderAddressKey[] = "leader_address";
inline constexpr char kTermKey[] = "term";
// The number that was reached.
inline constexpr char kLimitKey[] = "limit";
// Beside STORE_UNAVAILABLE, which older clients know and on which they try again: what
// the store has nothing to do with.
inline constexpr char kCauseKey[] = "cause";
inline constexpr char kCauseOverloaded[] = "OVERLOADED";
// Why a node is refused for good, where it is one of the two.
inline constexpr char kOwnNodeKey[] = "own_node";
inline constexpr char kOwnNodeDeleted[] = "DELETED";
inline constexpr char kOwnNodeDecommissioned[] = "DECOMMISSIONED";

// Initial metadata of GetCurrentLeader and of every answer of a leader: the
// create revision of the lock key it leads by, in decimal.
inline constexpr char kTermMetadata[] = "curator-term";
// Initial metadata of GetCurrentLeader: who stands in the election and where, as
// id@host:port with commas, the leader first, as far as there is room. Hints where to
// dial, and whom to expect there.
inline constexpr char kCandidatesMetadata[] = "curator-candidates";
// The same as host:port, for clients that do not know ids; ours do not look at it: of
// servers that tell nothing else, these are addresses that any node may have named.
inline constexpr char kCuratorsMetadata[] = "curator-curators";
inline constexpr int kMaxCuratorsTold = 16;
// Request metadata of GetCurrentLeader: 32 random bytes for a leader to answer with its
// proof in initial metadata (identity/leadership_proof.h).
inline constexpr char kNonceMetadata[] = "curator-nonce-bin";
inline constexpr char kProofMetadata[] = "curator-proof-bin";
// Request metadata: the same for every attempt of one logical call.
inline constexpr char kRequestIdMetadata[] = "curator-request-id";

}  // namespace curator::core

#endif  // LIBCLIENT_CORE_ERROR_INFO_H_
