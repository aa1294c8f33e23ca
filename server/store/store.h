// Store: where a cluster's state rests. Ordered keys with etcd's revisions,
// guarded transactions, leases and watches; two implementations (SQLite for one
// machine, etcd for real clusters) that pass one contract suite
// (tests/unit/store/store_contract.h).
//
// Revisions grow by one with each transaction that changed something, across the
// whole store, from 1 or more. The changes of the last 100,000 are kept for
// watches. Keys and values are any bytes; keys are relative to the store's
// namespace and not empty.
//
// All functions are thread-safe and may block up to `deadline`; none is called
// on a gRPC thread. When one fails, the status code says what is known:
//   kAborted          never: a refused guard is not an error (CommitResult)
//   kUnavailable      not executed: no answer by the deadline, or trouble that may pass
//   kUnknown          may have been executed: the answer was lost
//   kInvalidArgument  not executed, and never will be (too many operations)
//   kNotFound         not executed: the lease has ended
//   kDataLoss         not executed: what the store rests on is damaged
//   kResourceExhausted  not executed: there is no room; somebody has to make some
// Any other code: not executed.
#ifndef SERVER_STORE_STORE_H_
#define SERVER_STORE_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace curatord {

struct KeyValue {
  std::string key;
  std::string value;
  int64_t create_revision = 0;  // of this life of the key
  int64_t mod_revision = 0;
  int64_t lease_id = 0;  // 0: none
};

struct RangeResult {
  std::vector<KeyValue> kvs;  // ordered by key
  int64_t revision = 0;       // of the store when it was read
};

// A condition on one key. All guards of a transaction must hold.
struct Guard {
  enum class Field { kCreateRevision, kModRevision };
  std::string key;
  Field field = Field::kCreateRevision;
  int64_t equals = 0;  // 0: the key does not exist

  static Guard CreateRevision(std::string key, int64_t revision) {
    return {std::move(key), Field::kCreateRevision, revision};
  }
  static Guard ModRevision(std::string key, int64_t revision) {
    return {std::move(key), Field::kModRevision, revision};
  }
  static Guard Absent(std::string key) { return CreateRevision(std::move(key), 0); }
};

struct Operation {
  enum class Kind { kPut, kDelete };
  Kind kind = Kind::kPut;
  std::string key;  // at most once in a transaction
  std::string value;
  int64_t lease_id = 0;  // the key goes when this lease ends; 0 takes it off its lease

  static Operation Put(std::string key, std::string value, int64_t lease_id = 0) {
    return {Kind::kPut, std::move(key), std::move(value), lease_id};
  }
  static Operation Delete(std::string key) { return {Kind::kDelete, std::move(key), "", 0}; }
};

struct CommitResult {
  bool succeeded = false;  // false: a guard did not hold, nothing was done
  int64_t revision = 0;    // of the store afterwards
};

// Most operations of one transaction, in both implementations (etcd's default).
inline constexpr size_t kMaxOperations = 128;

struct WatchEvent {
  enum class Kind { kPut, kDelete };
  Kind kind = Kind::kPut;
  KeyValue kv;  // kDelete: key and mod_revision (of the deletion) only
};

// The changes of one revision, or of several, never part of one. May be empty:
// news of the revision alone.
struct WatchBatch {
  std::vector<WatchEvent> events;  // in revision order
  int64_t revision = 0;            // everything up to here has been delivered
};

// Delivers batches until destroyed. Callbacks come one at a time, from a thread
// that serves all watches of the store (so they are quick), and may not destroy
// their Watch; they may call the store, and end before the destructor returns.
// `on_end` is the last callback: kOutOfRange if `from_revision` was compacted,
// kDataLoss if the store is damaged, kUnavailable otherwise; the owner ranges
// again and watches anew. Destroy a Watch before its Store; one left over gets no
// more callbacks.
class Watch {
 public:
  virtual ~Watch() = default;
};

struct Lease {
  int64_t id = 0;
  absl::Duration ttl;  // as granted, which may be more than was asked
};

// One who takes part in the consensus that a store rests on.
struct StoreMember {
  std::string id;        // the node it runs on, as far as the store knows
  bool learner = false;  // receives everything, and has no vote yet
};

class Store {
 public:
  virtual ~Store() = default;

  // All keys with `prefix` ("" for all), as of now. Linearizable.
  virtual absl::StatusOr<RangeResult> Range(absl::string_view prefix, absl::Time deadline) = 0;

  // Atomic. At most kMaxOperations guards and as many operations, one per key. A
  // put always changes something, the deletion of an absent key does not: a
  // transaction that changes nothing leaves the revision as it is. With no
  // operations it is a linearizable check of the guards.
  virtual absl::StatusOr<CommitResult> Commit(const std::vector<Guard>& guards,
                                              const std::vector<Operation>& operations,
                                              absl::Time deadline) = 0;

  // Changes of keys with `prefix` at revisions >= `from_revision` (1 or more),
  // whoever made them, each once. Always succeeds; trouble arrives at `on_end`.
  virtual std::unique_ptr<Watch> StartWatch(std::string prefix, int64_t from_revision,
                                            std::function<void(const WatchBatch&)> on_batch,
                                            std::function<void(absl::Status)> on_end) = 0;

  // A lease also ends, like a revoked one, once its TTL has passed without a
  // KeepLeaseAlive. TTLs have a floor of a second or more and a ceiling of a year
  // or more (kInvalidArgument).
  virtual absl::StatusOr<Lease> GrantLease(absl::Duration ttl, absl::Time deadline) = 0;
  // Sets the lease back to its full TTL; returns it. kNotFound: it has ended.
  virtual absl::StatusOr<absl::Duration> KeepLeaseAlive(int64_t lease_id, absl::Time deadline) = 0;
  // Ends the lease and deletes its keys at one revision. kNotFound: it had ended.
  virtual absl::Status RevokeLease(int64_t lease_id, absl::Time deadline) = 0;

  // None: the store rests on this host alone.
  virtual absl::StatusOr<std::vector<StoreMember>> Members(absl::Time /*deadline*/) {
    return std::vector<StoreMember>();
  }

  // For people: "sqlite:///var/lib/x/store.db".
  virtual std::string name() const = 0;
};

// Opens `url`: "sqlite:///ABSOLUTE/PATH", a file that several processes of this
// host may have open. No store may be used across a fork. After a reboot all
// leases have ended.
//   kNotFound            nothing is there and `create` is false, or no such directory
//   kInvalidArgument     the URL is not understood, or names something else than a file
//   kDataLoss            what is there is damaged, or no curator store
//   kPermissionDenied    the directory or the file is not writable
//   kFailedPrecondition  on a network file system, or of a later version
//   kUnavailable         trouble that may pass
absl::StatusOr<std::unique_ptr<Store>> OpenStore(absl::string_view url, bool create);

}  // namespace curatord

#endif  // SERVER_STORE_STORE_H_
