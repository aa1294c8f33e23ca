#include <cstdio>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "curator/node_agent.h"
#include "libclient/identity/key.h"
#include "server/cluster_store.h"
#include "server/commands.h"
#include "server/explained.h"
#include "server/owner_key_file.h"
#include "server/pki/cluster_owner.h"
#include "server/store/keys.h"
#include "server/store/store.h"

namespace curatord {
namespace {

constexpr absl::Duration kOwnerCallTimeout = absl::Seconds(10);
// Each is lost to somebody who changes the owner or takes ownership at the same moment.
constexpr int kMostTries = 5;

// One key of the store as it was read, and what has to hold for it to be so still.
struct Seen {
  absl::optional<std::string> value;
  Guard guard;
};

absl::StatusOr<Seen> Look(Store* store, absl::string_view key) {
  absl::StatusOr<RangeResult> range = store->Range(key, absl::Now() + kOwnerCallTimeout);
  if (!range.ok()) return range.status();
  for (KeyValue& kv : range->kvs) {
    if (kv.key == key) {
      return Seen{std::move(kv.value), Guard::ModRevision(kv.key, kv.mod_revision)};
    }
  }
  return Seen{absl::nullopt, Guard::Absent(std::string(key))};
}

std::string Fingerprint(const absl::optional<std::string>& public_key) {
  return public_key.has_value() ? absl::BytesToHexString(*public_key) : "none";
}

absl::StatusOr<std::unique_ptr<Store>> OpenStoreOf(const OwnerReplaceOptions& options) {
  std::string url;
  if (options.store_url.has_value()) {
    url = *options.store_url;
  } else if (options.data_dir.has_value()) {
    absl::StatusOr<std::string> in_data_dir = DefaultStoreUrl(*options.data_dir);
    if (!in_data_dir.ok()) return in_data_dir.status();
    url = *std::move(in_data_dir);
  } else {
    return Explained(absl::InvalidArgumentError("no store is given"),
                     "the owner stands in the store of the cluster",
                     "give --store URL as for `curatord run`, or --data-dir DIR if the store is "
                     "in it");
  }
  absl::StatusOr<std::unique_ptr<Store>> store = OpenClusterStore(url, /*create=*/false);
  if (!store.ok()) return store.status();
  const absl::StatusOr<curator::ClusterCa> ca = ClusterIn(store->get());
  if (!ca.ok()) return ca.status();
  if (!options.data_dir.has_value()) return store;
  const absl::StatusOr<curator::NodeCredentials> node =
      curator::LoadNodeCredentials(*options.data_dir);
  if (!node.ok()) return node.status();
  if (absl::Status same = CheckSameCa((*store)->name(), *ca, node->ca); !same.ok()) return same;
  return store;
}

enum class Replaced { kYes, kAlready, kOvertaken };

// One transaction, guarded by the mod revisions of all that it rests on and replaces.
absl::StatusOr<Replaced> ReplaceOnce(Store* store, const std::string& new_key,
                                     absl::optional<std::string>* old_key) {
  const absl::StatusOr<Seen> ca = Look(store, keys::kCaCertificate);
  if (!ca.ok()) return ca.status();
  const absl::StatusOr<Seen> owner = Look(store, keys::kInitialOwner);
  if (!owner.ok()) return owner.status();
  const absl::StatusOr<Seen> certificate = Look(store, keys::kOwnerCertificate);
  if (!certificate.ok()) return certificate.status();
  *old_key = OwnerKeyIn(owner->value);
  const bool of_another =
      certificate->value.has_value() && !IsCertificateOf(certificate->value, new_key);
  if (*old_key == absl::optional<std::string>(new_key) && !of_another) return Replaced::kAlready;
  std::vector<Operation> operations = {
      Operation::Put(std::string(keys::kInitialOwner), OwnerRecordOf(new_key))};
  if (of_another) operations.push_back(Operation::Delete(std::string(keys::kOwnerCertificate)));
  absl::StatusOr<CommitResult> committed = store->Commit(
      {ca->guard, owner->guard, certificate->guard}, operations, absl::Now() + kOwnerCallTimeout);
  if (committed.ok()) return committed->succeeded ? Replaced::kYes : Replaced::kOvertaken;
  if (!absl::IsUnknown(committed.status())) return committed.status();
  return Explained(committed.status(),
                   "the store did not say whether the owner was replaced: the answer was lost",
                   "run the same command again: it tells, and finishes what is left");
}

}  // namespace

absl::Status ReplaceOwner(const OwnerReplaceOptions& options) {
  const absl::StatusOr<std::string> new_key = ReadOwnerPublicKey(options.owner_public_key_file);
  if (!new_key.ok()) return new_key.status();
  absl::StatusOr<std::unique_ptr<Store>> store = OpenStoreOf(options);
  if (!store.ok()) return store.status();
  absl::optional<std::string> old_key;
  absl::StatusOr<Replaced> replaced = Replaced::kOvertaken;
  for (int tries = 0; tries < kMostTries && replaced.ok() && *replaced == Replaced::kOvertaken;
       ++tries) {
    replaced = ReplaceOnce(store->get(), *new_key, &old_key);
  }
  if (!replaced.ok()) return replaced.status();
  if (*replaced == Replaced::kOvertaken) {
    return Explained(absl::FailedPreconditionError(absl::StrCat("the owner in ", (*store)->name(),
                                                                " is being changed by others")),
                     "somebody replaces it, or takes ownership, again and again",
                     "let only one do so");
  }
  if (*replaced == Replaced::kAlready) {
    std::printf("owner:     unchanged, this key owns the cluster already\nkey:       %s\n",
                Fingerprint(*new_key).c_str());
    return absl::OkStatus();
  }
  std::printf("owner:     replaced\nkey:       %s\nbefore:    %s\nstore:     %s\n",
              Fingerprint(*new_key).c_str(), Fingerprint(old_key).c_str(),
              (*store)->name().c_str());
  std::fputs(
      "next: curatorctl cluster takeownership --owner-key KEY     with the key of this owner\n"
      "      if the old key was stolen: curatorctl ticket rotate, and look for nodes, roles and\n"
      "      labels that are not yours\n"
      "note: a leader of an earlier version or of the existing system compares with nothing\n"
      "      stored: it goes on taking the old certificate until it is upgraded\n",
      stderr);
  return absl::OkStatus();
}

}  // namespace curatord
