// CuratorLocal: the one service that every curator with a role serves, leader or
// follower: who leads, and the CA certificate.
//
// To a client that sends a nonce a leader proves that it leads: it signs with the key of
// the cluster's CA, which only those have who read the store. That costs a few tens of
// microseconds for each stream that asks, whoever asks, less than the handshake before it.
// What both tell of where curators are is who stands in the election, not who says that
// it runs one.
//
// A follower's stream says the leader again whenever its address changes, and
// ends with UNAVAILABLE when it has none. A leader's says itself once and stays
// open: a client that sees it close goes on to the next candidate. A change of
// leader ends every stream, with the server.
#ifndef SERVER_LOCAL_LOCAL_SERVICE_H_
#define SERVER_LOCAL_LOCAL_SERVICE_H_

#include <string>

#include "absl/types/optional.h"
#include "libclient/identity/key.h"
#include "metropolis/curator.grpc.pb.h"
#include "server/auth/authorizer.h"
#include "server/nodes/cluster_state.h"
#include "server/role.h"

namespace curatord {

class LocalService final
    : public metropolis::node::core::curator::proto::api::CuratorLocal::CallbackService {
 public:
  // All outlive the gRPC server. `role` is kLeader or kFollower; of a leader `state` is
  // complete, the CA's key is taken from it.
  LocalService(ClusterState* state, const Authorizer* authorizer, Role role, std::string node_id);

  grpc::ServerWriteReactor<metropolis::node::core::curator::proto::api::GetCurrentLeaderResponse>*
  GetCurrentLeader(
      grpc::CallbackServerContext* context,
      const metropolis::node::core::curator::proto::api::GetCurrentLeaderRequest* request) override;
  grpc::ServerUnaryReactor* GetCACertificate(
      grpc::CallbackServerContext* context,
      const metropolis::node::core::curator::proto::api::GetCACertificateRequest* request,
      metropolis::node::core::curator::proto::api::GetCACertificateResponse* response) override;

 private:
  void TellCurators(grpc::CallbackServerContext* context) const;
  void ProveLeadership(grpc::CallbackServerContext* context) const;

  ClusterState* const state_;
  const Authorizer* const authorizer_;
  const Role role_;
  const std::string node_id_;
  absl::optional<curator::identity::PrivateKey> ca_key_;  // of a leader; constant
};

}  // namespace curatord

#endif  // SERVER_LOCAL_LOCAL_SERVICE_H_
