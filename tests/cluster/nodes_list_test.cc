// curator.v1.Nodes: listings in bulk, beside GetNodes, which they must agree with.
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "curator/v1/nodes.grpc.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "server/limits.h"
#include "server/store/keys.h"
#include "tests/cluster/leader_server.h"

namespace curatord {
namespace {

using curator::v1::ListNodesRequest;
using curator::v1::ListNodesResponse;
using testing_support::Client;
using testing_support::Context;
using testing_support::FailsWith;
using testing_support::HasCode;
using testing_support::Succeeded;
using testing_support::TestNode;
namespace api = testing_support::api;
namespace mgmt = testing_support::mgmt;
namespace common = testing_support::common;

class NodesList : public testing_support::LeaderServerTest {
 protected:
  struct Listing {
    std::vector<ListNodesResponse> batches;
    grpc::Status status;
    int64_t term = 0;

    std::vector<std::string> Nodes() const {
      std::vector<std::string> nodes;
      for (const ListNodesResponse& batch : batches) {
        for (const mgmt::Node& node : batch.nodes()) nodes.push_back(node.SerializeAsString());
      }
      return nodes;
    }
  };
  static Listing List(const Client& client, const std::string& filter = "") {
    Context context;
    ListNodesRequest request;
    request.set_filter(filter);
    auto stream = curator::v1::Nodes::NewStub(client.channel)->List(&context, request);
    Listing listing;
    ListNodesResponse batch;
    while (stream->Read(&batch)) listing.batches.push_back(batch);
    listing.status = stream->Finish();
    listing.term = testing_support::TermIn(&context);
    return listing;
  }
  static std::vector<std::string> GetNodes(const Client& client, const std::string& filter) {
    Context context;
    mgmt::GetNodesRequest request;
    request.set_filter(filter);
    auto stream = client.management->GetNodes(&context, request);
    std::vector<std::string> nodes;
    mgmt::Node node;
    while (stream->Read(&node)) nodes.push_back(node.SerializeAsString());
    EXPECT_THAT(stream->Finish(), Succeeded());
    return nodes;
  }
  // Past the leader, which knows them after the next PutKey.
  void PutMany(int count, size_t label_bytes) {
    for (int i = 0; i < count; ++i) {
      TestNode node(i % 10 == 0 ? common::NODE_STATE_NEW : common::NODE_STATE_STANDBY);
      for (size_t bytes = 0; bytes < label_bytes; bytes += 63) {
        auto& label = *node.record.mutable_labels()->add_pairs();
        label.set_key(absl::StrCat("label-", bytes));
        label.set_value(std::string(63, 'v'));
      }
      memory_.Put(keys::Node(node.id()), node.record.SerializeAsString());
    }
    PutKey("/settled", "");
  }

