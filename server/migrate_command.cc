#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "metropolis/storage.pb.h"
#include "server/cluster_store.h"
#include "server/commands.h"
#include "server/explained.h"
#include "server/store/keys.h"

namespace curatord {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(30);
constexpr size_t kMaxCopyBytes = 1 << 20;

using Contents = std::map<std::string, std::string>;

absl::Time Deadline() { return absl::Now() + kCallTimeout; }

// What belongs to the processes that run, not to the cluster.
bool IsOfTheMoment(absl::string_view key) {
  return absl::StartsWith(key, keys::kLeaders) || key == keys::kTakeover;
}

absl::StatusOr<Contents> Read(Store* store) {
  absl::StatusOr<RangeResult> range = store->Range("", Deadline());
  if (!range.ok()) return range.status();
  Contents contents;
  for (KeyValue& kv : range->kvs) {
    if (!IsOfTheMoment(kv.key)) contents.emplace(std::move(kv.key), std::move(kv.value));
  }
  return contents;
}

absl::Status CheckNobodyRuns(Store* store) {
  absl::StatusOr<RangeResult> candidates = store->Range(keys::kLeaders, Deadline());
  if (!candidates.ok()) return candidates.status();
  if (candidates->kvs.empty()) return absl::OkStatus();
  curator::storage::LeaderElectionValue value;
  value.ParseFromString(candidates->kvs.front().value);
  return Explained(
      absl::FailedPreconditionError(absl::StrCat("curators run on ", store->name())),
      absl::StrCat("the curator of node ", value.node_id(),
                   " is a candidate there; one that was killed stays so until its lease ends"),
      "stop all curators of the cluster (SIGTERM), then migrate");
}

absl::Status CheckIsWholeCluster(const Contents& contents, const std::string& name) {
  if (contents.contains(std::string(keys::kMigration))) {
    return Explained(
        absl::FailedPreconditionError(absl::StrCat(name, " is a copy that was not finished")),
        "a migration into it was interrupted",
        "migrate from the store that it was to be a copy of");
  }
  if (contents.contains(std::string(keys::kCaCertificate))) return absl::OkStatus();
  return Explained(absl::NotFoundError(absl::StrCat(name, " holds no cluster")),
                   "it is empty, or the store of something else",
                   "give the store that `curatord init` made: --from URL");
}

// Runs `operations` in transactions that are not too large, each guarded by `guard`.
absl::Status CommitAll(Store* store, const Guard& guard, std::vector<Operation> operations) {
  for (size_t next = 0; next < operations.size();) {
    std::vector<Operation> batch;
    for (size_t bytes = 0; next < operations.size() && batch.size() < kMaxOperations; ++next) {
      bytes += operations[next].key.size() + operations[next].value.size();
      if (!batch.empty() && bytes > kMaxCopyBytes) break;
      batch.push_back(std::move(operations[next]));
    }
    absl::StatusOr<CommitResult> committed = store->Commit({guard}, batch, Deadline());
    if (!committed.ok()) {
      return Explained(committed.status(), "the target did not take a part of the copy",
                       "see the cause above, then run the same command again: it starts over");
    }
    if (!committed->succeeded) {
      return Explained(
          absl::AbortedError(absl::StrCat(store->name(), " is being changed by others")),
          "another migration fills it, or a curator uses it", "let only one do so");
    }
  }
  return absl::OkStatus();
}

// Leaves the target empty but for our mark; returns the guard that it still stands.
absl::StatusOr<Guard> MarkTarget(Store* target, const std::string& from) {
  absl::StatusOr<RangeResult> found = target->Range("", Deadline());
  if (!found.ok()) return found.status();
  const std::string mark(keys::kMigration);
  std::vector<Operation> leftovers;
  int64_t marked_at = 0;
  for (const KeyValue& kv : found->kvs) {
    if (kv.key == mark) {
      marked_at = kv.create_revision;
    } else {
      leftovers.push_back(Operation::Delete(kv.key));
    }
  }
  if (marked_at == 0 && !leftovers.empty()) {
    return Explained(absl::AlreadyExistsError(absl::StrCat(
                         target->name(), " is not empty: it holds ", leftovers.size(), " keys")),
                     "it is in use, or was",
                     "give a target that holds nothing, or another prefix= of etcd");
  }
  if (marked_at != 0) {
    const Guard guard = Guard::CreateRevision(mark, marked_at);
    if (absl::Status emptied = CommitAll(target, guard, std::move(leftovers)); !emptied.ok()) {
      return emptied;
    }
    return guard;
  }
  absl::StatusOr<CommitResult> marked =
      target->Commit({Guard::Absent(mark), Guard::Absent(std::string(keys::kCaCertificate))},
                     {Operation::Put(mark, from)}, Deadline());
  if (!marked.ok()) return marked.status();
  if (!marked->succeeded) {
    return Explained(absl::AlreadyExistsError(absl::StrCat(target->name(), " is not empty")),
                     "it was filled just now", "let only one migration run");
  }
  return Guard::CreateRevision(mark, marked->revision);
}

absl::Status CheckCopy(Store* target, const Contents& expected) {
  absl::StatusOr<Contents> copied = Read(target);
  if (!copied.ok()) return copied.status();
  copied->erase(std::string(keys::kMigration));
  if (*copied == expected) return absl::OkStatus();
  return Explained(absl::DataLossError(absl::StrCat("what was read back from ", target->name(),
                                                    " differs from what was written")),
                   "something else writes to the target", "let nobody use it, and migrate again");
}

}  // namespace

