// Names of the keys of a cluster, below the store's namespace (protocol section 5).
#ifndef SERVER_STORE_KEYS_H_
#define SERVER_STORE_KEYS_H_

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace curatord::keys {

inline constexpr absl::string_view kLeaders = "/leader/";
inline constexpr absl::string_view kNodes = "/nodes/";
inline constexpr absl::string_view kInitialOwner = "/global/initial_owner";
inline constexpr absl::string_view kRegisterTicket = "/global/register_ticket";
inline constexpr absl::string_view kClusterConfiguration = "/cluster/configuration";
inline constexpr absl::string_view kCaPrivateKey = "/cluster-pki/keys/cluster-ca-privkey.bin";
inline constexpr absl::string_view kCaCertificate = "/cluster-pki/issued/cluster-ca-cert.der";
inline constexpr absl::string_view kOwnerCertificate = "/cluster-pki/issued/owner-cert.der";
inline constexpr absl::string_view kCaRevocationList = "/cluster-pki/cluster-ca-crl.der";

// Ours alone: stands, on a lease of its own, while no leader may be deposed by
// evidence (takeover.h).
inline constexpr absl::string_view kTakeover = "/curator.v1/takeover";
// Ours alone: stands while `curatord migrate` fills a store.
inline constexpr absl::string_view kMigration = "/curator.v1/migration";

// Ours alone: since when the register ticket stands.
inline constexpr absl::string_view kRegisterTicketFacts = "/curator.v1/register_ticket";

// Ours alone: written to find out whether a store that was full has room again.
inline constexpr absl::string_view kSpaceProbe = "/curator.v1/space-probe";

// Ours alone, one for each node that leaves: how far its decommissioning is.
inline constexpr absl::string_view kDecommissions = "/curator.v1/decommission/";
inline std::string Decommission(absl::string_view node_id) {
  return absl::StrCat(kDecommissions, node_id);
}
inline std::string Leader(int64_t lease_id) {
  return absl::StrCat(kLeaders, absl::Hex(static_cast<uint64_t>(lease_id)));
}
inline std::string Node(absl::string_view node_id) { return absl::StrCat(kNodes, node_id); }
inline std::string JoinKey(absl::string_view join_public_key) {
  return absl::StrCat("/join_keys/", absl::BytesToHexString(join_public_key));
}
inline std::string NodeCertificate(absl::string_view node_id) {
  return absl::StrCat("/cluster-pki/issued/node-", node_id, "-cert.der");
}

}  // namespace curatord::keys

#endif  // SERVER_STORE_KEYS_H_