  const Client owner_ = AsOwner();
};

TEST_F(NodesList, ShowsWhatGetNodesShowsAtTheRevisionOfTheStore) {
  PutMany(50, 200);
  for (const std::string filter :
       {"", "node.state == NODE_STATE_NEW", "size(node.labels.pairs) > 0 && node.id != ''",
        "node == node", "node.health == HEALTH_UNKNOWN"}) {
    const Listing listing = List(owner_, filter);
    ASSERT_THAT(listing.status, Succeeded()) << filter;
    EXPECT_EQ(listing.Nodes(), GetNodes(owner_, filter)) << filter;
    EXPECT_FALSE(listing.Nodes().empty());
    EXPECT_EQ(listing.term, term_);
    for (const ListNodesResponse& batch : listing.batches) {
      EXPECT_EQ(batch.revision(), memory_.revision());
    }
  }
}

TEST_F(NodesList, IsCutIntoPieces) {
  PutMany(400, 7000);  // 3.6 MB
  const Listing listing = List(owner_);
  ASSERT_THAT(listing.status, Succeeded());
  EXPECT_GE(listing.batches.size(), 50u);
  EXPECT_LE(listing.batches.size(), 65u);
  for (const ListNodesResponse& batch : listing.batches) {
    EXPECT_LE(batch.ByteSizeLong(), kPieceBytes);
  }
  EXPECT_EQ(listing.Nodes().size(), 401u);
}

TEST_F(NodesList, WatchesAreCutIntoPiecesToo) {
  PutMany(400, 7000);
  Context context;
  api::WatchRequest request;
  request.mutable_nodes_in_cluster();
  auto stream = owner_.curator->Watch(&context, request);
  api::WatchEvent event;
  int nodes = 0, pieces = 0;
  do {
    ASSERT_TRUE(stream->Read(&event));
    EXPECT_LE(event.ByteSizeLong(), kPieceBytes + 2);  // the mark of the last one
    nodes += event.nodes_size();
    ++pieces;
  } while (event.progress() != api::WatchEvent::PROGRESS_LAST_BACKLOGGED);
  EXPECT_EQ(nodes, 401);
  EXPECT_GE(pieces, 50);
  context->TryCancel();
}

TEST_F(NodesList, OfNothingIsOneEmptyBatchWithTheRevision) {
  const Listing listing = List(owner_, "node.id == 'nobody'");
  ASSERT_THAT(listing.status, Succeeded());
  ASSERT_EQ(listing.batches.size(), 1u);
  EXPECT_EQ(listing.batches[0].nodes_size(), 0);
  EXPECT_EQ(listing.batches[0].revision(), memory_.revision());
}

// A filter that holds of few makes the leader go through all the others on its own.
TEST_F(NodesList, FindsTheLastOfMany) {
  PutMany(3000, 0);
  std::string last;
  for (const NodeRecordPtr& record : state_.Nodes()) last = record->id;
  const std::string filter = absl::StrCat("node.id == '", last, "'");
  EXPECT_EQ(List(owner_, filter).Nodes().size(), 1u);
  EXPECT_EQ(GetNodes(owner_, filter).size(), 1u);
}

TEST_F(NodesList, RefusesAFilterItCannotUse) {
  const Listing listing = List(owner_, "node.stat == 1");
  EXPECT_THAT(listing.status, HasCode(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_THAT(listing.status.error_message(), testing::HasSubstr("column"));
  EXPECT_TRUE(listing.batches.empty());
  EXPECT_THAT(List(owner_, "1 / size(node.labels.pairs) == 1").status,
              HasCode(grpc::StatusCode::INVALID_ARGUMENT));
}

TEST_F(NodesList, IsForNodesTooAndForNobodyElse) {
  EXPECT_THAT(List(AsNode(leader_node_)).status, Succeeded());
  EXPECT_THAT(List(AsNobody()).status, HasCode(grpc::StatusCode::UNAUTHENTICATED));
}

TEST_F(NodesList, OfADeposedLeaderIsRefused) {
  Depose();
  EXPECT_THAT(List(owner_).status, FailsWith(grpc::StatusCode::UNAVAILABLE, "LOST_LEADERSHIP"));
}

// Methods that are served raw parse their requests themselves.
TEST_F(NodesList, ADamagedRequestIsInvalid) {
  for (const char* method : {"/curator.v1.Nodes/List", "/metropolis.proto.api.Management/GetNodes",
                             "/metropolis.node.core.curator.proto.api.Curator/Watch"}) {
    grpc::GenericStub stub(owner_.channel);
    Context context;
    grpc::CompletionQueue queue;
    const grpc::Slice damage("\xff\xff");
    const grpc::ByteBuffer request(&damage, 1);
    auto call = stub.PrepareUnaryCall(&context, method, request, &queue);
    call->StartCall();
    grpc::ByteBuffer response;
    grpc::Status status;
    call->Finish(&response, &status, nullptr);
    void* tag;
    bool ok;
    queue.Next(&tag, &ok);
    EXPECT_THAT(status, HasCode(grpc::StatusCode::INVALID_ARGUMENT)) << method;
  }
}

}  // namespace
}  // namespace curatord
