// AAA: how the owner of a cluster exchanges its key for a certificate.
#ifndef SERVER_LEADER_AAA_SERVICE_H_
#define SERVER_LEADER_AAA_SERVICE_H_

#include "metropolis/aaa.grpc.pb.h"
#include "server/leader/leader_services.h"

namespace curatord {

class AaaService final : public metropolis::proto::api::AAA::CallbackService {
 public:
  explicit AaaService(const LeaderContext& context) : leader_(context) {}

  grpc::ServerBidiReactor<metropolis::proto::api::EscrowRequest,
                          metropolis::proto::api::EscrowResponse>*
  Escrow(grpc::CallbackServerContext* context) override;

 private:
  const LeaderContext leader_;
};

}  // namespace curatord

#endif  // SERVER_LEADER_AAA_SERVICE_H_
