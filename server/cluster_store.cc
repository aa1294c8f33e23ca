#include "server/cluster_store.h"

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "libclient/client/durable_file.h"
#include "server/explained.h"
#include "server/store/etcd_url.h"

namespace curatord {
namespace {

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

}  // namespace curatord
