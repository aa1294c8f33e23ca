// Things that listen and are no curators.
#ifndef TESTS_UNIT_NET_SOCKETS_H_
#define TESTS_UNIT_NET_SOCKETS_H_

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace curator::testing_support {

// Takes connections into its backlog and never looks at them, like a process
// that is stopped. With `full` the backlog is full: connecting gets no answer
// at all, like a host that drops packets.
class DeafListener {
 public:
  explicit DeafListener(bool full);
  ~DeafListener();
  const std::string& address() const { return address_; }

 private:
  std::string address_;
  std::vector<int> fds_;
};

// Speaks something other than TLS: greets and closes.
class TextListener {
 public:
  TextListener();
  ~TextListener();
  const std::string& address() const { return address_; }

 private:
  void Serve();
  std::string address_;
  int fd_;
  std::thread thread_;
};

// Forwards to a curator until it is paused; then it forwards nothing, and the
// connections stand: what a stopped process or a dropped route looks like.
class PausableProxy {
 public:
  explicit PausableProxy(const std::string& host, int port);
  ~PausableProxy();
  const std::string& host() const { return host_; }
  std::string address() const;
  void Pause() { paused_ = true; }
  int connections() const { return connections_; }  // taken so far

 private:
  void Run();
  const std::string host_;
  const std::string target_host_;
  const int target_port_;
  int listener_;
  int stop_pipe_[2];
  std::atomic<bool> paused_{false};
  std::atomic<int> connections_{0};
  std::thread thread_;
};

}  // namespace curator::testing_support

#endif  // TESTS_UNIT_NET_SOCKETS_H_
