#include "server/leader/node_feed.h"

#include <algorithm>
#include <string>
#include <utility>

#include "metropolis/curator.pb.h"
#include "server/leader/node_watch_stream.h"
#include "server/limits.h"
#include "server/rpc/raw_message.h"

namespace curatord {
namespace {

// A piece has room for some 200 nodes without labels.
constexpr size_t kChangesAtOnce = 512;
constexpr size_t kRemembered = 4;

}  // namespace

std::shared_ptr<NodeFeed> NodeFeed::Of(ClusterState* state) {
  std::shared_ptr<NodeFeed> feed(new NodeFeed(state));
  state->Subscribe(feed, [raw = feed.get()] { raw->OnNodesChanged(); });
  return feed;
}

void NodeFeed::Add(std::weak_ptr<NodeWatchStream> stream, const std::string& id) {
  const auto sweep = [](Streams* streams) {
    streams->erase(std::remove_if(streams->begin(), streams->end(),
                                  [](const auto& each) { return each.expired(); }),
                   streams->end());
    return streams->empty();
  };
  absl::MutexLock lock(&mutex_);
  if (id.empty()) {
    if (of_all_.size() >= sweep_all_at_) {
      sweep(&of_all_);
      sweep_all_at_ = std::max(kLeastToSweep, 2 * of_all_.size());
    }
    of_all_.push_back(std::move(stream));
    return;
  }
  if (of_one_.size() >= sweep_one_at_) {
    absl::erase_if(of_one_, [&sweep](auto& entry) { return sweep(&entry.second); });
    sweep_one_at_ = std::max(kLeastToSweep, 2 * of_one_.size());
  }
  // Whoever is added looks at its node first.
  if (of_one_.empty()) woken_at_ = state_->revision();
  Streams& streams = of_one_[id];
  sweep(&streams);
  streams.push_back(std::move(stream));
}

void NodeFeed::OnNodesChanged() {
  {
    absl::MutexLock lock(&mutex_);
    if (wakes_ || (of_all_.empty() && of_one_.empty())) return;
    wakes_ = true;
  }
  thread_.Post([this] { WakeStreams(); });
}

void NodeFeed::WakeStreams() {
  Streams streams;
  {
    absl::MutexLock lock(&mutex_);
    // What changes from here on needs another round.
    wakes_ = false;
    streams = Concerned();
  }
  for (const auto& weak : streams) {
    if (std::shared_ptr<NodeWatchStream> stream = weak.lock()) stream->Wake();
  }
}

NodeFeed::Streams NodeFeed::Concerned() {
  Streams streams = of_all_;
  if (of_one_.empty()) return streams;
  const auto add = [&streams](const Streams& more) {
    streams.insert(streams.end(), more.begin(), more.end());
  };
  const absl::StatusOr<std::vector<NodeChange>> changes = state_->ChangesSince(&woken_at_);
  if (!changes.ok()) {
    // Deletions since then are forgotten: it may be any.
    woken_at_ = state_->revision();
    for (const auto& [id, of_node] : of_one_) add(of_node);
    return streams;
  }
  for (const NodeChange& change : *changes) {
    if (auto it = of_one_.find(change.id); it != of_one_.end()) add(it->second);
  }
  return streams;
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
  int64_t newest = after;
  const absl::StatusOr<std::vector<NodeChange>> found =
      state_->ChangesSince(&newest, kChangesAtOnce);
  if (!found.ok()) return found.status();
  Changes changes;
  std::string event;
  // What the event has of the revisions before the one that is being added.
  changes.revision = after;
  size_t whole_bytes = 0;
  int64_t adding = after;
  bool cut = false;
  for (const NodeChange& change : *found) {
    if (change.revision != adding) {
      whole_bytes = event.size();
      changes.revision = std::exchange(adding, change.revision);
    }
    if (change.record != nullptr) {
      NodeWatchStream::AppendNode(*change.record, &event);
    } else {
      NodeWatchStream::AppendTombstone(change.id, &event);
    }
    cut = whole_bytes > 0 && event.size() > kPieceBytes;
    if (cut) break;
  }
  if (cut) {
    event.resize(whole_bytes);  // the next event goes on behind it
  } else {
    changes.revision = adding;
  }
  if (!event.empty()) changes.event = ToSlice(std::move(event));
  return changes;
}

}  // namespace curatord
