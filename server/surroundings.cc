#include "server/surroundings.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "curator/node_agent.h"
#include "libclient/client/exposed_files.h"
#include "server/log.h"
#include "server/store/etcd_url.h"

namespace curatord {
namespace {

bool IsLoopback(const std::string& host) {
  return host == "localhost" || host == "::1" || absl::StartsWith(host, "127.");
}

void WarnOfEtcd(const EtcdUrl& url) {
  for (const curator::core::Endpoint& endpoint : url.endpoints) {
    if (url.tls || IsLoopback(endpoint.host)) continue;
    LogWarning("the store is talked to in clear",
               {{"endpoint", endpoint.ToString()},
                {"why", "whoever sees or changes that traffic has the cluster's keys"},
                {"do", "give --store etcds://… with ca, cert and key"}});
  }
}

// That hold secrets, beside those of the data directory.
std::vector<std::string> FilesOfStore(const std::string& store_url) {
  absl::string_view path = store_url;
  if (absl::ConsumePrefix(&path, "sqlite://")) {
    return {std::string(path), absl::StrCat(path, "-wal"), absl::StrCat(path, "-shm")};
  }
  const absl::StatusOr<EtcdUrl> url = ParseEtcdUrl(store_url);
  if (!url.ok()) return {};
  WarnOfEtcd(*url);
  std::vector<std::string> files;
  for (const std::string& file : {url->key_file, url->password_file}) {
    if (!file.empty()) files.push_back(file);
  }
  return files;
}

}  // namespace

void DisableCoreDumps() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  // The limit is not asked where a program is to take the core.
  ::prctl(PR_SET_DUMPABLE, 0);
}

void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    LogWarning("cannot raise the limit of descriptors",
               {{"limit", before}, {"error", std::strerror(errno)}});
    return;
  }
  LogInfo("raised the limit of descriptors", {{"from", before}, {"to", limit.rlim_max}});
}

void WarnOfExposure(const RunConfig& config) {
  std::vector<std::string> exposed = curator::ExposedFiles(config.data_dir);
  for (std::string& sentence : curator::ExposedFilesOf(FilesOfStore(config.store_url))) {
    exposed.push_back(std::move(sentence));
  }
  for (const std::string& sentence : exposed) LogWarning("exposed", {{"what", sentence}});
}

}  // namespace curatord
