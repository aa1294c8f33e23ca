#include "tests/cluster/test_curator.h"

#include "absl/time/clock.h"

namespace curatord::testing_support {

TestCurator::TestCurator(const TestCluster* cluster, const TestNode* node, Store* store,
                         const TestCuratorOptions& options)
    : cluster_(cluster),
      node_(node),
      state_(store),
      authorizer_(cluster->pki.ca),
      metrics_(options.lease_ttl),
      election_(store, {node->id(), options.lease_ttl}),
      listener_(store, &state_, &authorizer_, &supervisor_, &election_,
                {node->id(), cluster->NodeIdentity(*node), address(), host_, 7835, nullptr,
                 &metrics_, Limits()}),
      self_check_(&election_, [this] { listener_.Rebuild(); },
                  {node->id(), cluster->ca(), cluster->NodeIdentity(*node),
                   options.looks_for_itself_at.empty() ? address() : options.looks_for_itself_at,
                   options.lease_ttl}) {
  metrics_.Observe(&election_, &state_, &supervisor_);
  if (!options.fast_takeover) return;
  takeover_.emplace(store, &state_, &election_.role(),
                    TakeoverOptions{node->id(), cluster->ca(), cluster->NodeIdentity(*node),
                                    options.lease_ttl, &metrics_});
}

void TestCurator::Start() {
  supervisor_.Start(
      "cluster-state", [this] { return state_.Run(); }, [this] { state_.Stop(); });
  supervisor_.Start(
      "listener", [this] { return listener_.Run(); }, [this] { listener_.Stop(); });
  supervisor_.Start(
      "self-check", [this] { return self_check_.Run(); }, [this] { self_check_.Stop(); },
      [this] { return self_check_.health(); });
  supervisor_.Start(
      "election", [this] { return election_.Run(); }, [this] { election_.Stop(); });
  if (!takeover_.has_value()) return;
  supervisor_.Start(
      "takeover", [this] { return takeover_->Run(); }, [this] { takeover_->Stop(); });
}

Role TestCurator::WaitFor(Role::Kind kind, int64_t not_term) {
  const absl::Time deadline = absl::Now() + kEventually;
  auto seen = election_.role().Get();
  while (seen.value.kind != kind || seen.value.term == not_term) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) {
      ADD_FAILURE() << node_->id() << " did not become what it should";
      break;
    }
    seen = election_.role().WaitForChange(seen.version, left);
  }
  return seen.value;
}

Role TestCurator::WaitToServe(Role::Kind kind, int64_t not_term) {
  const absl::Time deadline = absl::Now() + kEventually;
  for (;;) {
    const Role role = WaitFor(kind, not_term);
    const Client client = ConnectAsOwner();
    Context context;
    curator::v1::GetServerStatusResponse response;
    const grpc::Status status = client.status->Get(&context, {}, &response);
    if (status.ok() && response.term() == role.term &&
        (response.role() == curator::v1::ROLE_LEADER) == (kind == Role::Kind::kLeader)) {
      return role;
    }
    if (absl::Now() > deadline) {
      ADD_FAILURE() << address() << " does not serve: " << status.error_message();
      return role;
    }
  }
}

}  // namespace curatord::testing_support
