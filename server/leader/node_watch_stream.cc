#include "server/leader/node_watch_stream.h"

#include <memory>
#include <utility>
#include <vector>

#include "metropolis/curator.pb.h"
#include "server/limits.h"
#include "server/rpc/raw_message.h"
#include "server/wire_format.h"

namespace curatord {
namespace {

using Event = metropolis::node::core::curator::proto::api::WatchEvent;

// Asked for under the state's lock. A piece has room for some 200 nodes without labels.
constexpr size_t kBacklogAtOnce = 256;

void Set(std::string bytes, grpc::ByteBuffer* event) {
  const grpc::Slice slice = ToSlice(std::move(bytes));
  *event = grpc::ByteBuffer(&slice, 1);
}

}  // namespace

void NodeWatchStream::AppendNode(const NodeRecord& record, std::string* event) {
  std::string node;
  AppendWatchNode(record, &node);
  AppendField(Event::kNodesFieldNumber, node, event);
}

void NodeWatchStream::AppendTombstone(absl::string_view node_id, std::string* event) {
  std::string tombstone;
  AppendField(Event::NodeTombstone::kNodeIdFieldNumber, node_id, &tombstone);
  AppendField(Event::kNodeTombstonesFieldNumber, tombstone, event);
}

void NodeWatchStream::Start(std::string node_id) {
  node_id_ = std::move(node_id);
  auto self = std::static_pointer_cast<NodeWatchStream>(shared_from_this());
  leader_.leadership->Confirm([self](const absl::Status& confirmed) {
    if (!confirmed.ok()) {
      self->End(confirmed);
      return;
    }
    // Others wait for the thread that confirms.
    self->leader_.work->Post([self] {
      if (self->node_id_.empty()) self->revision_ = self->state_->revision();
      self->leader_.feed->Add(self, self->node_id_);
      self->Wake();
    });
  });
}

NodeWatchStream::Step NodeWatchStream::Next(grpc::ByteBuffer* event, absl::Status* status) {
  if (!node_id_.empty()) return NextOfOne(event);
  if (!backlog_done_) return NextOfBacklog(event);
  const absl::StatusOr<NodeFeed::Changes> changes = leader_.feed->After(revision_);
  if (!changes.ok()) {
    *status = absl::UnavailableError("this watch fell too far behind: watch again");
    return Step::kEnd;
  }
  revision_ = changes->revision;
  if (changes->event.size() == 0) return Step::kNothingYet;
  *event = grpc::ByteBuffer(&changes->event, 1);
  return Step::kMessage;
}

NodeWatchStream::Step NodeWatchStream::NextOfOne(grpc::ByteBuffer* event) {
  const NodeRecordPtr record = state_->FindNode(node_id_);
  const int64_t revision = record != nullptr ? record->mod_revision : 0;
  if (std::exchange(revision_, revision) == revision) return Step::kNothingYet;
  std::string bytes;
  if (record != nullptr) {
    AppendNode(*record, &bytes);
  } else {
    AppendTombstone(node_id_, &bytes);
  }
  Set(std::move(bytes), event);
  return Step::kMessage;
}

NodeWatchStream::Step NodeWatchStream::NextOfBacklog(grpc::ByteBuffer* event) {
  std::string bytes;
  bytes.reserve(kPieceBytes);  // and not up to twice as much
  bool is_full = false;
  while (!backlog_done_ && !is_full) {
    const std::vector<NodeRecordPtr> nodes = state_->NodesAfter(last_id_, kBacklogAtOnce);
    for (const NodeRecordPtr& record : nodes) {
      const size_t before = bytes.size();
      AppendNode(*record, &bytes);
      is_full = before > 0 && bytes.size() > kPieceBytes;
      if (is_full) {
        bytes.resize(before);  // the first of the next piece
        break;
      }
      last_id_ = record->id;
    }
    backlog_done_ = !is_full && nodes.size() < kBacklogAtOnce;
  }
  if (backlog_done_) {
    AppendVarintField(Event::kProgressFieldNumber, Event::PROGRESS_LAST_BACKLOGGED, &bytes);
  }
  Set(std::move(bytes), event);
  return Step::kMessage;
}

}  // namespace curatord
