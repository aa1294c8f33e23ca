// ConnectionAcceptor: the port of this curator. gRPC is given accepted connections
// and never the port: gRPC 1.51 leaks what it accepts while its server shuts down,
// and cuts its connections before it closes its port, while a follower must find
// the port closed where connections are cut (takeover.h).
//
// Threads: Start brings one, on which connections are handed over.
// Shutdown: Stop, or the destructor.
#ifndef SERVER_CONNECTION_ACCEPTOR_H_
#define SERVER_CONNECTION_ACCEPTOR_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "server/store/wake_event.h"

namespace curatord {

class ConnectionAcceptor {
 public:
  // Listens on `address`: host:port, IPv6 in brackets; of a name its first address;
  // [::] takes IPv4 too. Who connects waits from now on. kFailedPrecondition if the
  // port is taken, kInvalidArgument if the address is not this machine's.
  static absl::StatusOr<std::unique_ptr<ConnectionAcceptor>> Listen(const std::string& address);

  ~ConnectionAcceptor();
  ConnectionAcceptor(const ConnectionAcceptor&) = delete;
  ConnectionAcceptor& operator=(const ConnectionAcceptor&) = delete;

  // Once. Hands over each connection; `take` owns the socket, which does not block.
  void Start(std::function<void(int socket)> take);

  // When it returns, connecting is refused and `take` runs no more.
  void Stop();

 private:
  explicit ConnectionAcceptor(int listener) : listener_(listener) {}
  void Run();

  int listener_;
  WakeEvent wake_;
  std::function<void(int)> take_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace curatord

#endif  // SERVER_CONNECTION_ACCEPTOR_H_
