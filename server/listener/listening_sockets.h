// The sockets that listen on one address. A wildcard, 0.0.0.0 or [::], is one socket for
// IPv4 and IPv6; a name is all its addresses.
#ifndef SERVER_LISTENER_LISTENING_SOCKETS_H_
#define SERVER_LISTENER_LISTENING_SOCKETS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "libclient/core/endpoint.h"

namespace curatord {

class ListeningSockets {
 public:
  // `address`: host:port, IPv6 in brackets. FailedPrecondition if nothing of it can be
  // listened on: another process does, or it is not of this machine.
  static absl::StatusOr<ListeningSockets> Open(const std::string& address);

  ListeningSockets() = default;
  ListeningSockets(ListeningSockets&& other) noexcept : fds_(std::exchange(other.fds_, {})) {}
  ListeningSockets& operator=(ListeningSockets&& other) noexcept {
    std::swap(fds_, other.fds_);
    return *this;
  }
  ~ListeningSockets() { Close(); }

  // Who connects from now on is refused, also while another thread waits on them; those
  // that nobody has accepted yet are reset.
  void Close();

  const std::vector<int>& fds() const { return fds_; }

 private:
  std::vector<int> fds_;
};

// Where a curator that listens on `listen_address` reaches itself: there, or of a wildcard
// on the loopback address. Never what it advertises: others may reach it there, and it may
// not (NAT).
curator::core::Endpoint OwnEndpoint(const std::string& listen_address);

// Fails if `listen_address` cannot be listened on now. Opens it for a moment.
absl::Status TryListening(const std::string& listen_address);

}  // namespace curatord

#endif  // SERVER_LISTENER_LISTENING_SOCKETS_H_
