#include "libclient/client/node_watch.h"

#include <tuple>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "libclient/client/wire_types.h"

namespace curator {
namespace {

bool SameNode(const Node& a, const Node& b) {
  const auto fields = [](const Node& node) {
    return std::tie(node.id, node.public_key, node.state, node.health, node.roles, node.labels,
                    node.address, node.curator_port, node.version, node.tpm, node.heartbeat_age,
                    node.status_time);
  };
  return fields(a) == fields(b);
}

}  // namespace

NodeWatch::NodeWatch(std::function<void(const NodeEvent&)> on_event, std::stop_token stop,
                     size_t listing_bytes)
    : on_event_(std::move(on_event)),
      stop_(std::move(stop)),
      bound_("what there is to watch", listing_bytes) {}

void NodeWatch::OnStream(std::string leader_id) {
  leader_id_ = std::move(leader_id);
  stream_ = Stream::kOpened;
  backlog_.clear();
}

absl::Status NodeWatch::OnMessage(const WatchEvent& message) {
  if (stream_ == Stream::kOpened) OnFirstMessage();
  for (const auto& node : message.nodes()) {
    if (absl::Status fits = OnNode(FromWire(node)); !fits.ok()) return fits;
  }
  for (const auto& tombstone : message.node_tombstones()) OnDeleted(tombstone.node_id());
  if (message.progress() == WatchEvent::PROGRESS_LAST_BACKLOGGED) OnLastBacklogged();
  return absl::OkStatus();
}

void NodeWatch::OnFirstMessage() {
  stream_ = Stream::kBacklog;
  if (has_told_) {
    if (told_by_ != leader_id_) Tell(NodeEvent::Kind::kLeaderChanged);
    Tell(NodeEvent::Kind::kReconnected);
  }
  told_by_ = leader_id_;
}

absl::Status NodeWatch::OnNode(Node node) {
  if (node.id.empty()) return absl::OkStatus();
  if (const auto known = told_.find(node.id); known != told_.end()) bound_.GiveBack(known->second);
  if (absl::Status fits = bound_.Take(node); !fits.ok()) return fits;
  if (stream_ == Stream::kBacklog) backlog_.insert(node.id);
  const auto [it, added] = told_.try_emplace(node.id, node);
  if (added) {
    Tell(NodeEvent::Kind::kAdded, std::move(node));
  } else if (!SameNode(it->second, node)) {
    absl::optional<Node> previous = std::exchange(it->second, node);
    Tell(NodeEvent::Kind::kModified, std::move(node), std::move(previous));
  }
  return absl::OkStatus();
}

void NodeWatch::OnDeleted(const std::string& id) {
  backlog_.erase(id);
  const auto it = told_.find(id);
  if (it == told_.end()) return;
  bound_.GiveBack(it->second);
  Node previous = std::move(it->second);
  told_.erase(it);
  Tell(NodeEvent::Kind::kDeleted, absl::nullopt, std::move(previous));
}

void NodeWatch::OnLastBacklogged() {
  if (stream_ == Stream::kSynced) return;
  std::vector<std::string> gone;
  for (const auto& [id, node] : told_) {
    if (backlog_.count(id) == 0) gone.push_back(id);
  }
  for (const std::string& id : gone) OnDeleted(id);
  stream_ = Stream::kSynced;
  backlog_.clear();
  Tell(NodeEvent::Kind::kSynced);
}

void NodeWatch::Tell(NodeEvent::Kind kind, absl::optional<Node> node,
                     absl::optional<Node> previous) {
  if (stop_.stop_requested()) return;
  has_told_ = true;
  NodeEvent event;
  event.kind = kind;
  event.time = absl::Now();
  event.node = std::move(node);
  event.previous = std::move(previous);
  event.leader_id = leader_id_;
  on_event_(event);
}

}  // namespace curator
