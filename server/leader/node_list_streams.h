// The two streams that list nodes as they were when leadership was confirmed:
// Management.GetNodes, a message a node, and curator.v1.Nodes.List, in batches.
#ifndef SERVER_LEADER_NODE_LIST_STREAMS_H_
#define SERVER_LEADER_NODE_LIST_STREAMS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "grpcpp/support/byte_buffer.h"
#include "server/leader/leader_services.h"
#include "server/leader/node_listing.h"
#include "server/rpc/raw_message.h"
#include "server/rpc/write_stream.h"

namespace curatord {

class NodeListStream : public WriteStream<grpc::ByteBuffer> {
 public:
  explicit NodeListStream(const LeaderContext& leader)
      : listing_(leader.heartbeats), work_(leader.work) {}

  NodeListing& listing() { return listing_; }
  void Begin(NodeSnapshot nodes, int64_t revision) {
    listing_.Begin(std::move(nodes));
    revision_ = revision;
  }

 protected:
  // kNotYet: has posted Continue. kEnd may come with an error in `*status`.
  NodeListing::Found Find(absl::Status* status);

  NodeListing listing_;
  int64_t revision_ = 0;

 private:
  WorkThread* const work_;
};

class GetNodesStream final : public NodeListStream {
 public:
  using NodeListStream::NodeListStream;

 private:
  Step Next(grpc::ByteBuffer* message, absl::Status* status) override;
};

class ListBatchesStream final : public NodeListStream {
 public:
  using NodeListStream::NodeListStream;

 private:
  Step Next(grpc::ByteBuffer* message, absl::Status* status) override;
  Step Cut(grpc::ByteBuffer* message);
  void AppendFound();

  std::string batch_;       // of ListNodesResponse
  bool has_found_ = false;  // a node that the last batch had no room for
  bool has_sent_ = false;
};

// Serves `Stream` to the caller, whose `Request` has a filter.
template <typename Stream, typename Request>
grpc::ServerWriteReactor<grpc::ByteBuffer>* ServeListing(const LeaderContext& leader,
                                                         grpc::CallbackServerContext* context,
                                                         absl::string_view full_method,
                                                         const grpc::ByteBuffer& raw_request) {
  SayTerm(context, leader.leadership->term());
  auto stream = std::make_shared<Stream>(leader);
  auto* reactor = stream->Own();
  absl::StatusOr<Caller> caller = leader.authorizer->Authorize(*context, full_method);
  if (!AdmitStream(leader, caller, stream)) return reactor;
  Request request;
  absl::Status understood = ParseRaw(raw_request, &request);
  if (understood.ok() && !request.filter().empty()) {
    understood = stream->listing().SelectBy(request.filter());
  }
  if (!understood.ok()) {
    stream->End(understood);
    return reactor;
  }
  const ClusterState* state = &leader.leadership->state();
  leader.leadership->Confirm([stream, state, work = leader.work](const absl::Status& confirmed) {
    if (!confirmed.ok()) {
      stream->End(confirmed);
      return;
    }
    // Others wait for the thread that confirms.
    work->Post([stream, state] {
      int64_t revision;
      NodeSnapshot nodes = state->Snapshot(&revision);
      stream->Begin(std::move(nodes), revision);
      stream->Wake();
    });
  });
  return reactor;
}

}  // namespace curatord

#endif  // SERVER_LEADER_NODE_LIST_STREAMS_H_
