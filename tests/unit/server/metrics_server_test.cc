#include "server/metrics/metrics_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace curatord {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

// An address of this process's alone.
curator::core::Endpoint Address() {
  const int pid = static_cast<int>(::getpid());
  return {"127.41." + std::to_string(pid >> 8 & 0xff) + "." + std::to_string(pid & 0xff), 9835};
}

class MetricsServerTest : public testing::Test {
 protected:
  MetricsServerTest() {
    auto listening = MetricsServer::Listen(Address(), [] { return "answer 42\n"; });
    EXPECT_TRUE(listening.ok()) << listening.status();
    server_ = *std::move(listening);
    thread_ = std::thread([this] { EXPECT_TRUE(server_->Run().ok()); });
  }
  ~MetricsServerTest() override {
    server_->Stop();
    thread_.join();
  }

  static int ConnectToIt() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(9835);
    EXPECT_EQ(::inet_pton(AF_INET, Address().host.c_str(), &to.sin_addr), 1);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
    return fd;
  }

  static std::string Ask(const std::string& request_line) {
    const int fd = ConnectToIt();
    const std::string request = request_line + "\r\nHost: x\r\nConnection: close\r\n\r\n";
    EXPECT_EQ(::send(fd, request.data(), request.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(request.size()));
    std::string answer;
    char buffer[4096];
    for (ssize_t got; (got = ::recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
      answer.append(buffer, static_cast<size_t>(got));
    }
    ::close(fd);
    return answer;
  }

  std::unique_ptr<MetricsServer> server_;
  std::thread thread_;
};

TEST_F(MetricsServerTest, AnswersAScrape) {
  const std::string answer = Ask("GET /metrics HTTP/1.1");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nanswer 42\n"));
}

TEST_F(MetricsServerTest, AnswersNothingElse) {
  EXPECT_THAT(Ask("GET / HTTP/1.1"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Ask("GET /metrics/../etc/passwd HTTP/1.1"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Ask("DELETE /metrics HTTP/1.1"), StartsWith("HTTP/1.1 501"));
  EXPECT_THAT(Ask("nonsense"), Not(HasSubstr("answer 42")));
  EXPECT_THAT(Ask("GET /metrics HTTP/1.1\r\nX: " + std::string(100000, 'x')),
              Not(HasSubstr("answer 42")));
  EXPECT_THAT(Ask("GET /metrics HTTP/1.1"), StartsWith("HTTP/1.1 200")) << "and goes on";
}

TEST_F(MetricsServerTest, ASilentClientKeepsNobodyWaitingNorTheEnd) {
  std::vector<int> silent;
  for (int i = 0; i < 20; ++i) silent.push_back(ConnectToIt());
  EXPECT_THAT(Ask("GET /metrics HTTP/1.1"), StartsWith("HTTP/1.1 200"));
  server_->Stop();
  thread_.join();
  thread_ = std::thread([this] { EXPECT_TRUE(server_->Run().ok()) << "stopped for good"; });
  for (int fd : silent) ::close(fd);
}

TEST_F(MetricsServerTest, SaysThatItsPortIsTaken) {
  auto second = MetricsServer::Listen(Address(), [] { return ""; });
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("in use"));
}

}  // namespace
}  // namespace curatord
