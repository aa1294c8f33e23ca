#include "server/leader/nodes_service.h"

#include "server/leader/node_list_streams.h"

namespace curatord {

grpc::ServerWriteReactor<grpc::ByteBuffer>* NodesService::List(grpc::CallbackServerContext* context,
                                                               const grpc::ByteBuffer* request) {
  return ServeListing<ListBatchesStream, curator::v1::ListNodesRequest>(
      leader_, context, "curator.v1.Nodes.List", *request);
}

}  // namespace curatord
