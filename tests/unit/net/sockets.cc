#include "tests/unit/net/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <map>

#include "absl/strings/str_cat.h"
#include "tests/unit/net/scripted_curator.h"

namespace curator::testing_support {
namespace {

constexpr int kCuratorPort = 7835;

sockaddr_in Address(const std::string& host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) abort();
  return address;
}

int Listen(const std::string& host, int backlog) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Address(host, kCuratorPort);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) abort();
  if (listen(fd, backlog) != 0) abort();
  return fd;
}

int Connect(const std::string& host, int port, bool nonblocking) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);
  const sockaddr_in address = Address(host, port);
  const int result = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  if (result != 0 && !nonblocking) {
    close(fd);
    return -1;
  }
  return fd;
}

}  // namespace

DeafListener::DeafListener(bool full) {
  const std::string host = NewLoopbackHost();
  address_ = absl::StrCat(host, ":", kCuratorPort);
  fds_.push_back(Listen(host, full ? 0 : 64));
  // A backlog of 0 holds one connection; the rest get no answer to their SYN.
  for (int i = 0; full && i < 4; ++i) fds_.push_back(Connect(host, kCuratorPort, true));
}

DeafListener::~DeafListener() {
  for (int fd : fds_) close(fd);
}

TextListener::TextListener() {
  const std::string host = NewLoopbackHost();
  address_ = absl::StrCat(host, ":", kCuratorPort);
  fd_ = Listen(host, 64);
  thread_ = std::thread([this] { Serve(); });
}

TextListener::~TextListener() {
  shutdown(fd_, SHUT_RDWR);
  thread_.join();
  close(fd_);
}

void TextListener::Serve() {
  static constexpr char kGreeting[] = "220 mail.example.org ESMTP\r\n";
  while (true) {
    const int client = accept(fd_, nullptr, nullptr);
    if (client < 0) return;
    send(client, kGreeting, sizeof(kGreeting) - 1, MSG_NOSIGNAL);
    shutdown(client, SHUT_WR);
    char buffer[4096];
    while (recv(client, buffer, sizeof(buffer), 0) > 0) {
    }
    close(client);
  }
}

PausableProxy::PausableProxy(const std::string& host, int port)
    : host_(NewLoopbackHost()), target_host_(host), target_port_(port) {
  listener_ = Listen(host_, 64);
  if (pipe2(stop_pipe_, O_CLOEXEC) != 0) abort();
  thread_ = std::thread([this] { Run(); });
}

PausableProxy::~PausableProxy() {
  if (write(stop_pipe_[1], "x", 1) != 1) abort();
  thread_.join();
  close(listener_);
  close(stop_pipe_[0]);
  close(stop_pipe_[1]);
}

std::string PausableProxy::address() const { return absl::StrCat(host_, ":", kCuratorPort); }

void PausableProxy::Run() {
  std::map<int, int> peers;
  while (true) {
    std::vector<pollfd> waiting{{stop_pipe_[0], POLLIN, 0}};
    if (!paused_) {
      waiting.push_back({listener_, POLLIN, 0});
      for (const auto& [fd, peer] : peers) waiting.push_back({fd, POLLIN, 0});
    }
    // Woken now and then to see that it has been paused.
    poll(waiting.data(), waiting.size(), 5);
    if (waiting[0].revents != 0) break;
    if (paused_) continue;
    for (size_t i = 1; i < waiting.size(); ++i) {
      if (waiting[i].revents == 0) continue;
      const int fd = waiting[i].fd;
      if (fd == listener_) {
        const int client = accept(listener_, nullptr, nullptr);
        const int server = Connect(target_host_, target_port_, false);
        if (client < 0 || server < 0) {
          close(client);
          continue;
        }
        ++connections_;
        peers[client] = server;
        peers[server] = client;
        continue;
      }
      const auto it = peers.find(fd);
      if (it == peers.end()) continue;
      char buffer[16384];
      const ssize_t size = recv(fd, buffer, sizeof(buffer), 0);
      if (size > 0 && send(it->second, buffer, static_cast<size_t>(size), MSG_NOSIGNAL) == size) {
        continue;
      }
      const int other = it->second;
      peers.erase(fd);
      peers.erase(other);
      close(fd);
      close(other);
    }
  }
  for (const auto& [fd, peer] : peers) close(fd);
}

}  // namespace curator::testing_support
