#include "libclient/identity/leadership_proof.h"

#include "absl/strings/str_cat.h"
#include "curator/v1/leadership_proof.pb.h"

namespace curator::identity {
namespace {

// What a certificate's or a revocation list's signature is over begins with 0x30 (a DER
// sequence), a TLS 1.3 handshake's with 64 spaces.
constexpr absl::string_view kDomain = "curator.v1.LeadershipProof: a leader answers a client\n";

std::string BigEndian(uint64_t number) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

std::string WithLength(absl::string_view field) {
  return absl::StrCat(BigEndian(field.size()), field);
}

std::string Signed(absl::string_view nonce, const v1::LeadershipProof& proof) {
  return absl::StrCat(kDomain, WithLength(nonce), WithLength(proof.node_id()),
                      BigEndian(static_cast<uint64_t>(proof.term())), WithLength(proof.lock_key()));
}

}  // namespace

std::string ProveLeadership(const LeadershipClaim& claim, const PrivateKey& ca_key) {
  if (claim.nonce.size() != kNonceSize) return "";
  v1::LeadershipProof proof;
  proof.set_node_id(claim.node_id);
  proof.set_term(claim.term);
  proof.set_lock_key(claim.lock_key);
  proof.set_signature(ca_key.Sign(Signed(claim.nonce, proof)));
  return proof.SerializeAsString();
}

std::string FaultOfProof(absl::string_view proof, absl::string_view nonce,
                         absl::string_view node_id, int64_t term, const Certificate& ca) {
  v1::LeadershipProof parsed;
  if (!parsed.ParseFromArray(proof.data(), static_cast<int>(proof.size()))) {
    return "its proof is garbled";
  }
  if (parsed.node_id() != node_id) return "its proof is of another node";
  if (parsed.term() <= 0 || parsed.term() != term) {
    return absl::StrCat("its proof is of term ", parsed.term(), ", and it claims term ", term);
  }
  if (!VerifySignature(ca.public_key(), Signed(nonce, parsed), parsed.signature())) {
    return "its proof answers another question, or is not signed by the CA of this cluster";
  }
  return "";
}

}  // namespace curator::identity
