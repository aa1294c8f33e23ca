// Proof that a curator leads, for one client on one connection.
//
// Whoever holds a node's certificate can say that it leads. What only curators have
// is the key of the cluster's CA, which stands in the store. So a client sends a nonce
// with GetCurrentLeader, and a leader answers with a signature by that key over the
// nonce, its own node id, its term and its lock key. A proof is worth something only
// to the client that chose the nonce, on the connection whose certificate names the
// node: it cannot be kept for later, or shown to somebody else.
//
// What is signed begins with a text that no certificate, revocation list or TLS
// handshake can begin with, so that nothing of those can be had by choosing a nonce;
// the fields follow with their lengths, so that no two claims are signed alike.
#ifndef LIBCLIENT_IDENTITY_LEADERSHIP_PROOF_H_
#define LIBCLIENT_IDENTITY_LEADERSHIP_PROOF_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/key.h"

namespace curator::identity {

// Nonces of any other size get no answer.
inline constexpr size_t kNonceSize = 32;

struct LeadershipClaim {
  std::string nonce;     // of the client, kNonceSize bytes
  std::string node_id;   // of the leader
  int64_t term = 0;      // create revision of the lock key
  std::string lock_key;  // by which it leads
};

// A serialized curator.v1.LeadershipProof; empty if the nonce is not one.
std::string ProveLeadership(const LeadershipClaim& claim, const PrivateKey& ca_key);

// What is wrong with a proof, as a lower-case fragment; empty: nothing. `node_id` is the
// one of the connection's certificate, `term` the one that was told beside the proof.
std::string FaultOfProof(absl::string_view proof, absl::string_view nonce,
                         absl::string_view node_id, int64_t term, const Certificate& ca);

}  // namespace curator::identity

#endif  // LIBCLIENT_IDENTITY_LEADERSHIP_PROOF_H_
