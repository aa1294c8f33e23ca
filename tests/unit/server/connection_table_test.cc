// With real connections, and the test's clock.
#include "server/listener/connection_table.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace curatord {
namespace {

// A connection from an address of 127.0.0.0/8, both ends of it.
class Pair {
 public:
  Pair(int listener, const std::string& from) : peer_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    ::inet_pton(AF_INET, from.c_str(), &own.sin_addr);
    EXPECT_EQ(::bind(peer_, reinterpret_cast<sockaddr*>(&own), sizeof(own)), 0);
    sockaddr_storage to{};
    socklen_t size = sizeof(to);
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&to), &size);
    EXPECT_EQ(::connect(peer_, reinterpret_cast<sockaddr*>(&to), size), 0);
    sockaddr_storage address{};
    size = sizeof(address);
    accepted_ = ::accept(listener, reinterpret_cast<sockaddr*>(&address), &size);
    EXPECT_GE(accepted_, 0);
    address_ = *PeerAddress::FromSocket(address);
  }
  Pair(const Pair&) = delete;
  ~Pair() {
    CloseAccepted();
    ::close(peer_);
  }

  // As gRPC does.
  void CloseAccepted() {
    if (accepted_ >= 0) ::close(accepted_);
    accepted_ = -1;
  }
  void Send(size_t bytes) {
    const std::string data(bytes, 'x');
    size_t sent = 0;
    while (sent < bytes) {
      // Both ends are this thread's: it must not wait for itself to read.
      const ssize_t some =
          ::send(peer_, data.data() + sent, bytes - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (some < 0 && errno != EAGAIN) return;
      if (some > 0) sent += static_cast<size_t>(some);
      char buffer[1 << 16];
      while (::recv(accepted_, buffer, sizeof(buffer), MSG_DONTWAIT) > 0) {
      }
    }
  }
  bool IsCut() const {
    pollfd waiting{accepted_, POLLIN | POLLRDHUP, 0};
    return ::poll(&waiting, 1, 0) > 0 && (waiting.revents & (POLLHUP | POLLRDHUP)) != 0;
  }

  int accepted() const { return accepted_; }
  const PeerAddress& address() const { return address_; }

 private:
  const int peer_;
  int accepted_ = -1;
  PeerAddress address_;
};

class ConnectionTableTest : public testing::Test {
 protected:
  ConnectionTableTest() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    ::inet_pton(AF_INET, "127.0.0.1", &any.sin_addr);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&any), sizeof(any)), 0);
    EXPECT_EQ(::listen(listener_, 100), 0);
  }
  ~ConnectionTableTest() override { ::close(listener_); }

  std::unique_ptr<Pair> Connect(const std::string& from = "127.0.0.1") {
    now_ += absl::Milliseconds(100);
    auto pair = std::make_unique<Pair>(listener_, from);
    if (table_.Admit(pair->accepted(), pair->address(), now_) == nullptr) pair->CloseAccepted();
    return pair;
  }
  std::shared_ptr<Connection> Of(const Pair& pair) { return table_.Find(pair.address()); }
  void MakeMember(const Pair& pair) { table_.SetMember(Of(pair)); }
  uint64_t TurnedAwayFor(TurnedAway::Cause cause) { return table_.turned_away()->count(cause); }

  const int listener_;
  absl::Duration now_ = absl::Seconds(1000);
  ConnectionTable table_{{.connections = 12, .strangers = 8, .strangers_per_address = 4}};
};

TEST_F(ConnectionTableTest, AtTheBoundOfAnAddressItsLongestIdleStrangerGoes) {
  std::vector<std::unique_ptr<Pair>> pairs;
  for (int i = 0; i < 4; ++i) pairs.push_back(Connect());
  const auto other = Connect("127.0.0.2");
  Of(*pairs[0])->OnCallBegan(now_);
  const auto next = Connect();
  EXPECT_FALSE(pairs[0]->IsCut()) << "it made a call a moment ago";
  EXPECT_TRUE(pairs[1]->IsCut());
  EXPECT_FALSE(pairs[2]->IsCut() || other->IsCut() || next->IsCut());
  EXPECT_EQ(TurnedAwayFor(TurnedAway::kStrangers), 1);
  EXPECT_EQ(table_.counts().strangers, 5);
}

