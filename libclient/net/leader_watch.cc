#include "libclient/net/leader_watch.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "libclient/core/endpoint.h"
#include "libclient/core/error_info.h"

namespace curator::net {

LeaderWatch::LeaderWatch(const EndpointChannel& channel, Sink sink)
    : channel_(channel),
      sink_(std::move(sink)),
      stub_(metropolis::node::core::curator::proto::api::CuratorLocal::NewStub(channel.channel)) {}

void LeaderWatch::Start() {
  stub_->async()->GetCurrentLeader(&context_, &request_, this);
  StartRead(&response_);
  StartCall();
}

void LeaderWatch::Cancel() { context_.TryCancel(); }

void LeaderWatch::OnReadDone(bool ok) {
  if (!ok) return;  // OnDone follows
  core::LeaderView::Statement statement;
  statement.node_id = channel_.peer->Get().verification.name;
  statement.leader_id = response_.leader_node_id();
  // A leader that has no address yet sends an empty host: it is where we are.
  if (!response_.leader_host().empty() && response_.leader_port() > 0 &&
      response_.leader_port() <= 65535) {
    core::Endpoint leader;
    leader.host = response_.leader_host();
    leader.port = response_.leader_port();
    statement.leader_address = leader.ToString();
  }
  const auto& metadata = context_.GetServerInitialMetadata();
  if (const auto term = metadata.find(core::kTermMetadata); term != metadata.end()) {
    const absl::string_view text(term->second.data(), term->second.size());
    if (!absl::SimpleAtoi(text, &statement.term)) statement.term = 0;
  }
  if (const auto told = metadata.find(core::kCuratorsMetadata); told != metadata.end()) {
    const absl::string_view text(told->second.data(), told->second.size());
    statement.curators = absl::StrSplit(text, ',', absl::SkipEmpty());
    if (statement.curators.size() > core::kMaxCuratorsTold) {
      statement.curators.resize(core::kMaxCuratorsTold);
    }
  }
  std::string contradiction;
  if (!response_.this_node_id().empty() && response_.this_node_id() != statement.node_id) {
    contradiction = absl::StrCat("calls itself ", response_.this_node_id(),
                                 ", but its certificate is of ", statement.node_id);
  }
  sink_.on_said(std::move(statement), std::move(contradiction));
  StartRead(&response_);
}

void LeaderWatch::OnDone(const grpc::Status& status) {
  // The owner may destroy this object as soon as it has heard of the end.
  const auto on_ended = sink_.on_ended;
  on_ended(status, channel_.peer->Get());
}

}  // namespace curator::net
