#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/store/etcd_store.h"
#include "server/store/etcd_url.h"
#include "server/store/sqlite_store.h"
#include "server/store/store.h"

namespace curatord {

absl::StatusOr<std::unique_ptr<Store>> OpenStore(absl::string_view url, bool create) {
  if (IsEtcdUrl(url)) {
    absl::StatusOr<EtcdUrl> parsed = ParseEtcdUrl(url);
    if (!parsed.ok()) return parsed.status();
    return EtcdStore::Open(*parsed, create);
  }
  absl::string_view path = url;
  if (!absl::ConsumePrefix(&path, "sqlite://")) {
    return absl::InvalidArgumentError(
        absl::StrCat("store URL \"", url,
                     "\" is of neither form, sqlite:///ABSOLUTE/PATH nor "
                     "etcd://HOST:2379,…"));
  }
  if (!absl::StartsWith(path, "/") || absl::EndsWith(path, "/") ||
      path.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("store URL \"", url, "\" does not name a file by an absolute path"));
  }
  return SqliteStore::Open(std::string(path), create);
}

}  // namespace curatord