// 1. The target is marked: until the mark is gone no curator takes it for a cluster,
//    and an interrupted copy can be told from somebody's data.
// 2. Everything but the CA's certificate, without which a store holds no cluster, is
//    copied, read back and compared.
// 3. If the source is as it was and nobody runs on it, the certificate takes the
//    mark's place in one transaction.
absl::Status Migrate(const MigrateOptions& options) {
  absl::StatusOr<std::unique_ptr<Store>> source = OpenClusterStore(options.from, /*create=*/false);
  if (!source.ok()) return source.status();
  if (absl::Status idle = CheckNobodyRuns(source->get()); !idle.ok()) return idle;
  absl::StatusOr<Contents> contents = Read(source->get());
  if (!contents.ok()) return contents.status();
  if (absl::Status whole = CheckIsWholeCluster(*contents, (*source)->name()); !whole.ok()) {
    return whole;
  }
  absl::StatusOr<std::unique_ptr<Store>> target = OpenClusterStore(options.to, /*create=*/true);
  if (!target.ok()) return target.status();
  absl::StatusOr<Guard> marked = MarkTarget(target->get(), (*source)->name());
  if (!marked.ok()) return marked.status();

  Contents copied = *contents;
  copied.erase(std::string(keys::kCaCertificate));
  std::vector<Operation> puts;
  for (const auto& [key, value] : copied) puts.push_back(Operation::Put(key, value));
  absl::Status status = CommitAll(target->get(), *marked, std::move(puts));
  if (status.ok()) status = CheckCopy(target->get(), copied);
  if (status.ok()) status = CheckNobodyRuns(source->get());
  if (!status.ok()) return status;
  absl::StatusOr<Contents> afterwards = Read(source->get());
  if (!afterwards.ok()) return afterwards.status();
  if (*afterwards != *contents) {
    return Explained(
        absl::AbortedError(absl::StrCat((*source)->name(), " changed while it was copied")),
        "a curator ran on it for a moment", "keep all curators stopped, and migrate again");
  }
  status = CommitAll(target->get(), *marked,
                     {Operation::Put(std::string(keys::kCaCertificate),
                                     contents->at(std::string(keys::kCaCertificate))),
                      Operation::Delete(std::string(keys::kMigration))});
  if (status.ok()) status = CheckCopy(target->get(), *contents);
  if (!status.ok()) return status;

  size_t nodes = 0;
  for (const auto& [key, value] : *contents) nodes += absl::StartsWith(key, keys::kNodes) ? 1 : 0;
  std::printf(
      "copied %zu keys, %zu nodes among them, from %s\nto %s, and read them back\n"
      "start every curator with --store of the new store; the old one is as it was\n",
      contents->size(), nodes, (*source)->name().c_str(), (*target)->name().c_str());
  return absl::OkStatus();
}

}  // namespace curatord
