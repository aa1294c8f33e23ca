#include "cli/cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "cli/document.h"
#include "cli/files.h"
#include "cli/format.h"

namespace curator::cli {
namespace {

constexpr char kKind[] = "Cache";

// Reads what CacheText writes and no more of JSON than that: one object of strings
// and lists of strings, none of which needs an escape.
class CacheReader {
 public:
  using Fields = std::map<std::string, std::vector<std::string>, std::less<>>;

  explicit CacheReader(absl::string_view text) : text_(text) {}

  absl::optional<Fields> Read() {
    Fields fields;
    if (!Take("{")) return absl::nullopt;
    do {
      std::string name;
      if (!TakeString(&name) || !Take(":") || !TakeValue(&fields[name])) return absl::nullopt;
    } while (Take(","));
    if (!Take("}")) return absl::nullopt;
    absl::ConsumePrefix(&text_, "\n");
    if (!text_.empty()) return absl::nullopt;
    return fields;
  }

 private:
  bool Take(absl::string_view token) { return absl::ConsumePrefix(&text_, token); }

  bool TakeString(std::string* string) {
    if (!Take("\"")) return false;
    const size_t end = text_.find_first_of("\"\\");
    if (end == absl::string_view::npos || text_[end] != '"') return false;
    *string = std::string(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return true;
  }

  bool TakeValue(std::vector<std::string>* strings) {
    if (!Take("[")) return TakeString(&strings->emplace_back());
    if (Take("]")) return true;
    do {
      if (!TakeString(&strings->emplace_back())) return false;
    } while (Take(","));
    return Take("]");
  }

  absl::string_view text_;
};

std::string Only(const CacheReader::Fields& fields, absl::string_view name) {
  const auto it = fields.find(name);
  return it == fields.end() || it->second.size() != 1 ? "" : it->second.front();
}

}  // namespace

std::string CacheText(absl::string_view ca_sha256, const Learnt& learnt) {
  Value::Object fields{{"apiVersion", kApiVersion}, {"kind", kKind}, {"ca_sha256", ca_sha256}};
  if (!learnt.leader_id.empty()) {
    fields.emplace_back("leader_id", learnt.leader_id);
    fields.emplace_back("leader_address", learnt.leader_address);
  }
  fields.emplace_back("curators", Value::Strings(learnt.curators));
  if (learnt.node_ids.has_value()) fields.emplace_back("nodes", Value::Strings(*learnt.node_ids));
  return ToJson(std::move(fields), /*pretty=*/false) + "\n";
}

Learnt ParseCache(absl::string_view text, absl::string_view ca_sha256) {
  absl::optional<CacheReader::Fields> fields = CacheReader(text).Read();
  if (!fields.has_value() || Only(*fields, "apiVersion") != kApiVersion ||
      Only(*fields, "kind") != kKind || Only(*fields, "ca_sha256") != ca_sha256) {
    return Learnt();
  }
  Learnt learnt;
  learnt.leader_id = Only(*fields, "leader_id");
  learnt.leader_address = Only(*fields, "leader_address");
  if (const auto it = fields->find("curators"); it != fields->end()) {
    learnt.curators = std::move(it->second);
  }
  if (const auto it = fields->find("nodes"); it != fields->end()) {
    if (it->second.size() <= kMostCachedNodes) learnt.node_ids = std::move(it->second);
  }
  return learnt;
}

Learnt Cache::Read(absl::string_view ca_sha256) const {
  if (path_.empty()) return Learnt();
  const absl::StatusOr<std::string> text = ReadFile(path_);
  if (!text.ok()) return Learnt();
  Learnt learnt = ParseCache(*text, ca_sha256);
  struct stat info = {};
  if (learnt.node_ids.has_value() && stat(path_.c_str(), &info) == 0) {
    learnt.nodes_seen_at = absl::TimeFromTimespec(info.st_mtim);
  }
  return learnt;
}

void Cache::Write(absl::string_view ca_sha256, const Learnt& learnt, const Learnt& read) const {
  if (path_.empty()) return;
  if (!(learnt == read)) {
    if (!MakeFolder(FolderOf(path_)).ok()) return;
    if (!ReplaceFile(path_, CacheText(ca_sha256, learnt), 0600).ok()) return;
  } else if (learnt.nodes_seen_at == read.nodes_seen_at) {
    return;
  }
  if (!learnt.node_ids.has_value()) return;
  const timespec seen_at = absl::ToTimespec(learnt.nodes_seen_at);
  const timespec times[] = {seen_at, seen_at};
  utimensat(AT_FDCWD, path_.c_str(), times, 0);
}

}  // namespace curator::cli
