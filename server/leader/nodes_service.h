// curator.v1.Nodes: listings in bulk.
#ifndef SERVER_LEADER_NODES_SERVICE_H_
#define SERVER_LEADER_NODES_SERVICE_H_

#include "curator/v1/nodes.grpc.pb.h"
#include "server/leader/leader_services.h"

namespace curatord {

class NodesService final
    : public curator::v1::Nodes::WithRawCallbackMethod_List<curator::v1::Nodes::Service> {
 public:
  explicit NodesService(const LeaderContext& context) : leader_(context) {}

  grpc::ServerWriteReactor<grpc::ByteBuffer>* List(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request) override;

 private:
  const LeaderContext leader_;
};

}  // namespace curatord

#endif  // SERVER_LEADER_NODES_SERVICE_H_
