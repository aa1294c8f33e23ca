// What one command learns of a cluster and the next can use: who leads, where the
// curators are, which nodes there are. One file per context, safe to lose, and
// trusted for nothing: it decides whom to ask first and what completion offers.
//
// Nothing here fails: what cannot be read, or is of another cluster, is as if it
// were not there; what cannot be written is not written.
#ifndef CLI_CACHE_H_
#define CLI_CACHE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace curator::cli {

// Of larger clusters no nodes are kept: completion has to ask them.
inline constexpr size_t kMostCachedNodes = 4096;

struct Learnt {
  std::string leader_id;
  std::string leader_address;         // host:port
  std::vector<std::string> curators;  // host:port
  // All of the cluster; none: not known, or too many.
  absl::optional<std::vector<std::string>> node_ids;
  absl::Time nodes_seen_at = absl::InfinitePast();

  // Whenever it was that the nodes were seen.
  friend bool operator==(const Learnt& a, const Learnt& b) {
    return a.leader_id == b.leader_id && a.leader_address == b.leader_address &&
           a.curators == b.curators && a.node_ids == b.node_ids;
  }
};

class Cache {
 public:
  // No path: there is none.
  explicit Cache(std::string path) : path_(std::move(path)) {}

  // What it says of the cluster of the CA with this SHA-256.
  Learnt Read(absl::string_view ca_sha256) const;

  // Replaces what was `read`. Where both are equal it only notes when the nodes were
  // seen, in the time of the file. Whole for whoever reads meanwhile; what a crash
  // leaves is of no matter.
  void Write(absl::string_view ca_sha256, const Learnt& learnt, const Learnt& read) const;

 private:
  const std::string path_;
};

// The file's text, and what it says of the cluster; Learnt() for any other text.
std::string CacheText(absl::string_view ca_sha256, const Learnt& learnt);
Learnt ParseCache(absl::string_view text, absl::string_view ca_sha256);

}  // namespace curator::cli

#endif  // CLI_CACHE_H_
