// Connection: one that was accepted, and the account of what its peer has sent for which
// no request was delivered yet. That is what gRPC holds in memory for it: neither its
// limit for messages nor its quota bounds that.
//
//   owed = bytes received - paid
//
// Each delivered request pays for itself and a little more; time pays for pings, and what
// the peer has taken for its acknowledgements. What is paid too much is forgotten at each
// look, so that nobody saves up: owed is never less than what is undelivered, but for
// what a look comes late.
//
// Threads: calls of the connection Pay, on gRPC's threads; everything else is for the
// thread that accepts.
#ifndef SERVER_LISTENER_CONNECTION_H_
#define SERVER_LISTENER_CONNECTION_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "server/listener/peer_address.h"

namespace curatord {

class Connection {
 public:
  // `fd` is gRPC's from when it is handed over, and may be closed, and be another file,
  // at any time: that is noticed by its inode.
  Connection(int fd, const PeerAddress& peer, absl::Duration now);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // --- of its calls; times are BootTime()
  void OnCallBegan(absl::Duration now) {
    open_calls_.fetch_add(1, std::memory_order_relaxed);
    Pay(0, now);
  }
  void OnCallEnded(absl::Duration now) {
    Pay(0, now);
    open_calls_.fetch_sub(1, std::memory_order_relaxed);
  }
  // For a request, or what stands before it, of so many bytes.
  void Pay(int64_t bytes, absl::Duration now);
  // Owed for something other than bytes that were received. It is no request that is not
  // completed, and time pays it off.
  void Fine(int64_t bytes);
  // The same for as long as something lasts: what is given back was fined.
  void GiveBack(int64_t bytes) { Fine(-bytes); }
  // A request of it came with a certificate of a member of the cluster. From then on.
  bool is_member() const { return member_.load(std::memory_order_relaxed); }
  // True once: then it is to be found out whether it is, which does not change.
  bool ClaimCheck() { return !checked_.exchange(true, std::memory_order_relaxed); }
  void SetMember() { member_.store(true, std::memory_order_relaxed); }

  // --- of the thread that accepts
  // Reads what was received. Returns what is owed.
  int64_t Look(absl::Duration now);
  // Whether that, at the last look, is more than its peer may owe.
  bool OwesTooMuch() const;
  // For how long nothing was paid although it owed at the last look, beside fines: some
  // request is not completed.
  absl::Duration OwedFor(absl::Duration now) const;
  // Without a call: since when. None while there is one.
  absl::Duration IdleFor(absl::Duration now) const;
  absl::Duration last_active() const {
    return absl::Nanoseconds(active_at_.load(std::memory_order_relaxed));
  }
  // gRPC has closed it.
  bool IsGone() const;
  // Ends it; gRPC sees the end of the stream and cleans up. Whatever has its number by
  // now is not touched.
  void Cut();

  int fd() const { return fd_; }
  const PeerAddress& peer() const { return peer_; }
  absl::Duration accepted_at() const { return accepted_at_; }

 private:
  // Constant after construction.
  const int fd_;
  const PeerAddress peer_;
  const absl::Duration accepted_at_;
  ino_t inode_ = 0;

  std::atomic<int64_t> paid_{0};
  std::atomic<int64_t> fined_{0};   // of what is owed, at most
  std::atomic<int64_t> active_at_;  // the last payment by a call, or the beginning
  std::atomic<int64_t> open_calls_{0};
  std::atomic<bool> checked_{false};
  std::atomic<bool> member_{false};

  // Of the thread that accepts.
  int64_t owed_ = 0;
  int64_t sent_ = 0;  // to the peer, and acknowledged
  absl::Duration looked_at_;
};

}  // namespace curatord

#endif  // SERVER_LISTENER_CONNECTION_H_
