// ConsensusStatus: who takes part in the consensus that the store rests on. Asked of
// the store itself, which may block: so on a thread of its own, once for all who
// wait.
//
// Threads: one, which waits while nobody asks.
// Shutdown: the destructor refuses those who wait and joins; it may take as long as
//   a store call that hangs.
#ifndef SERVER_LEADER_CONSENSUS_STATUS_H_
#define SERVER_LEADER_CONSENSUS_STATUS_H_

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "metropolis/curator.pb.h"
#include "server/store/store.h"

namespace curatord {

class ConsensusStatus {
 public:
  using Response = metropolis::node::core::curator::proto::api::GetConsensusStatusResponse;
  using Done = std::function<void(absl::StatusOr<Response>)>;

  // A store without consensus has one member: `this_node_id`. `store` outlives it.
  ConsensusStatus(Store* store, std::string this_node_id);
  ~ConsensusStatus();

  // What the store says after this call, or INTERNAL. `done` must not block.
  void Ask(Done done) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::StatusOr<Response> AskStore() const;

  Store* const store_;
  const std::string this_node_id_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Done> waiting_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace curatord

#endif  // SERVER_LEADER_CONSENSUS_STATUS_H_
