#include "libclient/client/node_listing.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "curator/v1/nodes.pb.h"
#include "google/protobuf/arena.h"
#include "libclient/client/listing_bound.h"
#include "libclient/client/wire_types.h"
#include "metropolis/management.pb.h"

namespace curator {
namespace {

constexpr char kList[] = "curator.v1.Nodes.List";
constexpr char kGetNodes[] = "metropolis.proto.api.Management.GetNodes";

// For a batch of 1 MiB, which older servers send. Memory that is not used is not there.
constexpr size_t kArenaBytes = size_t{4} << 20;

bool ById(const Node& a, const Node& b) { return a.id < b.id; }

absl::StatusOr<std::vector<Node>> List(net::LeaderFinder& finder, const net::CallContext& context,
                                       const v1::ListNodesRequest& request,
                                       const metropolis::proto::api::GetNodesRequest& other_request,
                                       net::CallTrace* trace) {
  std::vector<Node> nodes;
  ListingBound bound("the list of nodes", context.listing_bytes);
  const auto restart = [&] {
    nodes.clear();
    bound.Restart();
  };
  const auto add = [&](const metropolis::proto::api::Node& wire) {
    nodes.push_back(FromWire(wire));
    return bound.Take(nodes.back());
  };
  // Each comes once: so a list without end is known as such from its second round on.
  const auto add_next = [&](const metropolis::proto::api::Node& wire) {
    absl::Status added = add(wire);
    if (!added.ok() || nodes.size() < 2) return added;
    const Node& before = nodes[nodes.size() - 2];
    return ById(before, nodes.back()) ? added : OutOfOrder(nodes.back().id, before.id);
  };
  // A batch is some hundred thousand small messages and strings, which an arena takes
  // and forgets at once.
  const auto block = std::make_unique_for_overwrite<char[]>(kArenaBytes);
  google::protobuf::ArenaOptions arena_options;
  arena_options.initial_block = block.get();
  arena_options.initial_block_size = kArenaBytes;
  google::protobuf::Arena arena(arena_options);
  v1::ListNodesResponse* batch = nullptr;
  const auto next_batch = [&] {
    arena.Reset();
    return batch = google::protobuf::Arena::CreateMessage<v1::ListNodesResponse>(&arena);
  };
  metropolis::proto::api::Node node;
  const net::StreamCall preferred{kList, request, next_batch, restart, [&] {
                                    absl::Status added = bound.TakeMessage();
                                    for (const auto& wire : batch->nodes()) {
                                      if (!added.ok()) break;
                                      added = add_next(wire);
                                    }
                                    return added;
                                  }};
  const net::StreamCall fallback{kGetNodes, other_request, [&node] { return &node; }, restart,
                                 [&] { return add(node); }};
  const absl::Status status = net::CallLeaderStream(finder, context, preferred, fallback, trace);
  if (!status.ok()) return status;
  if (!std::is_sorted(nodes.begin(), nodes.end(), ById)) {
    std::sort(nodes.begin(), nodes.end(), ById);
  }
  return nodes;
}

}  // namespace

absl::StatusOr<std::vector<Node>> ListNodesOf(net::LeaderFinder& finder,
                                              const net::CallContext& context,
                                              absl::string_view filter, net::CallTrace* trace) {
  v1::ListNodesRequest request;
  request.set_filter(std::string(filter));
  metropolis::proto::api::GetNodesRequest other_request;
  other_request.set_filter(std::string(filter));
  return List(finder, context, request, other_request, trace);
}

absl::StatusOr<absl::optional<Node>> FindNode(net::LeaderFinder& finder,
                                              const net::CallContext& context,
                                              const std::string& id, net::CallTrace* trace) {
  v1::ListNodesRequest request;
  request.set_filter(absl::StrCat("node.id == \"", id, "\""));
  // Old servers of the existing system send no ids to compare with: all nodes.
  absl::StatusOr<std::vector<Node>> nodes =
      List(finder, context, request, metropolis::proto::api::GetNodesRequest(), trace);
  if (!nodes.ok()) return nodes.status();
  for (Node& node : *nodes) {
    if (node.id == id) return absl::make_optional(std::move(node));
  }
  return absl::optional<Node>();
}

}  // namespace curator
