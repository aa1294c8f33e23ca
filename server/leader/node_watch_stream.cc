#include "server/leader/node_watch_stream.h"

#include <memory>
#include <utility>

namespace curatord {
namespace {

// An event is cut once it is larger, so that it stays below gRPC's 4 MiB.
constexpr size_t kCutAbove = 2 << 20;

}  // namespace

void NodeWatchStream::Start(Leadership* leadership) {
  auto self = std::static_pointer_cast<NodeWatchStream>(shared_from_this());
  leadership->Confirm([self](const absl::Status& confirmed) {
    if (!confirmed.ok()) {
      self->End(confirmed);
      return;
    }
    NodeWatchStream* stream = self.get();
    stream->state_->Subscribe(self, [stream] { stream->Wake(); });
    self->Wake();
  });
}

absl::Status NodeWatchStream::FetchChanges() {
  absl::StatusOr<std::vector<NodeChange>> changes = state_->ChangesSince(&revision_);
  if (!changes.ok()) {
    return absl::UnavailableError("this watch fell too far behind: watch again");
  }
  for (NodeChange& change : *changes) {
    if (node_id_.empty() || change.id == node_id_) pending_.push_back(std::move(change));
  }
  return absl::OkStatus();
}

WriteStream<NodeWatchStream::Event>::Step NodeWatchStream::Next(Event* event,
                                                                absl::Status* status) {
  if (pending_.empty() && (!fetched_ || backlog_done_ || !node_id_.empty())) {
    if (*status = FetchChanges(); !status->ok()) return Step::kEnd;
    fetched_ = true;
  }
  size_t bytes = 0;
  while (!pending_.empty() && bytes <= kCutAbove) {
    NodeChange change = std::move(pending_.front());
    pending_.pop_front();
    if (change.record != nullptr) {
      *event->add_nodes() = ToWatchNode(*change.record);
      bytes += event->nodes(event->nodes_size() - 1).ByteSizeLong();
    } else {
      event->add_node_tombstones()->set_node_id(change.id);
      bytes += change.id.size();
    }
  }
  if (node_id_.empty() && !backlog_done_ && pending_.empty()) {
    event->set_progress(Event::PROGRESS_LAST_BACKLOGGED);
    backlog_done_ = true;
    return Step::kMessage;
  }
  return bytes > 0 ? Step::kMessage : Step::kNothingYet;
}

}  // namespace curatord
