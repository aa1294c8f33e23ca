// A cluster as it rests in a store, and the keys of everybody in it.
#ifndef TESTS_SUPPORT_TEST_CLUSTER_H_
#define TESTS_SUPPORT_TEST_CLUSTER_H_

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "curator/credentials.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/key.h"
#include "metropolis/common.pb.h"
#include "metropolis/storage.pb.h"
#include "server/pki/cluster_pki.h"
#include "server/store/store.h"

namespace curatord::testing_support {

// A node and its secrets; `record` is what the store holds of it.
struct TestNode {
  curator::identity::PrivateKey key = curator::identity::PrivateKey::Generate();
  curator::identity::PrivateKey join_key = curator::identity::PrivateKey::Generate();
  curator::storage::Node record;

  explicit TestNode(
      metropolis::proto::common::NodeState state = metropolis::proto::common::NODE_STATE_UP);
  const std::string& id() const { return record.id(); }
  std::string public_key() const { return key.public_key(); }
};

// CA, owner and configuration (no TPM demanded, any storage).
struct TestCluster {
  ClusterPki pki;
  curator::identity::PrivateKey owner_key = curator::identity::PrivateKey::Generate();
  std::string ticket;  // serialized, 34 bytes
  metropolis::proto::common::ClusterConfiguration configuration;

  curator::identity::Certificate owner_certificate;  // of owner_key, as it is stored

  TestCluster();
  std::vector<Operation> Contents() const;
  // With its certificate, if it is UP.
  std::vector<Operation> ContentsOf(const TestNode& node) const;
  // Commits both.
  void WriteTo(Store* store, const std::vector<const TestNode*>& nodes = {}) const;

  curator::ClusterCa ca() const;
  // The same certificate each time.
  curator::Identity NodeIdentity(const TestNode& node) const;
  curator::Identity OwnerIdentity() const;
  static curator::Identity Ephemeral(const curator::identity::PrivateKey& key);

 private:
  curator::identity::Certificate CertificateOf(const TestNode& node) const;

  mutable absl::Mutex mutex_;
  // By node id.
  mutable std::map<std::string, curator::identity::Certificate> issued_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace curatord::testing_support

#endif  // TESTS_SUPPORT_TEST_CLUSTER_H_
