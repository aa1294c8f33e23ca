// NodeWatch: what a Curator.Watch of all nodes says, turned into events.
//
// Remembers what was told, so that after a broken stream only the difference is
// told: a node that the next stream's backlog does not hold was deleted
// meanwhile. Changes that no field of Node shows are not told.
//
// Threads: used by one. Calls `on_event` from the functions below.
#ifndef LIBCLIENT_CLIENT_NODE_WATCH_H_
#define LIBCLIENT_CLIENT_NODE_WATCH_H_

#include <functional>
#include <map>
#include <set>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "curator/client.h"
#include "libclient/client/listing_bound.h"
#include "metropolis/curator.pb.h"

namespace curator {

class NodeWatch {
 public:
  using WatchEvent = metropolis::node::core::curator::proto::api::WatchEvent;

  // Nothing is told any more once `stop` has stopped.
  NodeWatch(std::function<void(const NodeEvent&)> on_event, std::stop_token stop,
            size_t listing_bytes);

  // A stream is being opened on this leader. Nothing is told before it speaks.
  void OnStream(std::string leader_id);
  // Not OK: there is more to remember than may be.
  absl::Status OnMessage(const WatchEvent& message);

  // The backlog of the stream has been told in full.
  bool synced() const { return stream_ == Stream::kSynced; }
  // Something has been told, on this stream or an earlier one.
  bool has_told() const { return has_told_; }

 private:
  enum class Stream { kOpened, kBacklog, kSynced };

  void OnFirstMessage();
  absl::Status OnNode(Node node);
  void OnDeleted(const std::string& id);
  void OnLastBacklogged();
  void Tell(NodeEvent::Kind kind, absl::optional<Node> node = absl::nullopt,
            absl::optional<Node> previous = absl::nullopt);

  const std::function<void(const NodeEvent&)> on_event_;
  const std::stop_token stop_;
  Stream stream_ = Stream::kOpened;
  std::string leader_id_;  // of the stream
  std::string told_by_;    // leader that told last
  bool has_told_ = false;
  ListingBound bound_;
  std::map<std::string, Node> told_;  // by id, as it was told last
  std::set<std::string> backlog_;     // ids seen on this stream until it is synced
};

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_NODE_WATCH_H_