TEST_F(ConnectionTableTest, AtTheBoundOfAllTheLongestIdleStrangerGoes) {
  std::vector<std::unique_ptr<Pair>> pairs;
  for (int i = 0; i < 8; ++i) pairs.push_back(Connect(i < 4 ? "127.0.0.1" : "127.0.0.2"));
  const auto next = Connect("127.0.0.3");
  EXPECT_TRUE(pairs[0]->IsCut());
  EXPECT_FALSE(next->IsCut());
  EXPECT_EQ(table_.counts().strangers, 8);
}

TEST_F(ConnectionTableTest, MembersAreNotBoundedAsStrangersAre) {
  std::vector<std::unique_ptr<Pair>> pairs;
  for (int i = 0; i < 10; ++i) {
    pairs.push_back(Connect());
    MakeMember(*pairs.back());
  }
  for (const auto& pair : pairs) EXPECT_FALSE(pair->IsCut());
  EXPECT_EQ(table_.counts().members, 10);
  EXPECT_EQ(table_.counts().strangers, 0);
}

TEST_F(ConnectionTableTest, WithoutRoomTheNewOneIsNotTakenAndAStrangerMakesRoom) {
  std::vector<std::unique_ptr<Pair>> pairs;
  for (int i = 0; i < 12; ++i) {
    pairs.push_back(Connect());
    if (i != 5) MakeMember(*pairs.back());
  }
  EXPECT_LT(Connect()->accepted(), 0);
  EXPECT_EQ(TurnedAwayFor(TurnedAway::kFull), 1);
  ASSERT_TRUE(pairs[5]->IsCut());
  pairs[5]->CloseAccepted();
  EXPECT_GE(Connect()->accepted(), 0);
}

TEST_F(ConnectionTableTest, WithoutRoomAnIdleMemberMakesRoomButNoneThatHasACall) {
  std::vector<std::unique_ptr<Pair>> pairs;
  for (int i = 0; i < 12; ++i) {
    pairs.push_back(Connect());
    MakeMember(*pairs.back());
    if (i != 5) Of(*pairs.back())->OnCallBegan(now_);
  }
  EXPECT_LT(Connect()->accepted(), 0);
  EXPECT_TRUE(pairs[5]->IsCut());
  EXPECT_LT(Connect()->accepted(), 0);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(pairs[static_cast<size_t>(i)]->IsCut(), i == 5);
}

TEST_F(ConnectionTableTest, ACuratorIsTakenBeyondWhatOthersMayHave) {
  table_.Reserve({*PeerAddress::FromIp("127.0.0.9")});
  std::vector<std::unique_ptr<Pair>> pairs;
  for (int i = 0; i < 12; ++i) {
    pairs.push_back(Connect());
    MakeMember(*pairs.back());
    Of(*pairs.back())->OnCallBegan(now_);
  }
  EXPECT_LT(Connect("127.0.0.2")->accepted(), 0);
  EXPECT_GE(Connect("127.0.0.9")->accepted(), 0);
}

TEST_F(ConnectionTableTest, ThoseThatAreGoneMakeRoomWithoutAWord) {
  std::vector<std::unique_ptr<Pair>> pairs;
  for (int i = 0; i < 12; ++i) {
    pairs.push_back(Connect());
    MakeMember(*pairs.back());
  }
  for (const auto& pair : pairs) pair->CloseAccepted();
  EXPECT_GE(Connect()->accepted(), 0);
  now_ += absl::Seconds(1);
  table_.Sweep(now_);
  EXPECT_EQ(table_.counts().members, 0);
  EXPECT_EQ(TurnedAwayFor(TurnedAway::kFull), 0);
}

TEST_F(ConnectionTableTest, AStrangerThatOwesTooMuchIsCut) {
  const auto pair = Connect();
  pair->Send(100 << 10);
  table_.Look(pair->accepted(), now_);
  EXPECT_FALSE(pair->IsCut());
  pair->Send(100 << 10);
  table_.Look(pair->accepted(), now_);
  EXPECT_TRUE(pair->IsCut());
  EXPECT_EQ(TurnedAwayFor(TurnedAway::kUnpaid), 1);
}

