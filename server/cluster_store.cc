#include "server/cluster_store.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "libclient/client/durable_file.h"
#include "server/explained.h"
#include "server/store/etcd_url.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

constexpr absl::Duration kContentsTimeout = absl::Seconds(10);

absl::Status ExplainEtcd(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
      return Explained(status, "etcd does not take the user and password, or wants some",
                       "check user= and password-file= of --store; `etcdctl user list` shows who "
                       "there is");
    case absl::StatusCode::kPermissionDenied:
      return Explained(
          status, "the user may not read and write the keys below the prefix",
          "grant it a role: etcdctl role grant-permission ROLE --prefix=true readwrite "
          "PREFIX");
    case absl::StatusCode::kUnavailable:
      return Explained(
          status,
          "no etcd answers at these endpoints, it has no quorum, or it wants TLS or a "
          "client certificate",
          "try `etcdctl --endpoints … endpoint status`; ca=FILE uses TLS, cert=FILE and "
          "key=FILE present a certificate");
    case absl::StatusCode::kFailedPrecondition:
      return Explained(status, "the endpoints are not one etcd cluster, or no etcd",
                       "give the endpoints of one etcd cluster in --store");
    default:
      return Explained(status, "the store cannot be used", "see the cause above");
  }
}

// Told apart from an etcd that refuses what they hold.
absl::Status CheckFilesOf(const std::string& url) {
  absl::StatusOr<EtcdUrl> parsed = ParseEtcdUrl(url);
  if (!parsed.ok()) return absl::OkStatus();  // said better when it is opened
  for (const std::string* file :
       {&parsed->ca_file, &parsed->cert_file, &parsed->key_file, &parsed->password_file}) {
    if (file->empty()) continue;
    absl::StatusOr<absl::optional<std::string>> content = curator::ReadFileIfPresent(*file);
    if (content.ok() && !content->has_value()) {
      content = absl::NotFoundError(absl::StrCat("no file ", *file));
    }
    if (!content.ok()) {
      return Explained(content.status(), "the store URL names it, and it cannot be read",
                       "check the files in --store");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenClusterStore(const std::string& url, bool create) {
  if (IsEtcdUrl(url)) {
    if (absl::Status files = CheckFilesOf(url); !files.ok()) return files;
  }
  absl::StatusOr<std::unique_ptr<Store>> store = OpenStore(url, create);
  if (store.ok()) return store;
  const bool etcd = IsEtcdUrl(url);
  switch (store.status().code()) {
    case absl::StatusCode::kNotFound:
      return Explained(store.status(), "no cluster was set up in this store",
                       create ? "make its directory first"
                              : "give the store that `curatord init` made: --store URL");
    case absl::StatusCode::kInvalidArgument:
      return Explained(store.status(), "the URL of the store is not understood",
                       "give --store sqlite:///ABSOLUTE/PATH or etcd://HOST:2379,…");
    case absl::StatusCode::kDataLoss:
      return etcd ? Explained(store.status(),
                              "the prefix holds something else than a curator's cluster",
                              "give another prefix= in --store, or remove what is there")
                  : Explained(store.status(), "the file is damaged, or not a curator's",
                              "restore it from a backup; `sqlite3 FILE 'pragma integrity_check'` "
                              "tells more");
    default:
      if (etcd) return ExplainEtcd(store.status());
      return Explained(store.status(), "the store cannot be used", "see the cause above");
  }
}

absl::StatusOr<curator::ClusterCa> ClusterIn(Store* store) {
  absl::StatusOr<RangeResult> found =
      store->Range(keys::kCaCertificate, absl::Now() + kContentsTimeout);
  if (!found.ok()) return found.status();
  if (found->kvs.empty()) {
    absl::StatusOr<RangeResult> mark =
        store->Range(keys::kMigration, absl::Now() + kContentsTimeout);
    if (mark.ok() && !mark->kvs.empty()) {
      return Explained(
          absl::FailedPreconditionError(
              absl::StrCat("store ", store->name(), " is a copy that was not finished")),
          absl::StrCat("a migration into it from ", mark->kvs[0].value, " was interrupted"),
          "run the same `curatord migrate` again");
    }
    return Explained(
        absl::NotFoundError(absl::StrCat("store ", store->name(), " holds no cluster")),
        "it is empty, or the store of something else",
        "give the store that `curatord init` made: --store URL");
  }
  absl::StatusOr<curator::ClusterCa> ca = curator::ClusterCa::FromDer(found->kvs[0].value);
  if (ca.ok()) return ca;
  return Explained(
      absl::DataLossError(absl::StrCat("store ", store->name(), ", key ", keys::kCaCertificate,
                                       ": ", ca.status().message())),
      "what is there is damaged, or not a curator's cluster",
      "give the store that `curatord init` made, or restore it from a backup");
}

absl::Status CheckSameCa(const std::string& store_name, const curator::ClusterCa& of_store,
                         const curator::ClusterCa& of_data_dir) {
  if (of_store.sha256() == of_data_dir.sha256()) return absl::OkStatus();
  return Explained(absl::FailedPreconditionError(
                       absl::StrCat("store ", store_name, " belongs to another cluster")),
                   absl::StrCat("its CA is SHA256:", of_store.sha256(),
                                ", the one of this data directory SHA256:", of_data_dir.sha256()),
                   "give the data directory and the store of the same cluster");
}

}  // namespace curatord
