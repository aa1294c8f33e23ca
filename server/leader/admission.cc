#include "server/leader/admission.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "libclient/core/error_info.h"
#include "server/nodes/decision.h"
#include "server/pki/cluster_owner.h"
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

absl::Status RevokedOfUser(absl::string_view why) {
  return WithReason(
      absl::UnauthenticatedError(absl::StrCat("the user's certificate is refused: ", why)),
      core::kReasonCertificateRevoked);
}

absl::Status CheckUser(const Caller& caller, const ClusterState& state) {
  if (caller.name != kOwnerName) {
    return RevokedOfUser(
        absl::StrCat("this cluster has no user ", Quoted(caller.name), ", its owner alone"));
  }
  if (OwnerKeyIn(state.Find(keys::kInitialOwner)) !=
      absl::optional<std::string>(caller.public_key)) {
    return RevokedOfUser("it is of another key than the cluster's owner has now");
  }
  if (state.Find(keys::kOwnerCertificate) != absl::optional<std::string>(caller.certificate)) {
    return RevokedOfUser("it is not the one that is stored for the cluster's owner");
  }
  return absl::OkStatus();
}

absl::Status CheckNode(const Caller& caller, const ClusterState& state) {
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

}  // namespace

absl::Status CheckNotRevoked(const Caller& caller, const ClusterState& state) {
  if (!caller.must_be_member) return absl::OkStatus();
  switch (caller.kind) {
    case Caller::Kind::kNode:
      return CheckNode(caller, state);
    case Caller::Kind::kUser:
      return CheckUser(caller, state);
    case Caller::Kind::kAnonymous:
    case Caller::Kind::kEphemeral:
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

// The key of a new owner is older than any certificate of it: who knows the one certainly
// has a state in which the other may be missing, and must not judge by that.
absl::Status CheckNotReplaced(const Caller& caller, const ClusterState& state) {
  if (caller.kind != Caller::Kind::kUser || !caller.must_be_member) return absl::OkStatus();
  const absl::optional<std::string> owner_key = OwnerKeyIn(state.Find(keys::kInitialOwner));
  if (!owner_key.has_value() || *owner_key == caller.public_key) return absl::OkStatus();
  return CheckUser(caller, state);
}

void ConfirmRevoked(Leadership* leadership, const Caller& caller, absl::string_view full_method,
                    std::function<void(const absl::Status&)> refuse) {
  // A node that was deleted is told so there; nobody else was ever one.
  const bool not_found = caller.kind == Caller::Kind::kNode && full_method == kUpdateNodeStatus;
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
        refuse(revoked.ok()
                   ? absl::UnavailableError("the certificate has become valid just now: call again")
                   : revoked);
      },
      Leadership::Asker::kStranger);
}

}  // namespace curatord
