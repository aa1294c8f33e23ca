#include "curator/client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "libclient/client/arguments.h"
#include "libclient/client/leader_facts.h"
#include "libclient/client/leadership_transfer.h"
#include "libclient/client/listing_bound.h"
#include "libclient/client/node_listing.h"
#include "libclient/client/node_watch.h"
#include "libclient/client/wire_types.h"
#include "libclient/core/endpoint.h"
#include "libclient/identity/certificate.h"
#include "libclient/net/cancellation.h"
#include "libclient/net/leader_call.h"
#include "libclient/net/leader_finder.h"
#include "libclient/net/monotonic.h"
#include "libclient/net/search_error.h"
#include "metropolis/aaa.pb.h"
#include "metropolis/curator.pb.h"
#include "metropolis/management.pb.h"

namespace curator {
namespace {

namespace api = metropolis::proto::api;

namespace curator_api = metropolis::node::core::curator::proto::api;

constexpr char kWatch[] = "metropolis.node.core.curator.proto.api.Curator.Watch";
constexpr char kGetClusterInfo[] = "metropolis.proto.api.Management.GetClusterInfo";
constexpr char kGetRegisterTicket[] = "metropolis.proto.api.Management.GetRegisterTicket";
constexpr char kEscrow[] = "metropolis.proto.api.AAA.Escrow";

// A call that returns the same however often it is made leaves nothing behind
// whose outcome an operator would have to look up.
absl::Status OutcomeDoesNotMatter(const absl::Status& status) {
  if (status.ok()) return status;
  Error error = DescribeError(status);
  if (error.code != ErrorCode::kUnknownOutcome) return status;
  error.code = ErrorCode::kTimeout;
  error.message = absl::StrCat("no answer to ", error.method, " in time");
  error.hints = {"try again: repeating it is safe"};
  return MakeError(error);
}

}  // namespace

Client::Client(ClientOptions options) : options_(std::move(options)) {}

Client::~Client() = default;

absl::StatusOr<std::unique_ptr<Client>> Client::Create(ClientOptions options) {
  if (!options.ca.has_value()) return InvalidArgument("no CA certificate of the cluster is given");
  if (options.endpoints.empty()) return InvalidArgument("no endpoint is given");
  std::vector<core::Endpoint> seeds;
  for (const std::string& text : options.endpoints) {
    absl::StatusOr<core::Endpoint> endpoint = core::ParseEndpoint(text);
    if (!endpoint.ok()) return InvalidArgument(std::string(endpoint.status().message()));
    seeds.push_back(*std::move(endpoint));
  }
  net::FinderOptions finder_options(*options.ca);
  finder_options.seeds = std::move(seeds);
  const absl::StatusOr<core::Endpoint> likely_leader = core::ParseEndpoint(options.likely_leader);
  if (likely_leader.ok()) finder_options.likely_leader = *likely_leader;
  finder_options.accept_unproven = options.accept_unproven;
  finder_options.identity = options.identity;
  finder_options.keepalive_time = options.keepalive_time;
  finder_options.keepalive_timeout = options.keepalive_timeout;
  finder_options.connect_timeout = options.connect_timeout;
  finder_options.on_progress = options.on_progress;
  std::unique_ptr<Client> client(new Client(std::move(options)));
  client->finder_ = std::make_unique<net::LeaderFinder>(std::move(finder_options));
  return client;
}

absl::StatusOr<NodeList> Client::ListNodes(const CallOptions& options) {
  return ListNodes("", options);
}

absl::StatusOr<NodeList> Client::ListNodes(absl::string_view filter, const CallOptions& options) {
  net::CallTrace trace;
  absl::StatusOr<std::vector<Node>> nodes =
      ListNodesOf(*finder_, net::CallContext(options), filter, &trace);
  if (!nodes.ok()) return nodes.status();
  NodeList list;
  list.leader_id = trace.leader.node_id;
  list.nodes = *std::move(nodes);
  return list;
}

absl::StatusOr<Node> Client::GetNode(absl::string_view id, const CallOptions& options) {
  if (absl::Status status = RequireNodeId(id); !status.ok()) return status;
  absl::StatusOr<absl::optional<Node>> node =
      FindNode(*finder_, net::CallContext(options), std::string(id));
  if (!node.ok()) return node.status();
  if (node->has_value()) return **std::move(node);
  Error error;
  error.code = ErrorCode::kNotFound;
  error.message = absl::StrCat("no node ", id);
  error.method = "Management.GetNodes";
  error.hints = {"list the nodes of the cluster"};
  return MakeError(error);
}

absl::StatusOr<ClusterInfo> Client::GetClusterInfo(const CallOptions& options) {
  const net::LeaderFinder::Operation operation(*finder_);
  api::GetClusterInfoResponse response;
  net::CallTrace trace;
  const absl::Status status = net::CallLeader(*finder_, net::CallContext(options), kGetClusterInfo,
                                              api::GetClusterInfoRequest(), &response, &trace);
  if (!status.ok()) return status;
  ClusterInfo info = FromWire(response);
  info.leader = DescribeLeader(std::as_const(*finder_), trace.leader);
  return info;
}

absl::StatusOr<Leader> Client::FindLeader(const CallOptions& options) {
  const net::LeaderFinder::Operation operation(*finder_);
  const net::CallContext context(options);
  finder_->WantOpinions();
  const absl::StatusOr<net::LeaderConnection> leader = FindConfirmedLeader(*finder_, context);
  if (!leader.ok()) return leader.status();
  return DescribeLeader(*finder_, *leader, context);
}

absl::StatusOr<std::string> Client::GetRegisterTicket(const CallOptions& options) {
  api::GetRegisterTicketResponse response;
  const absl::Status status =
      net::CallLeader(*finder_, net::CallContext(options), kGetRegisterTicket,
                      api::GetRegisterTicketRequest(), &response);
  if (!status.ok()) return OutcomeDoesNotMatter(status);
  return std::move(*response.mutable_ticket());
}

absl::StatusOr<TransferResult> Client::TransferLeadership(absl::string_view to,
                                                          const CallOptions& options) {
  if (!to.empty()) {
    if (absl::Status status = RequireNodeId(to); !status.ok()) return status;
  }
  const net::LeaderFinder::Operation operation(*finder_);
  return LeadershipTransfer(*finder_, std::string(to), options).Run();
}

absl::Status Client::WatchNodes(const std::function<void(const NodeEvent&)>& on_event,
                                const CallOptions& options) {
  const net::CallContext context(options);
  NodeWatch watch(on_event, net::TokenOf(context.cancellation), context.listing_bytes);
  curator_api::WatchRequest request;
  request.mutable_nodes_in_cluster();
  NodeWatch::WatchEvent message;
  absl::Status status = net::FollowLeader(
      *finder_, context, kWatch, request, &message,
      [&](const net::LeaderConnection& leader) { watch.OnStream(leader.node_id); },
      [&]() -> absl::StatusOr<absl::Duration> {
        if (absl::Status fits = watch.OnMessage(message); !fits.ok()) return fits;
        return watch.synced() ? absl::InfiniteDuration() : finder_->options().connect_timeout;
      });
  // A watch that has shown something ends with its time, whatever happens then.
  if (!watch.has_told() || net::Now() < context.deadline) return status;
  const Error error = DescribeError(status);
  return IsRetryable(error.code) || net::MayBeProvedYet(error)
             ? WatchIsOver(watch.synced() ? absl::OkStatus() : status)
             : status;
}

absl::Status Client::WatchLeader(
    const std::function<void(const absl::optional<Leader>&)>& on_change,
    const CallOptions& options) {
  return curator::WatchLeader(*finder_, net::CallContext(options), on_change);
}

absl::StatusOr<std::string> Client::TakeOwnership(const CallOptions& options) {
  if (!options_.identity.has_value() || !options_.identity->is_ephemeral()) {
    return InvalidArgument("taking ownership needs an ephemeral identity of the owner's key");
  }
  api::EscrowRequest request;
  request.mutable_parameters()->set_requested_identity_name("owner");
  request.mutable_parameters()->set_public_key(options_.identity->certificate().public_key());
  api::EscrowResponse response;
  std::string certificate;
  ListingBound bound("what AAA.Escrow answers", options.listing_bytes);
  const absl::Status status = net::CallLeaderStream(
      *finder_, net::CallContext(options), kEscrow, request, &response,
      [&] {
        certificate.clear();
        bound.Restart();
      },
      [&] {
        if (certificate.empty()) certificate = response.emitted_certificate();
        return bound.TakeMessage(response.ByteSizeLong());
      });
  if (!status.ok()) return OutcomeDoesNotMatter(status);
  if (!certificate.empty()) return certificate;
  Error error;
  error.message = "the leader ended AAA.Escrow without a certificate";
  error.method = "AAA.Escrow";
  error.sent = true;
  return MakeError(error);
}

KnownCurators Client::known_curators() const { return finder_->known_curators(); }

void Client::HintLeader(absl::string_view endpoint) {
  const absl::StatusOr<core::Endpoint> parsed = core::ParseEndpoint(endpoint);
  if (parsed.ok()) finder_->HintLeader(*parsed);
}

}  // namespace curator
