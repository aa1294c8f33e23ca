#include "libclient/net/tcp_probe.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "libclient/net/monotonic.h"

namespace curator::net {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

struct Resolution {
  absl::Mutex mutex;
  bool done ABSL_GUARDED_BY(mutex) = false;
  int error ABSL_GUARDED_BY(mutex) = 0;
  std::vector<Address> addresses ABSL_GUARDED_BY(mutex);
};

void Resolve(const core::Endpoint& endpoint, Resolution& resolution) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error =
      getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  std::vector<Address> addresses;
  if (error == 0) {
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
      Address address;
      std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
      address.size = entry->ai_addrlen;
      addresses.push_back(address);
    }
    freeaddrinfo(found);
  }
  absl::MutexLock lock(&resolution.mutex);
  resolution.error = error;
  resolution.addresses = std::move(addresses);
  resolution.done = true;
}

core::DialOutcome Outcome(Phase phase, Verdict verdict, std::string detail) {
  core::DialOutcome outcome;
  outcome.phase = phase;
  outcome.verdict = verdict;
  outcome.detail = std::move(detail);
  return outcome;
}

core::DialOutcome OutcomeOfErrno(int error) {
  if (error == ECONNREFUSED) {
    return Outcome(Phase::kConnect, Verdict::kRefused, "connection refused");
  }
  return Outcome(Phase::kConnect, Verdict::kUnreachable, std::strerror(error));
}

core::DialOutcome Connect(const Address& address, core::Instant deadline) {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return OutcomeOfErrno(errno);
  core::DialOutcome outcome = Outcome(Phase::kConnect, Verdict::kUnknown, "");
  int error = 0;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) {
    error = errno;
  }
  if (error == EINPROGRESS) {
    pollfd waiting{fd, POLLOUT, 0};
    int ready;
    do {
      const int64_t left = absl::ToInt64Milliseconds(core::Until(deadline, Now()));
      ready = poll(&waiting, 1, static_cast<int>(std::clamp<int64_t>(left, 0, 3600000)));
    } while (ready < 0 && errno == EINTR);
    socklen_t size = sizeof(error);
    if (ready <= 0) {
      outcome = Outcome(Phase::kConnect, Verdict::kUnreachable, "no answer in time");
      error = 0;
    } else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
      error = errno;
    }
  }
  if (error != 0) outcome = OutcomeOfErrno(error);
  close(fd);
  return outcome;
}

}  // namespace

core::DialOutcome ProbeTcp(const core::Endpoint& endpoint, core::Instant deadline) {
  // A resolver cannot be interrupted: its thread is left behind when time is
  // up, and shares nothing with us but this.
  const auto resolution = std::make_shared<Resolution>();
  if (endpoint.is_ipv4() || endpoint.is_ipv6()) {
    Resolve(endpoint, *resolution);
  } else {
    std::thread([resolution, endpoint] { Resolve(endpoint, *resolution); }).detach();
  }
  std::vector<Address> addresses;
  {
    absl::MutexLock lock(&resolution->mutex);
    if (!resolution->mutex.AwaitWithTimeout(absl::Condition(&resolution->done),
                                            core::Until(deadline, Now()))) {
      return Outcome(Phase::kResolve, Verdict::kUnresolvable, "the resolver does not answer");
    }
    if (resolution->error != 0) {
      return Outcome(Phase::kResolve, Verdict::kUnresolvable,
                     absl::StrCat("the name has no address: ", gai_strerror(resolution->error)));
    }
    addresses = resolution->addresses;
  }
  core::DialOutcome outcome =
      Outcome(Phase::kResolve, Verdict::kUnresolvable, "the name has no address");
  for (const Address& address : addresses) {
    outcome = Connect(address, deadline);
    if (outcome.verdict == Verdict::kUnknown) return outcome;
  }
  return outcome;
}

}  // namespace curator::net
