#include "server/auth/authorizer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "google/protobuf/descriptor.h"
#include "grpc/grpc_security_constants.h"
#include "libclient/identity/verification.h"
#include "metropolis/authorization.pb.h"

namespace curatord {
namespace {

using curator::identity::Certificate;
using curator::identity::CertificateFault;
using curator::identity::Verification;
using metropolis::proto::ext::Authorization;
using metropolis::proto::ext::Permission;

// Methods of standard services, whose protocol files are not ours to put options in:
// the whole list of exceptions.
struct StandardMethod {
  absl::string_view full_name;
  bool allow_unauthenticated;
};
constexpr StandardMethod kStandardMethods[] = {
    // Health checkers have no certificate, and are told no more than CuratorLocal
    // tells everybody.
    {"grpc.health.v1.Health.Check", true},
    {"grpc.health.v1.Health.Watch", true},
    // The schema is for those who may call something: any node or user of the cluster.
    {"grpc.reflection.v1alpha.ServerReflection.ServerReflectionInfo", false},
};

// None: nobody may call it.
absl::optional<Authorization> NeededFor(absl::string_view full_method) {
  for (const StandardMethod& standard : kStandardMethods) {
    if (standard.full_name != full_method) continue;
    Authorization needed;
    needed.set_allow_unauthenticated(standard.allow_unauthenticated);
    return needed;
  }
  const google::protobuf::MethodDescriptor* method =
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
          std::string(full_method));
  if (method == nullptr || !method->options().HasExtension(metropolis::proto::ext::authorization)) {
    return absl::nullopt;
  }
  return method->options().GetExtension(metropolis::proto::ext::authorization);
}

bool Holds(const Caller& caller, Permission permission) {
  switch (caller.kind) {
    case Caller::Kind::kUser:
      return true;
    case Caller::Kind::kNode:
      return permission == metropolis::proto::ext::PERMISSION_READ_CLUSTER_STATUS ||
             permission == metropolis::proto::ext::PERMISSION_UPDATE_NODE_SELF;
    case Caller::Kind::kAnonymous:
    case Caller::Kind::kEphemeral:
      return false;
  }
  return false;
}

// In PEM; "" if none was sent.
std::string LeafOf(const grpc::ServerContextBase& context) {
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth == nullptr) return "";
  const std::vector<grpc::string_ref> found =
      auth->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  return found.empty() ? "" : std::string(found[0].data(), found[0].size());
}

}  // namespace

Caller Authorizer::Identify(absl::string_view leaf_pem) const {
  if (leaf_pem.empty()) return Caller();
  const absl::Time now = absl::Now();
  if (absl::optional<Caller> known = known_.Find(leaf_pem, now)) return *std::move(known);
  const absl::StatusOr<Certificate> leaf = Certificate::FromPem(leaf_pem);
  if (!leaf.ok()) return Caller();
  Caller caller = Verify(*leaf, now);
  if (caller.kind == Caller::Kind::kNode || caller.kind == Caller::Kind::kUser) {
    known_.Remember(leaf_pem, caller,
                    {std::max(leaf->not_before(), ca_.not_before()),
                     std::min(leaf->not_after(), ca_.not_after())});
  }
  return caller;
}

Caller Authorizer::Verify(const Certificate& leaf, absl::Time now) const {
  Caller caller;
  const Verification node = VerifyNodeCertificate(leaf, ca_, now);
  if (node.ok()) {
    caller.kind = Caller::Kind::kNode;
    caller.name = node.name;
  } else if (const Verification user = VerifyUserCertificate(leaf, ca_, now); user.ok()) {
    caller.kind = Caller::Kind::kUser;
    caller.name = user.name;
  } else if (VerifyEphemeralCertificate(leaf).ok()) {
    caller.kind = Caller::Kind::kEphemeral;
  } else {
    const bool node_out_of_time = node.fault == CertificateFault::kExpired;
    if (node_out_of_time || user.fault == CertificateFault::kExpired) {
      caller.invalid_now = node_out_of_time ? node.detail : user.detail;
    }
    return caller;
  }
  caller.public_key = leaf.public_key();
  if (caller.kind != Caller::Kind::kEphemeral) caller.certificate = leaf.der();
  return caller;
}

absl::StatusOr<Caller> Authorizer::AuthorizePem(absl::string_view leaf_pem,
                                                absl::string_view full_method) const {
  const absl::optional<Authorization> needed = NeededFor(full_method);
  if (!needed.has_value()) {
    return absl::InternalError(
        absl::StrCat("method ", full_method, " says nothing of who may call it: refused"));
  }
  Caller caller = Identify(leaf_pem);
  if (needed->allow_unauthenticated() && needed->need().empty()) return caller;
  if (caller.kind != Caller::Kind::kNode && caller.kind != Caller::Kind::kUser) {
    if (!caller.invalid_now.empty()) {
      return absl::UnauthenticatedError(
          absl::StrCat("the client certificate does not count: ", caller.invalid_now,
                       " by this curator's clock"));
    }
    return absl::UnauthenticatedError(
        leaf_pem.empty()
            ? "no client certificate was sent; a node's or a user's of this cluster is needed"
            : "the client certificate is not one of a node or a user of this cluster");
  }
  caller.must_be_member = true;
  for (int permission : needed->need()) {
    if (!Holds(caller, static_cast<Permission>(permission))) {
      return absl::PermissionDeniedError(
          absl::StrCat(caller.name, " lacks ",
                       metropolis::proto::ext::Permission_Name(static_cast<Permission>(permission)),
                       ", which ", full_method.substr(full_method.rfind('.') + 1), " needs"));
    }
  }
  return caller;
}

absl::StatusOr<Caller> Authorizer::Authorize(const grpc::ServerContextBase& context,
                                             absl::string_view full_method) const {
  return AuthorizePem(LeafOf(context), full_method);
}

absl::optional<Caller> Authorizer::Member(const grpc::ServerContextBase& context) const {
  Caller caller = Identify(LeafOf(context));
  if (caller.kind != Caller::Kind::kNode && caller.kind != Caller::Kind::kUser) {
    return absl::nullopt;
  }
  caller.must_be_member = true;
  return caller;
}

}  // namespace curatord