TEST_F(ConnectionTableTest, AMemberMayOweMore) {
  const auto pair = Connect();
  MakeMember(*pair);
  pair->Send(5 << 20);
  table_.Look(pair->accepted(), now_);
  EXPECT_FALSE(pair->IsCut());
  pair->Send(1 << 20);
  table_.Look(pair->accepted(), now_);
  EXPECT_TRUE(pair->IsCut());
}

TEST_F(ConnectionTableTest, WhoPaysMaySendForEver) {
  const auto pair = Connect();
  for (int i = 0; i < 40; ++i) {
    pair->Send(100 << 10);
    Of(*pair)->Pay(100 << 10, now_);
    table_.Look(pair->accepted(), now_);
    ASSERT_FALSE(pair->IsCut());
  }
}

TEST_F(ConnectionTableTest, WhatIsPaidTooMuchIsNotSavedUp) {
  const auto pair = Connect();
  Of(*pair)->Pay(100 << 20, now_);
  table_.Look(pair->accepted(), now_);
  pair->Send(2 << 20);
  table_.Look(pair->accepted(), now_);
  EXPECT_TRUE(pair->IsCut());
}

TEST_F(ConnectionTableTest, WhatIsFinedIsNoRequestThatIsNotCompleted) {
  const auto pair = Connect();
  MakeMember(*pair);
  Of(*pair)->Fine(20 << 10);
  table_.Look(pair->accepted(), now_);
  now_ += 2 * kRequestTimeout;
  table_.Sweep(now_);
  EXPECT_FALSE(pair->IsCut());
}

TEST_F(ConnectionTableTest, ARequestThatIsNotCompletedInTimeIsCut) {
  const auto unfinished = Connect();
  MakeMember(*unfinished);
  const auto idle = Connect();
  MakeMember(*idle);
  unfinished->Send(100 << 10);
  table_.Look(unfinished->accepted(), now_);
  now_ += kRequestTimeout / 2;
  table_.Sweep(now_);
  EXPECT_FALSE(unfinished->IsCut());
  now_ += kRequestTimeout;
  table_.Sweep(now_);
  EXPECT_TRUE(unfinished->IsCut());
  EXPECT_FALSE(idle->IsCut());
  EXPECT_EQ(TurnedAwayFor(TurnedAway::kStalled), 1);
}

TEST_F(ConnectionTableTest, PingsAreNoUnfinishedRequest) {
  const auto pair = Connect();
  MakeMember(*pair);
  for (int second = 0; second < 600; ++second) {
    pair->Send(40);
    now_ += absl::Seconds(1);
    table_.Look(pair->accepted(), now_);
    table_.Sweep(now_);
    ASSERT_FALSE(pair->IsCut());
  }
}

TEST_F(ConnectionTableTest, AStrangerWithoutACallGoesAfterAWhile) {
  const auto idle = Connect();
  const auto calling = Connect();
  Of(*calling)->OnCallBegan(now_);
  const auto member = Connect();
  MakeMember(*member);
  now_ += kStrangerIdleTimeout + absl::Seconds(1);
  table_.Sweep(now_);
  EXPECT_TRUE(idle->IsCut());
  EXPECT_FALSE(calling->IsCut());
  EXPECT_FALSE(member->IsCut());
}

TEST_F(ConnectionTableTest, AnotherFileUnderTheNumberOfAConnectionIsLeftAlone) {
  auto pair = Connect();
  const int number = pair->accepted();
  pair->Send(300 << 10);
  const auto other = std::make_unique<Pair>(listener_, "127.0.0.1");
  ASSERT_EQ(::dup2(other->accepted(), number), number);
  table_.Look(number, now_);
  table_.Sweep(now_ + absl::Minutes(1));
  EXPECT_FALSE(other->IsCut());
}

TEST(ConnectionBounds, LeaveDescriptorsForOthers) {
  const ConnectionBounds few = ConnectionBounds::For(Limits(), 256);
  EXPECT_LE(few.connections + kReservedConnections, 256 - 32);
  EXPECT_LT(few.strangers, few.connections);
  EXPECT_LT(few.strangers_per_address, few.strangers);
  const ConnectionBounds many = ConnectionBounds::For(Limits(), 1 << 20);
  EXPECT_EQ(many.strangers, 4096);
  EXPECT_EQ(many.strangers_per_address, 1024);
  EXPECT_GT(many.connections, 1000000);
}

}  // namespace
}  // namespace curatord
