#include "server/leader/admission.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "libclient/core/error_info.h"
#include "server/nodes/decision.h"
#include "server/rpc/rpc_error.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

namespace core = curator::core;
namespace common = metropolis::proto::common;

constexpr char kUpdateNodeStatus[] =
    "metropolis.node.core.curator.proto.api.Curator.UpdateNodeStatus";

absl::Status Revoked(absl::string_view why, absl::string_view own_node = "") {
  return WithReason(
      absl::UnauthenticatedError(absl::StrCat("the node's certificate is refused: ", why)),
      core::kReasonCertificateRevoked, {{core::kOwnNodeKey, std::string(own_node)}});
}

}  // namespace

absl::Status CheckNotRevoked(const Caller& caller, const ClusterState& state) {
  if (caller.kind != Caller::Kind::kNode || !caller.must_be_member) return absl::OkStatus();
  const NodeRecordPtr record = state.FindNode(caller.name);
  if (record == nullptr) {
    return Revoked(absl::StrCat("node ", caller.name, " was deleted from the cluster"),
                   core::kOwnNodeDeleted);
  }
  if (record->state != common::NODE_STATE_UP) {
    return Revoked(
        absl::StrCat("node ", caller.name, " is not UP, its state is ", NameOf(record->state)),
        record->state == common::NODE_STATE_DECOMMISSIONED ? core::kOwnNodeDecommissioned : "");
  }
  if (state.Find(keys::NodeCertificate(caller.name)) !=
      absl::optional<std::string>(caller.certificate)) {
    return Revoked(absl::StrCat("it is not the one that node ", caller.name, " has now"));
  }
  return absl::OkStatus();
}

void ConfirmRevoked(Leadership* leadership, const Caller& caller, absl::string_view full_method,
                    std::function<void(const absl::Status&)> refuse) {
  const bool not_found = full_method == kUpdateNodeStatus;
  leadership->Confirm(
      [caller, not_found, refuse = std::move(refuse),
       state = &leadership->state()](const absl::Status& confirmed) {
        if (!confirmed.ok()) {
          refuse(confirmed);
          return;
        }
        if (not_found && state->FindNode(caller.name) == nullptr) {
          refuse(NoSuchNode(caller.name));
          return;
        }
        const absl::Status revoked = CheckNotRevoked(caller, *state);
        refuse(revoked.ok() ? absl::UnavailableError(
                                  "the node's certificate has become valid just now: call again")
                            : revoked);
      },
      Leadership::Asker::kStranger);
}

std::shared_ptr<NodeStreams> NodeStreams::Watch(ClusterState* state) {
  std::shared_ptr<NodeStreams> streams(new NodeStreams(state));
  {
    // Streams that are added look at what changed until then themselves.
    absl::MutexLock lock(&streams->mutex_);
    streams->revision_ = state->revision();
  }
  state->Subscribe(streams, [raw = streams.get()] { raw->OnNodesChanged(); });
  return streams;
}

void NodeStreams::Add(const Caller& caller, std::weak_ptr<void> stream,
                      std::function<void(const absl::Status&)> end) {
  if (caller.kind != Caller::Kind::kNode) return;
  const Stream added{caller, std::move(stream), std::move(end)};
  {
    absl::MutexLock lock(&mutex_);
    std::vector<Stream>& of_node = streams_[caller.name];
    of_node.erase(std::remove_if(of_node.begin(), of_node.end(),
                                 [](const Stream& s) { return s.stream.expired(); }),
                  of_node.end());
    of_node.push_back(added);
  }
  // Revoked since the caller was admitted, and looked at before it was added.
  EndIfRevoked(added);
}

void NodeStreams::OnNodesChanged() {
  std::vector<Stream> suspects;
  {
    absl::MutexLock lock(&mutex_);
    absl::StatusOr<std::vector<NodeChange>> changes = state_->ChangesSince(&revision_);
    if (changes.ok()) {
      for (const NodeChange& change : *changes) {
        auto of_node = streams_.find(change.id);
        if (of_node == streams_.end()) continue;
        suspects.insert(suspects.end(), of_node->second.begin(), of_node->second.end());
        if (change.record == nullptr) streams_.erase(of_node);
      }
    } else {
      // Deletions since then are forgotten: any stream may be concerned.
      revision_ = state_->revision();
      for (const auto& [id, of_node] : streams_) {
        suspects.insert(suspects.end(), of_node.begin(), of_node.end());
      }
    }
  }
  for (const Stream& suspect : suspects) EndIfRevoked(suspect);
}

void NodeStreams::EndIfRevoked(const Stream& stream) const {
  const std::shared_ptr<void> alive = stream.stream.lock();
  if (alive == nullptr) return;
  if (absl::Status revoked = CheckNotRevoked(stream.caller, *state_); !revoked.ok()) {
    stream.end(revoked);
  }
}

}  // namespace curatord
