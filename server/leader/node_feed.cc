#include "server/leader/node_feed.h"

#include <algorithm>
#include <string>
#include <utility>

#include "metropolis/curator.pb.h"
#include "server/leader/node_watch_stream.h"
#include "server/rpc/raw_message.h"

namespace curatord {
namespace {

constexpr size_t kChangesAtOnce = 4096;
constexpr size_t kRemembered = 4;

}  // namespace

std::shared_ptr<NodeFeed> NodeFeed::Of(ClusterState* state) {
  std::shared_ptr<NodeFeed> feed(new NodeFeed(state));
  state->Subscribe(feed, [raw = feed.get()] { raw->OnNodesChanged(); });
  return feed;
}

void NodeFeed::Wake(std::weak_ptr<NodeWatchStream> stream) {
  absl::MutexLock lock(&mutex_);
  if (streams_.size() >= sweep_at_) {
    streams_.erase(
        std::remove_if(streams_.begin(), streams_.end(), [](const auto& s) { return s.expired(); }),
        streams_.end());
    sweep_at_ = std::max<size_t>(64, 2 * streams_.size());
  }
  streams_.push_back(std::move(stream));
}

void NodeFeed::OnNodesChanged() {
  {
    absl::MutexLock lock(&mutex_);
    if (wakes_ || streams_.empty()) return;
    wakes_ = true;
  }
  thread_.Post([this] { WakeAll(); });
}

void NodeFeed::WakeAll() {
  std::vector<std::weak_ptr<NodeWatchStream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    // What changes from here on needs another round.
    wakes_ = false;
    streams = streams_;
  }
  for (const auto& weak : streams) {
    if (std::shared_ptr<NodeWatchStream> stream = weak.lock()) stream->Wake();
  }
}

absl::StatusOr<NodeFeed::Changes> NodeFeed::After(int64_t revision) {
  absl::MutexLock lock(&changes_mutex_);
  // One that was put together earlier may lack what is new since: that is asked for next.
  for (const Latest& latest : latest_) {
    if (latest.after == revision) return latest.changes;
  }
  absl::StatusOr<Changes> changes = Serialize(revision);
  if (!changes.ok() || changes->event.size() == 0) return changes;
  latest_.push_back({revision, *changes});
  if (latest_.size() > kRemembered) latest_.pop_front();
  return changes;
}

absl::StatusOr<NodeFeed::Changes> NodeFeed::Serialize(int64_t after) const {
  Changes changes;
  changes.revision = after;
  int64_t newest = after;
  const absl::StatusOr<std::vector<NodeChange>> found =
      state_->ChangesSince(&newest, kChangesAtOnce);
  if (!found.ok()) return found.status();
  std::string event;
  for (const NodeChange& change : *found) {
    // Cut where a revision ends: the next event goes on behind it.
    if (event.size() > NodeWatchStream::kCutAbove && change.revision != changes.revision) break;
    changes.revision = change.revision;
    if (change.record != nullptr) {
      NodeWatchStream::AppendNode(*change.record, &event);
    } else {
      NodeWatchStream::AppendTombstone(change.id, &event);
    }
  }
  if (!event.empty()) changes.event = ToSlice(std::move(event));
  return changes;
}

}  // namespace curatord
