// PacedWrites: what nodes write about themselves, at a pace that the history of a store
// can bear: each node has a burst, then so many writes a second. One that comes too early
// waits, and is acknowledged when it is written, never before; of those that replace
// each other only the newest is, which answers the older ones as well.
//
// Thread-safe. Threads: one of its own, which hands over what has waited long enough.
// Shutdown: Stop settles what waits as lost leadership and joins the thread; to be called
//   before the leadership is destroyed.
#ifndef SERVER_LEADER_PACED_WRITES_H_
#define SERVER_LEADER_PACED_WRITES_H_

#include <cstddef>
#include <deque>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/leader/leadership.h"
#include "server/limits.h"

namespace curatord {

class PacedWrites {
 public:
  enum class Kind {
    kEach,    // is written itself
    kNewest,  // a newer one of the same node may be written in its place
  };

  // `leadership` outlives Stop.
  PacedWrites(Leadership* leadership, const Limits& limits);
  ~PacedWrites() { Stop(); }
  PacedWrites(const PacedWrites&) = delete;
  PacedWrites& operator=(const PacedWrites&) = delete;

  // As Leadership::Write, in its turn.
  void Write(const std::string& node_id, Kind kind, Leadership::Decision decide,
             Leadership::Done done, size_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);

  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Waiting {
    Kind kind;
    Leadership::Decision decide;
    std::vector<Leadership::Done> done;
    size_t bytes;      // of the newest
    size_t all_bytes;  // of all whose answer it is
  };
  struct Node {
    double allowed;             // writes right now; fractions grow with time
    absl::Duration allowed_at;  // boot time
    std::deque<Waiting> waiting;
    size_t answers = 0;  // that the waiting ones owe
    size_t bytes = 0;    // of all requests that wait for one of those
    bool handing_over = false;
    bool is_due = false;  // stands in due_
  };

  void Run();
  // Hands over what `node_id` may write now, and sees to it that the rest is looked at again.
  void HandOver(const std::string& node_id) ABSL_LOCKS_EXCLUDED(mutex_);
  void Refill(Node* node, absl::Duration now) const;
  void ForgetTheQuiet(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Leadership* const leadership_;
  const double burst_;
  const double per_second_;

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_map<std::string, Node> nodes_ ABSL_GUARDED_BY(mutex_);
  size_t sweep_at_ ABSL_GUARDED_BY(mutex_) = 64;  // size that makes Write sweep
  // When a node that waits may write again (boot time), and which.
  std::set<std::pair<absl::Duration, std::string>> due_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace curatord

#endif  // SERVER_LEADER_PACED_WRITES_H_
