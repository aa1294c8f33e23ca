#include "server/follower/not_leader.h"

#include "server/rpc/rpc_error.h"

namespace curatord {
namespace {

class Refusal final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Refusal(const absl::Status& status) { Finish(ToGrpcStatus(status)); }

 private:
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerGenericBidiReactor* NotLeader::CreateReactor(grpc::GenericCallbackServerContext*) {
  return new Refusal(
      NotLeaderError(role_.leader_id, state_->CuratorAddress(role_.leader_id), role_.term));
}

}  // namespace curatord
