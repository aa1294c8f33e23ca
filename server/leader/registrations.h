// Registrations: how many nodes may register. Whoever holds the ticket can make nodes, so
// those that wait for approval are bounded in number (the limit new-nodes) and come no
// faster than `registrations-per-second` after a burst. What creates no node counts for
// nothing: a wrong ticket, a node that waits already.
//
// Threads: of the write lane, but for Begin. A new leader starts with a full burst.
#ifndef SERVER_LEADER_REGISTRATIONS_H_
#define SERVER_LEADER_REGISTRATIONS_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/limits.h"
#include "server/nodes/decision_view.h"

namespace curatord {

class Registrations {
 public:
  using Clock = std::function<absl::Duration()>;  // time since any fixed instant
  Registrations(const Limits& limits, Clock clock);

  // One request. However often it is decided, it counts once.
  class Request {
   public:
    explicit Request(Registrations* registrations) : registrations_(registrations) {}
    // Whether one more node may be created: RESOURCE_EXHAUSTED if not.
    absl::Status Admit(const DecisionView& view);

   private:
    Registrations* const registrations_;
    bool counted_ = false;
  };
  std::shared_ptr<Request> Begin() { return std::make_shared<Request>(this); }

 private:
  absl::Status Refuse(absl::Status status);

  const Limits limits_;
  const Clock clock_;
  double allowed_;  // right now; fractions of a registration grow with time
  absl::Duration allowed_at_;
  int64_t refused_ = 0;
};

}  // namespace curatord

#endif  // SERVER_LEADER_REGISTRATIONS_H_
