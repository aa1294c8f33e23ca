#include "server/leader/member_streams.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "libclient/core/error_info.h"
#include "server/leader/admission.h"
#include "server/limits.h"
#include "server/log.h"
#include "server/rpc/rpc_error.h"

namespace curatord {
namespace {

namespace core = curator::core;

absl::Status TooManyStreams(const Caller& caller, size_t most) {
  return WithReason(
      absl::ResourceExhaustedError(absl::StrCat(
          caller.name, " has ", most, " streams open at this leader, as many as it may have")),
      core::kReasonTooManyStreams, {{core::kLimitKey, absl::StrCat(most)}});
}

}  // namespace

class MemberStreams::PlaceOf {
 public:
  PlaceOf(std::shared_ptr<MemberStreams> streams, Streams::iterator stream)
      : streams_(std::move(streams)),
        kind_(stream->caller.kind),
        name_(stream->caller.name),
        stream_(stream) {}
  ~PlaceOf() { streams_->Remove(kind_, name_, stream_); }
  PlaceOf(const PlaceOf&) = delete;
  PlaceOf& operator=(const PlaceOf&) = delete;

 private:
  const std::shared_ptr<MemberStreams> streams_;
  const Caller::Kind kind_;
  const std::string name_;
  const Streams::iterator stream_;
};

std::shared_ptr<MemberStreams> MemberStreams::Watch(ClusterState* state) {
  std::shared_ptr<MemberStreams> streams(new MemberStreams(state));
  {
    // Streams that are added look at what changed until then themselves.
    absl::MutexLock lock(&streams->mutex_);
    streams->revision_ = state->revision();
    streams->owner_revision_ = state->owner_revision();
  }
  state->Subscribe(streams, [raw = streams.get()] { raw->OnChange(); });
  return streams;
}

absl::StatusOr<MemberStreams::Place> MemberStreams::Add(
    const Caller& caller, std::weak_ptr<void> stream,
    std::function<void(const absl::Status&)> end) {
  const bool is_node = caller.kind == Caller::Kind::kNode;
  if (!is_node && caller.kind != Caller::Kind::kUser) return Place();
  const size_t most = is_node ? kMaxStreamsOfNode : kMaxStreamsOfOwner;
  const Stream added{caller, std::move(stream), std::move(end)};
  Place place;
  {
    absl::MutexLock lock(&mutex_);
    Streams& streams = Of(caller.kind)[caller.name];
    if (streams.size() >= most) return TooManyStreams(caller, most);
    streams.push_back(added);
    place = std::make_shared<PlaceOf>(shared_from_this(), std::prev(streams.end()));
  }
  // Revoked since the caller was admitted, and looked at before it was added.
  EndIfRevoked(added);
  return place;
}

void MemberStreams::Remove(Caller::Kind kind, const std::string& name, Streams::iterator stream) {
  absl::MutexLock lock(&mutex_);
  const auto of_caller = Of(kind).find(name);
  of_caller->second.erase(stream);
  if (of_caller->second.empty()) Of(kind).erase(of_caller);
}

void MemberStreams::OnChange() {
  std::vector<Stream> suspects;
  bool owner_changed;
  const auto suspect = [&suspects](const Streams& streams) {
    suspects.insert(suspects.end(), streams.begin(), streams.end());
  };
  {
    absl::MutexLock lock(&mutex_);
    owner_changed = owner_revision_ != state_->owner_revision();
    owner_revision_ = state_->owner_revision();
    if (owner_changed) {
      for (const auto& [name, of_user] : users_) suspect(of_user);
    }
    absl::StatusOr<std::vector<NodeChange>> changes = state_->ChangesSince(&revision_);
    if (changes.ok()) {
      for (const NodeChange& change : *changes) {
        if (const auto of_node = nodes_.find(change.id); of_node != nodes_.end()) {
          suspect(of_node->second);
        }
      }
    } else {
      // Deletions since then are forgotten: any stream may be concerned.
      revision_ = state_->revision();
      for (const auto& [id, of_node] : nodes_) suspect(of_node);
    }
  }
  int ended = 0;
  for (const Stream& stream : suspects) ended += EndIfRevoked(stream) ? 1 : 0;
  if (owner_changed) {
    LogInfo("who owns the cluster has changed", {{"streams_ended", absl::StrCat(ended)}});
  }
}

bool MemberStreams::EndIfRevoked(const Stream& stream) const {
  const std::shared_ptr<void> alive = stream.stream.lock();
  if (alive == nullptr) return false;
  const absl::Status revoked = CheckNotRevoked(stream.caller, *state_);
  if (!revoked.ok()) stream.end(revoked);
  return !revoked.ok();
}

}  // namespace curatord
