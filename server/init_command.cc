#include <cstdio>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libclient/client/node_files.h"
#include "libclient/identity/certificate.h"
#include "libclient/identity/key.h"
#include "libclient/identity/node_id.h"
#include "metropolis/common.pb.h"
#include "metropolis/storage.pb.h"
#include "server/cluster_store.h"
#include "server/commands.h"
#include "server/data_dir.h"
#include "server/explained.h"
#include "server/nodes/configuration.h"
#include "server/nodes/node_record.h"
#include "server/owner_key_file.h"
#include "server/pki/cluster_owner.h"
#include "server/pki/cluster_pki.h"
#include "server/store/keys.h"
#include "server/store/store.h"

namespace curatord {
namespace {

using curator::StoredNode;
using curator::identity::PrivateKey;
using metropolis::proto::common::ClusterConfiguration;

constexpr absl::Duration kInitTimeout = absl::Seconds(10);
constexpr char kCaName[] = "Metropolis Cluster CA";  // as existing servers name theirs

template <typename Enum>
absl::Status SetByName(absl::string_view flag, const absl::optional<std::string>& name,
                       const std::map<std::string, Enum>& known, Enum* value) {
  if (!name.has_value()) return absl::OkStatus();
  if (auto it = known.find(*name); it != known.end()) {
    *value = it->second;
    return absl::OkStatus();
  }
  std::string names;
  for (const auto& [known_name, unused] : known) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", known_name);
  }
  return Explained(absl::InvalidArgumentError(absl::StrCat(flag, " does not know \"", *name, "\"")),
                   "the name is not one of the modes", absl::StrCat("give one of: ", names));
}

absl::StatusOr<ClusterConfiguration> ConfigurationFor(const InitOptions& options) {
  ClusterConfiguration configuration = DefaultClusterConfiguration();
  if (options.domain.has_value()) configuration.set_cluster_domain(*options.domain);
  ClusterConfiguration::TPMMode tpm_mode = configuration.tpm_mode();
  absl::Status status = SetByName<ClusterConfiguration::TPMMode>(
      "--tpm-mode", options.tpm_mode,
      {{"required", ClusterConfiguration::TPM_MODE_REQUIRED},
       {"best-effort", ClusterConfiguration::TPM_MODE_BEST_EFFORT},
       {"disabled", ClusterConfiguration::TPM_MODE_DISABLED}},
      &tpm_mode);
  if (!status.ok()) return status;
  configuration.set_tpm_mode(tpm_mode);
  ClusterConfiguration::StorageSecurityPolicy policy = configuration.storage_security_policy();
  status = SetByName<ClusterConfiguration::StorageSecurityPolicy>(
      "--storage-security", options.storage_security,
      {{"permissive", ClusterConfiguration::STORAGE_SECURITY_POLICY_PERMISSIVE},
       {"needs-encryption", ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION},
       {"needs-encryption-and-authentication",
        ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_ENCRYPTION_AND_AUTHENTICATION},
       {"needs-insecure", ClusterConfiguration::STORAGE_SECURITY_POLICY_NEEDS_INSECURE}},
      &policy);
  if (!status.ok()) return status;
  configuration.set_storage_security_policy(policy);
  return configuration;
}

// Everything a new cluster consists of, as one transaction's operations.
std::vector<Operation> NewCluster(const ClusterPki& pki, const StoredNode& stored,
                                  const std::string& owner_key,
                                  const ClusterConfiguration& configuration) {
  const std::string public_key = stored.node_key->public_key();
  const std::string join_key = stored.join_key->public_key();
  curator::storage::Node node;
  node.set_id(curator::identity::NodeIdFromPublicKey(public_key));
  node.set_public_key(public_key);
  node.set_join_key(join_key);
  node.set_cluster_unlock_key(*stored.unlock_key);
  node.set_fsm_state(metropolis::proto::common::NODE_STATE_UP);
  node.set_tpm_usage(metropolis::proto::common::NODE_TPM_USAGE_NOT_PRESENT);
  return {
      Operation::Put(std::string(keys::kCaPrivateKey), pki.ca_key.ToRaw()),
      Operation::Put(std::string(keys::kCaCertificate), pki.ca.der()),
      Operation::Put(std::string(keys::kCaRevocationList), IssueEmptyRevocationList(pki)),
      Operation::Put(keys::NodeCertificate(node.id()),
                     IssueNodeCertificate(pki.ca, pki.ca_key, public_key).der()),
      Operation::Put(keys::Node(node.id()), SerializeNode(node)),
      Operation::Put(keys::JoinKey(join_key), node.id()),
      Operation::Put(std::string(keys::kInitialOwner), OwnerRecordOf(owner_key)),
      Operation::Put(std::string(keys::kClusterConfiguration), configuration.SerializeAsString()),
  };
}

absl::StatusOr<absl::optional<std::string>> Read(Store* store, absl::string_view key) {
  absl::StatusOr<RangeResult> range = store->Range(key, absl::Now() + kInitTimeout);
  if (!range.ok()) return range.status();
  for (KeyValue& kv : range->kvs) {
    if (kv.key == key) return std::move(kv.value);
  }
  return absl::nullopt;
}

// The node's certificate is the last file to be written: where it is, the set-up
// is complete. The CA in the store is the first thing a cluster has.
absl::Status WriteNodeFiles(Store* store, const std::string& data_dir, StoredNode* stored,
                            std::string* ca_sha256) {
  const std::string node_id =
      curator::identity::NodeIdFromPublicKey(stored->node_key->public_key());
  absl::StatusOr<absl::optional<std::string>> certificate =
      Read(store, keys::NodeCertificate(node_id));
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<absl::optional<std::string>> ca_der = Read(store, keys::kCaCertificate);
  if (!ca_der.ok()) return ca_der.status();
  if (!certificate->has_value() || !ca_der->has_value()) {
    return Explained(
        absl::AlreadyExistsError(absl::StrCat("store ", store->name(), " holds a cluster already")),
        "another node was set up in it", "use `curatord join` to add a node, or another --store");
  }
  absl::StatusOr<curator::ClusterCa> ca = curator::ClusterCa::FromDer(**ca_der);
  if (!ca.ok()) return ca.status();
  *ca_sha256 = ca->sha256();
  if (absl::Status status = curator::StoreCa(data_dir, *ca, *stored); !status.ok()) return status;
  return curator::StoreCertificate(data_dir, **certificate, *stored);
}

}  // namespace

