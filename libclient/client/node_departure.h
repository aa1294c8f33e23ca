// NodeDeparture: the node's part in its own decommissioning. Asks the leader now and
// then whether it was requested; if so, says that it is in progress, has the program
// do its work, and says that it is done. How far it is the cluster remembers, so an
// agent that was killed anywhere goes on, and nothing of it is stored here.
//
// Threads: used by one; the program's work has one of its own.
// Shutdown: the destructor cancels the work and waits for its end.
#ifndef LIBCLIENT_CLIENT_NODE_DEPARTURE_H_
#define LIBCLIENT_CLIENT_NODE_DEPARTURE_H_

#include <cstdint>
#include <stop_token>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "curator/node_agent.h"
#include "libclient/core/call_outcome.h"
#include "libclient/core/instant.h"
#include "libclient/net/leader_call.h"
#include "libclient/net/leader_finder.h"

namespace curator {

class NodeDeparture {
 public:
  // `options` and `context` must outlive it.
  NodeDeparture(const NodeAgentOptions& options, const net::CallContext& context,
                std::string node_id);
  ~NodeDeparture();
  NodeDeparture(const NodeDeparture&) = delete;
  NodeDeparture& operator=(const NodeDeparture&) = delete;

  // Asks on a connection whose leader has just answered, if it is time to, and begins
  // the work if there is some. No answer by `deadline`, or a server that knows of no
  // decommissioning, is no failure: it is asked again later.
  void AskOn(const net::LeaderConnection& leader, core::Instant deadline);

  // Stops when the work has ended: time for Finish.
  std::stop_token work_ended() const { return work_ended_.get_token(); }

  // Tells the cluster that it is done, for as long as that takes. OK and `*has_left`
  // false: the cluster refuses for now, and the work is to be done again. Errors: the work has
  // failed, it was cancelled, or the node is finally refused, of which `trace` tells.
  absl::Status Finish(net::LeaderFinder& finder, bool* has_left, net::CallTrace* trace);

 private:
  core::CallOutcome CallOn(const net::LeaderConnection& leader, core::Instant deadline,
                           const char* method, const google::protobuf::Message& request,
                           google::protobuf::Message* response) const;
  void BeginWork();
  void OnRefused(absl::string_view cause);
  void Log(absl::string_view line) const;

  const NodeAgentOptions& options_;
  const net::CallContext& context_;
  const std::string node_id_;
  const Cancellation cancel_work_;

  core::Instant ask_at_;
  uint64_t asked_dial_ = 0;  // connection that was asked last
  bool lacks_it_ = false;    // the server there knows of no decommissioning
  std::string logged_refusal_;

  bool is_working_ = false;  // until Finish
  std::stop_source work_ended_;
  std::thread worker_;
  absl::Status work_result_;  // the worker's until it has ended
};

}  // namespace curator

#endif  // LIBCLIENT_CLIENT_NODE_DEPARTURE_H_
