#include "tests/bench/seed.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libclient/core/instant.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/node_id.h"
#include "libclient/net/monotonic.h"
#include "metropolis/storage.pb.h"
#include "server/nodes/node_record.h"
#include "server/pki/cluster_pki.h"
#include "server/store/keys.h"
#include "server/store/store.h"
#include "tests/bench/access.h"
#include "tests/bench/report.h"

namespace curator::bench {
namespace {

using curatord::Operation;

constexpr int kThreads = 4;
constexpr absl::Duration kCommitTimeout = absl::Seconds(60);

absl::Time CommitDeadline() { return absl::Now() + kCommitTimeout; }

curatord::ClusterPki PkiIn(curatord::Store* store) {
  const auto find = [store](absl::string_view key) -> absl::optional<std::string> {
    auto range = Must(store->Range(key, CommitDeadline()), "the store");
    if (range.kvs.empty()) return absl::nullopt;
    return std::move(range.kvs.front().value);
  };
  return Must(curatord::LoadClusterPki(find), "the CA in the store");
}

class Seeder {
 public:
  // The first `known` nodes are those of `actors`.
  Seeder(curatord::Store* store, const curatord::ClusterPki* pki, std::vector<Actor>* actors,
         int known)
      : store_(store),
        pki_(pki),
        actors_(actors),
        known_(known),
        a_certificate_(
            identity::IssueNodeCertificate(pki->ca, pki->ca_key, std::string(32, 'x')).der()) {}

  void Run(int nodes) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([this, nodes] {
        constexpr int kBatch = curatord::kMaxOperations / 3;
        for (int first; (first = next_.fetch_add(kBatch)) < nodes;) {
          std::vector<Operation> operations;
          for (int i = first; i < std::min(first + kBatch, nodes); ++i) AddNode(i, &operations);
          const auto committed =
              Must(store_->Commit({}, operations, CommitDeadline()), "the store");
          if (!committed.succeeded) Fail("the store refused a batch");
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

 private:
  void AddNode(int number, std::vector<Operation>* operations) {
    std::string public_key;
    std::string join_key;
    Actor* actor = nullptr;
    if (number < known_) {
      actor = &(*actors_)[static_cast<size_t>(number)];
      public_key = actor->key.public_key();
      join_key = actor->join_key.public_key();
    } else {
      // Nobody will ever sign with them.
      public_key = identity::RandomBytes(identity::kPublicKeySize);
      join_key = identity::RandomBytes(identity::kPublicKeySize);
    }
    const std::string id = identity::NodeIdFromPublicKey(public_key);
    // To sign takes most of the time: nodes that never show their certificate have one
    // of the right size.
    std::string certificate = a_certificate_;
    if (actor != nullptr) {
      certificate = identity::IssueNodeCertificate(pki_->ca, pki_->ca_key, public_key).der();
      actor->certificate_der = certificate;
    }
    namespace keys = curatord::keys;
    operations->push_back(
        Operation::Put(keys::Node(id), OrdinaryNode(public_key, join_key, number)));
    operations->push_back(Operation::Put(keys::JoinKey(join_key), id));
    operations->push_back(Operation::Put(keys::NodeCertificate(id), certificate));
  }

  curatord::Store* const store_;
  const curatord::ClusterPki* const pki_;
  std::vector<Actor>* const actors_;  // each touched by one thread
  const int known_;
  const std::string a_certificate_;
  std::atomic<int> next_{0};
};

}  // namespace

std::string OrdinaryNode(const std::string& public_key, const std::string& join_key, int number) {
  curator::storage::Node node;
  node.set_id(identity::NodeIdFromPublicKey(public_key));
  node.set_public_key(public_key);
  node.set_join_key(join_key);
  node.set_cluster_unlock_key(identity::RandomBytes(32));
  node.set_fsm_state(metropolis::proto::common::NODE_STATE_UP);
  node.set_tpm_usage(metropolis::proto::common::NODE_TPM_USAGE_NOT_PRESENT);
  node.mutable_roles()->mutable_kubernetes_worker();
  auto* status = node.mutable_status();
  status->set_external_address(
      absl::StrCat("10.", number >> 16 & 255, ".", number >> 8 & 255, ".", number & 255));
  status->set_boot_id(identity::RandomBytes(16));
  status->mutable_timestamp()->set_seconds(absl::ToUnixSeconds(absl::Now()));
  status->mutable_version()->mutable_release()->set_minor(1);
  for (const auto& [key, value] :
       {std::pair("topology.kubernetes.io/zone", absl::StrCat("zone-", number % 3)),
        std::pair("rack", absl::StrCat("r", number / 40))}) {
    auto* pair = node.mutable_labels()->add_pairs();
    pair->set_key(key);
    pair->set_value(value);
  }
  return curatord::SerializeNode(std::move(node));
}

void Seed(const SeedOptions& options) {
  const core::Instant began = net::Now();
  const std::unique_ptr<curatord::Store> store =
      Must(curatord::OpenStore(options.store_url, /*create=*/false), options.store_url);
  const curatord::ClusterPki pki = PkiIn(store.get());
  std::vector<Actor> actors;
  const int known = std::min(options.actors, options.nodes);
  for (int i = 0; i < known + options.strangers; ++i) {
    actors.push_back({identity::PrivateKey::Generate(), identity::PrivateKey::Generate(), ""});
  }
  Seeder(store.get(), &pki, &actors, known).Run(options.nodes);
  WriteActors(options.actors_file, actors);
  Report("seed")
      .Add("nodes", options.nodes)
      .Add("seconds", absl::ToDoubleSeconds(core::Elapsed(began, net::Now())))
      .Print();
}

}  // namespace curator::bench