absl::Status Init(const InitOptions& options) {
  absl::StatusOr<ClusterConfiguration> configuration = ConfigurationFor(options);
  if (!configuration.ok()) return configuration.status();
  absl::StatusOr<std::string> owner_key = ReadOwnerPublicKey(options.owner_public_key_file);
  if (!owner_key.ok()) return owner_key.status();
  absl::StatusOr<std::string> url = DefaultStoreUrl(options.data_dir);
  if (!url.ok()) return url.status();

  absl::StatusOr<DataDirLock> lock = DataDirLock::Acquire(options.data_dir, /*create=*/true);
  if (!lock.ok()) return lock.status();
  absl::StatusOr<StoredNode> stored = curator::ReadStoredNode(options.data_dir);
  if (!stored.ok()) return stored.status();
  if (stored->identity.has_value()) {
    return Explained(
        absl::AlreadyExistsError(absl::StrCat(options.data_dir, " holds a curator already")),
        absl::StrCat("it is set up as ", stored->identity->subject()),
        "use `curatord run` to start it, or another --data-dir for a new cluster");
  }
  absl::StatusOr<std::unique_ptr<Store>> store =
      OpenClusterStore(options.store_url.value_or(*url), /*create=*/true);
  if (!store.ok()) return store.status();

  absl::StatusOr<absl::optional<std::string>> existing = Read(store->get(), keys::kCaCertificate);
  if (!existing.ok()) return existing.status();
  if (!existing->has_value()) {
    if (stored->ca.has_value()) {
      return Explained(absl::AlreadyExistsError(absl::StrCat(options.data_dir,
                                                             " belongs to a node that is joining "
                                                             "another cluster")),
                       absl::StrCat("it trusts the CA SHA256:", stored->ca->sha256()),
                       "go on with `curatord join`, or use another --data-dir");
    }
    if (absl::Status keys = curator::CompleteKeys(options.data_dir, *stored); !keys.ok()) {
      return keys;
    }
    const PrivateKey ca_key = PrivateKey::Generate();
    const ClusterPki pki{curator::identity::IssueCaCertificate(ca_key, kCaName), ca_key};
    absl::StatusOr<CommitResult> committed = (*store)->Commit(
        {Guard::Absent(std::string(keys::kCaPrivateKey)),
         Guard::Absent(std::string(keys::kCaCertificate))},
        NewCluster(pki, *stored, *owner_key, *configuration), absl::Now() + kInitTimeout);
    if (!committed.ok()) return committed.status();
  } else if (!stored->node_key.has_value()) {
    return Explained(absl::AlreadyExistsError(
                         absl::StrCat("store ", (*store)->name(), " holds a cluster already")),
                     "it was set up from another data directory",
                     "use `curatord join` to add a node, or another --store");
  }
  std::string ca_sha256;
  if (absl::Status written = WriteNodeFiles(store->get(), options.data_dir, &*stored, &ca_sha256);
      !written.ok()) {
    return written;
  }
  std::printf("node:      %s\nca-sha256: %s\nstore:     %s\n", stored->identity->subject().c_str(),
              ca_sha256.c_str(), (*store)->name().c_str());
  if (configuration->tpm_mode() == ClusterConfiguration::TPM_MODE_REQUIRED) {
    std::fprintf(stderr,
                 "note: TPM mode is REQUIRED: only nodes with a TPM can register "
                 "(--tpm-mode best-effort takes all)\n");
  }
  return absl::OkStatus();
}

}  // namespace curatord
