// CrowdAgent: one node of the crowd: a connection to the leader, its status, then
// heartbeats; again when that breaks. Lives as long as the process.
#ifndef TESTS_BENCH_CROWD_AGENT_H_
#define TESTS_BENCH_CROWD_AGENT_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "libclient/net/leader_finder.h"
#include "metropolis/curator.grpc.pb.h"
#include "tests/bench/access.h"
#include "tests/bench/schedule.h"

namespace curator::bench {

// A failover cuts every connection at the same moment.
inline constexpr absl::Duration kReconnectJitter = absl::Milliseconds(500);

class CrowdAgent {
 public:
  CrowdAgent(const Actor& actor, ClusterCa ca, absl::Duration interval, net::LeaderFinder* finder,
             Schedule* schedule);

  const std::string& id() const { return id_; }
  void Connect();

 private:
  class Stream;

  void ReportStatus();
  void Beat();
  void OnBroken();

  const std::string id_;
  const Identity identity_;
  const ClusterCa ca_;
  const absl::Duration interval_;
  net::LeaderFinder* const finder_;
  Schedule* const schedule_;
  std::shared_ptr<grpc::Channel> channel_;  // changed by Connect, between two streams

  absl::Mutex mutex_;
  Stream* stream_ ABSL_GUARDED_BY(mutex_) = nullptr;  // may be written to
};

}  // namespace curator::bench

#endif  // TESTS_BENCH_CROWD_AGENT_H_
