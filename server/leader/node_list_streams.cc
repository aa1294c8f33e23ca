#include "server/leader/node_list_streams.h"

#include "curator/v1/nodes.pb.h"
#include "server/limits.h"
#include "server/wire_format.h"

namespace curatord {
namespace {

using curator::v1::ListNodesResponse;

// Tag and length of a node in a batch.
constexpr size_t kHeaderBytes = 6;
// Tag and value of the revision.
constexpr size_t kRevisionBytes = 11;

}  // namespace

NodeListing::Found NodeListStream::Find(absl::Status* status) {
  const absl::StatusOr<NodeListing::Found> found = listing_.Next();
  if (!found.ok()) {
    *status = found.status();
    return NodeListing::Found::kEnd;
  }
  if (*found == NodeListing::Found::kNotYet) {
    auto self = std::static_pointer_cast<NodeListStream>(shared_from_this());
    work_->Post([self] { self->Continue(); });
  }
  return *found;
}

GetNodesStream::Step GetNodesStream::Next(grpc::ByteBuffer* message, absl::Status* status) {
  switch (Find(status)) {
    case NodeListing::Found::kEnd:
      return Step::kEnd;
    case NodeListing::Found::kNotYet:
      return Step::kContinued;
    case NodeListing::Found::kNode:
      break;
  }
  const grpc::Slice slice(listing_.node().data(), listing_.node().size());
  *message = grpc::ByteBuffer(&slice, 1);
  return Step::kMessageOfMany;
}

ListBatchesStream::Step ListBatchesStream::Next(grpc::ByteBuffer* message, absl::Status* status) {
  // Grown by doubling, it would have up to twice its size, for as long as nobody reads.
  batch_.reserve(kPieceBytes);
  if (std::exchange(has_found_, false)) AppendFound();
  for (;;) {
    switch (Find(status)) {
      case NodeListing::Found::kEnd:
        if (!status->ok() || (batch_.empty() && has_sent_)) return Step::kEnd;
        return Cut(message);
      case NodeListing::Found::kNotYet:
        return Step::kContinued;
      case NodeListing::Found::kNode:
        break;
    }
    const size_t bytes = listing_.node().size() + kHeaderBytes;
    if (!batch_.empty() && batch_.size() + bytes + kRevisionBytes > kPieceBytes) {
      has_found_ = true;
      return Cut(message);
    }
    AppendFound();
  }
}

ListBatchesStream::Step ListBatchesStream::Cut(grpc::ByteBuffer* message) {
  AppendVarintField(ListNodesResponse::kRevisionFieldNumber, static_cast<uint64_t>(revision_),
                    &batch_);
  const grpc::Slice slice = ToSlice(std::exchange(batch_, std::string()));
  *message = grpc::ByteBuffer(&slice, 1);
  has_sent_ = true;
  return Step::kMessage;
}

void ListBatchesStream::AppendFound() {
  AppendField(ListNodesResponse::kNodesFieldNumber, listing_.node(), &batch_);
}

}  // namespace curatord
