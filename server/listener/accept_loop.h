// AcceptLoop: accepts connections, for one gRPC server after another, and keeps watch
// over what they cost (ConnectionTable). gRPC's own loop does neither: it takes whoever
// comes, and is deaf for good once the process was out of descriptors.
//
// The sockets stay open between two servers: who connects meanwhile waits for the next
// and is not refused, for a refusal is what followers take as evidence that the process
// is gone. For a second at most: after that, and when there is no role, they are closed.
//
// Connections that are not taken are accepted and closed, never refused either.
//
// Threads: one of its own; the public functions may be called from any.
// Shutdown: by the destructor. Servers are to be shut down before, after Pause.
#ifndef SERVER_LISTENER_ACCEPT_LOOP_H_
#define SERVER_LISTENER_ACCEPT_LOOP_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/server_builder.h"
#include "server/listener/connection_table.h"
#include "server/listener/listening_sockets.h"

namespace curatord {

class AcceptLoop {
 public:
  using Acceptor = grpc::experimental::ExternalConnectionAcceptor;

  AcceptLoop(std::string address, const ConnectionBounds& bounds);
  ~AcceptLoop();

  // Listens, if it does not yet. Nobody is accepted before Serve.
  absl::Status Open() ABSL_LOCKS_EXCLUDED(mutex_);
  // `acceptor` is of a server that has started.
  void Serve(std::unique_ptr<Acceptor> acceptor) ABSL_LOCKS_EXCLUDED(mutex_);
  // Once this returns the server gets no more connections and may be shut down. Returns its
  // acceptor, which is to be destroyed after that; null if there is none.
  [[nodiscard]] std::unique_ptr<Acceptor> Pause() ABSL_LOCKS_EXCLUDED(mutex_);
  // Who connects from now on is refused; those that were handed over stay.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);

  ConnectionTable* connections() { return &connections_; }
  const ConnectionTable& connections() const { return connections_; }

 private:
  void Run();
  void AcceptThoseWaiting() ABSL_LOCKS_EXCLUDED(mutex_);
  // Of one socket: whether another may be waiting.
  bool AcceptOne(int listener) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AcceptWithoutDescriptors(int listener) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LookAtThoseThatSent();
  void CloseIfPausedForTooLong() ABSL_LOCKS_EXCLUDED(mutex_);
  void Wake();

  const std::string address_;
  ConnectionTable connections_;
  const int wake_fd_;   // an eventfd
  const int watch_fd_;  // an epoll: connections on which something was received

  // Held while a connection is handed over: so Pause waits for that.
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  ListeningSockets sockets_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Acceptor> acceptor_ ABSL_GUARDED_BY(mutex_);
  absl::Duration paused_at_ ABSL_GUARDED_BY(mutex_);
  // Given up to accept, and close, one more when there are no descriptors left.
  int spare_fd_ ABSL_GUARDED_BY(mutex_);
  absl::Duration accept_again_at_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace curatord

#endif  // SERVER_LISTENER_ACCEPT_LOOP_H_
