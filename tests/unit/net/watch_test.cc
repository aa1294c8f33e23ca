// Watches: what is told, through which failures, and how they end.
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "tests/unit/net/client_fixture.h"

namespace curator {
namespace {

using testing::ElementsAre;
using testing_support::Call;
using testing_support::ClientTest;
using testing_support::kSlack;
using testing_support::NewLoopbackHost;
using testing_support::ScriptedCurator;
using testing_support::Verdictless;
namespace common = metropolis::proto::common;
using WatchMessage = metropolis::node::core::curator::proto::api::WatchEvent;

constexpr absl::Duration kPatience = absl::Seconds(20);

// Lines as they are told, on one thread, and waited for on another.
class Lines {
 public:
  void Add(std::string line) {
    absl::MutexLock lock(&mutex_);
    lines_.push_back(std::move(line));
  }
  // The lines once there are so many; fails after a while.
  std::vector<std::string> Await(size_t count) {
    const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return lines_.size() >= count;
    };
    absl::MutexLock lock(&mutex_);
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&enough), kPatience));
    return lines_;
  }
  std::vector<std::string> AwaitAfter(size_t before, size_t count) {
    std::vector<std::string> lines = Await(before + count);
    lines.erase(lines.begin(), lines.begin() + static_cast<long>(std::min(before, lines.size())));
    return lines;
  }

 private:
  absl::Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

WatchMessage Message(const std::vector<std::pair<std::string, common::NodeState>>& nodes,
                     const std::vector<std::string>& deleted = {}) {
  WatchMessage message;
  for (const auto& [id, state] : nodes) {
    auto* node = message.add_nodes();
    node->set_id(id);
    node->set_state(state);
  }
  for (const std::string& id : deleted) message.add_node_tombstones()->set_node_id(id);
  return message;
}

WatchMessage Last(WatchMessage message) {
  message.set_progress(WatchMessage::PROGRESS_LAST_BACKLOGGED);
  return message;
}

std::string LineOf(const NodeEvent& event) {
  std::string line = ToString(event.kind);
  if (event.previous.has_value()) {
    absl::StrAppend(&line, " ", event.previous->id, " was ", ToString(event.previous->state));
  }
  if (event.node.has_value()) {
    absl::StrAppend(&line, " ", event.node->id, " is ", ToString(event.node->state));
  }
  return line;
}

// A watch on a thread of its own, ended by Cancel or by itself.
class RunningWatch {
 public:
  using OnEvent = std::function<void(const NodeEvent&)>;

  explicit RunningWatch(Client& client, absl::Duration timeout = absl::InfiniteDuration(),
                        OnEvent also = {})
      : also_(std::move(also)), thread_([this, &client, timeout] {
          CallOptions options;
          options.timeout = timeout;
          options.cancellation = cancellation_;
          status_ = client.WatchNodes(
              [this](const NodeEvent& event) {
                lines_.Add(LineOf(event));
                if (also_) also_(event);
              },
              options);
          ended_.Notify();
        }) {}
  ~RunningWatch() {
    cancellation_.Cancel();
    thread_.join();
  }

  Lines& lines() { return lines_; }
  void Cancel() { cancellation_.Cancel(); }
  Error AwaitEnd() {
    EXPECT_TRUE(ended_.WaitForNotificationWithTimeout(kPatience));
    return ended_.HasBeenNotified() && !status_.ok() ? DescribeError(status_) : Error();
  }

 private:
  const OnEvent also_;
  const Cancellation cancellation_;
  Lines lines_;
  absl::Status status_;  // once ended
  absl::Notification ended_;
  std::thread thread_;
};

class WatchNodes : public ClientTest {};

TEST_F(WatchNodes, TellsEveryNodeAndThenEachChange) {
  ScriptedCurator& leader = AddCurator();
  leader.SetBacklog(
      {Message({{"a", common::NODE_STATE_NEW}}), Last(Message({{"b", common::NODE_STATE_UP}}))});
  leader.Lead(7);
  auto client = NewClient({leader.address()});
  RunningWatch watch(*client);
  EXPECT_THAT(watch.lines().Await(3), ElementsAre("ADDED a is NEW", "ADDED b is UP", "SYNCED"));
  leader.Push(Message({{"a", common::NODE_STATE_STANDBY}, {"b", common::NODE_STATE_UP}}));
  leader.Push(Message({{"c", common::NODE_STATE_NEW}}, {"b", "unknown"}));
  EXPECT_THAT(watch.lines().AwaitAfter(3, 3),
              ElementsAre("MODIFIED a was NEW a is STANDBY", "ADDED c is NEW", "DELETED b was UP"));
}

TEST_F(WatchNodes, AClusterWithoutNodesIsSynced) {
  ScriptedCurator& leader = AddCurator();
  leader.SetBacklog({Last(WatchMessage())});
  leader.Lead(7);
  auto client = NewClient({leader.address()});
  RunningWatch watch(*client);
  EXPECT_THAT(watch.lines().Await(1), ElementsAre("SYNCED"));
}

// What was deleted, added and changed while nobody led is told once, and what is
// as it was is not told again.
TEST_F(WatchNodes, TellsOnlyTheDifferenceAfterAFailover) {
  ScriptedCurator& first = AddCurator();
  ScriptedCurator& second = AddCurator();
  first.SetBacklog({Last(Message({{"a", common::NODE_STATE_NEW},
                                  {"b", common::NODE_STATE_UP},
                                  {"c", common::NODE_STATE_UP}}))});
  second.SetBacklog({Message({{"a", common::NODE_STATE_STANDBY}}),
                     Message({{"b", common::NODE_STATE_UP}}),
                     Last(Message({{"d", common::NODE_STATE_NEW}}))});
  first.Lead(7);
  second.Follow(first);
  auto client = NewClient({first.address(), second.address()});
  RunningWatch watch(*client);
  watch.lines().Await(4);
  first.Stop();
  second.Lead(8);
  EXPECT_THAT(watch.lines().AwaitAfter(4, 6),
              ElementsAre("LEADER_CHANGED", "RECONNECTED", "MODIFIED a was NEW a is STANDBY",
                          "ADDED d is NEW", "DELETED c was UP", "SYNCED"));
  second.Push(Message({}, {"c", "d"}));
  EXPECT_THAT(watch.lines().AwaitAfter(10, 1), ElementsAre("DELETED d was NEW"));
}

TEST_F(WatchNodes, ARestartedListenerOfTheSameLeaderIsNoChangeOfLeader) {
  ScriptedCurator& leader = AddCurator();
  leader.SetBacklog({Last(Message({{"a", common::NODE_STATE_UP}}))});
  leader.Lead(7);
  auto client = NewClient({leader.address()});
  RunningWatch watch(*client);
  for (size_t told = 2; told < 12; told += 2) {
    watch.lines().Await(told);
    leader.Restart();
    EXPECT_THAT(watch.lines().AwaitAfter(told, 2), ElementsAre("RECONNECTED", "SYNCED"));
  }
}

// 1. a and b are known.
// 2. The next stream breaks after a, before the backlog is whole: b may follow.
// 3. The stream after it is whole, and b was not in it.
TEST_F(WatchNodes, HalfABacklogDeletesNothing) {
  ScriptedCurator& leader = AddCurator();
  leader.SetBacklog({Last(Message({{"a", common::NODE_STATE_UP}, {"b", common::NODE_STATE_UP}}))});
  leader.Lead(7);
  auto client = NewClient({leader.address()});
  RunningWatch watch(*client);
  watch.lines().Await(3);
  leader.SetBacklog({Message({{"a", common::NODE_STATE_UP}})});
  leader.Restart();
  EXPECT_THAT(watch.lines().AwaitAfter(3, 1), ElementsAre("RECONNECTED"));
  leader.SetBacklog({Last(Message({{"a", common::NODE_STATE_UP}}))});
  leader.Restart();
  EXPECT_THAT(watch.lines().AwaitAfter(4, 3),
              ElementsAre("RECONNECTED", "DELETED b was UP", "SYNCED"));
}

TEST_F(WatchNodes, LeavesALeaderThatNeverSpeaks) {
  ScriptedCurator& leader = AddCurator();
  leader.SetBacklog({Last(Message({{"a", common::NODE_STATE_UP}}))});
  leader.Lead(7);
  std::atomic<int> silent{2};
  leader.SetHandler([&](const Call& call) -> Verdictless {
    if (call.method == "Watch" && silent-- > 0) return absl::nullopt;
    return grpc::Status::OK;
  });
  ClientOptions options = OptionsFor({leader.address()});
  options.connect_timeout = absl::Seconds(1);
  auto client = Create(options);
  RunningWatch watch(*client);
  EXPECT_THAT(watch.lines().Await(2), ElementsAre("ADDED a is UP", "SYNCED"));
  EXPECT_EQ(leader.CountCalls("Watch"), 3);
}

// Nothing piles up here: what is not read stays with the server, and other calls
// go on.
TEST_F(WatchNodes, ASlowReaderHoldsTheServerUpAndLosesNothing) {
  constexpr int kMessages = 64;
  ScriptedCurator& leader = AddCurator();
  leader.SetBacklog({Last(WatchMessage())});
  leader.Lead(7);
  auto client = NewClient({leader.address()});
  absl::Notification reached;
  absl::Notification go_on;
  RunningWatch watch(*client, absl::InfiniteDuration(), [&](const NodeEvent& event) {
    if (event.kind != NodeEvent::Kind::kSynced) return;
    reached.Notify();
    go_on.WaitForNotification();
  });
  ASSERT_TRUE(reached.WaitForNotificationWithTimeout(kPatience));
  for (int i = 0; i < kMessages; ++i) {
    WatchMessage message = Message({{absl::StrCat("n", i), common::NODE_STATE_UP}});
    auto* pair = message.mutable_nodes(0)->mutable_labels()->add_pairs();
    pair->set_key("large");
    pair->set_value(std::string(256 << 10, 'x'));
    leader.Push(message);
  }
  EXPECT_TRUE(client->ListNodes(Within(kPatience)).ok());
  EXPECT_GT(leader.unsent_watch_events(), 0);
  go_on.Notify();
  EXPECT_EQ(watch.lines().AwaitAfter(1, kMessages).back(),
            absl::StrCat("ADDED n", kMessages - 1, " is UP"));
}

TEST_F(WatchNodes, EndsWithItsTime) {
  ScriptedCurator& leader = AddCurator();
  leader.SetBacklog({Last(WatchMessage())});
  leader.Lead(7);
  auto client = NewClient({leader.address()});
  RunningWatch watch(*client, kSlack);
  EXPECT_EQ(watch.AwaitEnd().code, ErrorCode::kTimeout);
}

TEST_F(WatchNodes, ThatNeverFoundALeaderSaysWhy) {
  auto client = NewClient({NewLoopbackHost()});
  RunningWatch watch(*client, kSlack);
  const Error error = watch.AwaitEnd();
  EXPECT_EQ(error.code, ErrorCode::kUnreachable);
  ASSERT_EQ(error.endpoints.size(), 1U);
  EXPECT_EQ(error.endpoints[0].verdict, Verdict::kRefused);
}

TEST_F(WatchNodes, FinalRefusalsEndIt) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  leader.SetHandler([](const Call&) -> Verdictless {
    return grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "not you");
  });
  auto client = NewClient({leader.address()});
  RunningWatch watch(*client);
  EXPECT_EQ(watch.AwaitEnd().code, ErrorCode::kDenied);
  EXPECT_EQ(leader.CountCalls("Watch"), 1);
}

TEST_F(WatchNodes, CancellationEndsItAtAnyTime) {
  ScriptedCurator& leader = AddCurator();
  leader.SetBacklog({Last(Message({{"a", common::NODE_STATE_UP}}))});
  leader.Lead(7);
  auto client = NewClient({leader.address()});
  {
    RunningWatch watch(*client);  // while it connects
    watch.Cancel();
    EXPECT_EQ(watch.AwaitEnd().code, ErrorCode::kCancelled);
  }
  {
    RunningWatch watch(*client);  // while nothing happens
    watch.lines().Await(2);
    watch.Cancel();
    EXPECT_EQ(watch.AwaitEnd().code, ErrorCode::kCancelled);
  }
  {
    CallOptions options;  // by whom it tells: then it tells no more
    options.timeout = absl::InfiniteDuration();
    options.cancellation = Cancellation();
    int told = 0;
    const absl::Status status = client->WatchNodes(
        [&](const NodeEvent&) {
          ++told;
          options.cancellation->Cancel();
        },
        options);
    EXPECT_EQ(ErrorOf(status).code, ErrorCode::kCancelled);
    EXPECT_EQ(told, 1);
  }
  leader.Stop();
  {
    RunningWatch watch(*client);  // while it searches
    watch.Cancel();
    EXPECT_EQ(watch.AwaitEnd().code, ErrorCode::kCancelled);
  }
}

TEST_F(WatchNodes, DestroyingItsClientEndsIt) {
  ScriptedCurator& leader = AddCurator();
  leader.SetBacklog({Last(WatchMessage())});
  leader.Lead(7);
  auto client = NewClient({leader.address()});
  RunningWatch watch(*client);
  watch.lines().Await(1);
  client.reset();
  EXPECT_EQ(watch.AwaitEnd().code, ErrorCode::kCancelled);
}

// Progress is for those who wait: a watch does not while its leader leads.
TEST_F(WatchNodes, TellsProgressOnlyWhileNobodyLeads) {
  ScriptedCurator& leader = AddCurator();
  leader.SetBacklog({Last(WatchMessage())});
  leader.Lead(7);
  ClientOptions options = OptionsFor({leader.address()});
  absl::Notification told;
  std::atomic<bool> counts{false};
  options.on_progress = [&](const Progress&) {
    if (counts && !told.HasBeenNotified()) told.Notify();
  };
  auto client = Create(options);
  RunningWatch watch(*client);
  watch.lines().Await(1);
  counts = true;
  EXPECT_FALSE(told.WaitForNotificationWithTimeout(absl::Milliseconds(1200)));
  leader.Stop();
  EXPECT_TRUE(told.WaitForNotificationWithTimeout(kPatience));
}

class WatchLeader : public ClientTest {
 protected:
  struct Running {
    explicit Running(Client& client, absl::Duration timeout = absl::InfiniteDuration())
        : thread([this, &client, timeout] {
            CallOptions options;
            options.timeout = timeout;
            options.cancellation = cancellation;
            status = client.WatchLeader(
                [this](const absl::optional<Leader>& leader) {
                  lines.Add(leader.has_value() ? leader->id : "nobody");
                },
                options);
          }) {}
    void Join() {
      if (thread.joinable()) thread.join();
    }
    ~Running() {
      cancellation.Cancel();
      Join();
    }
    const Cancellation cancellation;
    Lines lines;
    absl::Status status;
    std::thread thread;
  };
};

TEST_F(WatchLeader, TellsWhoLeadsAndWhenNobodyDoes) {
  ScriptedCurator& first = AddCurator();
  ScriptedCurator& second = AddCurator();
  first.Lead(7);
  second.Follow(first);
  auto client = NewClient({first.address(), second.address()});
  Running watch(*client);
  EXPECT_THAT(watch.lines.Await(1), ElementsAre(first.node_id()));
  first.Stop();
  EXPECT_THAT(watch.lines.Await(2), ElementsAre(first.node_id(), "nobody"));
  second.Lead(8);
  EXPECT_THAT(watch.lines.Await(3), ElementsAre(first.node_id(), "nobody", second.node_id()));
  watch.cancellation.Cancel();
  watch.Join();
  EXPECT_EQ(ErrorOf(watch.status).code, ErrorCode::kCancelled);
}

TEST_F(WatchLeader, AClaimThatIsNotBorneOutIsNotTold) {
  ScriptedCurator& leader = AddCurator();
  ScriptedCurator& liar = AddCurator();
  liar.ClaimFalsely(1000);
  leader.Lead(9);
  auto client = NewClient({liar.address(), leader.address()});
  Running watch(*client);
  EXPECT_EQ(watch.lines.Await(1).front(), leader.node_id());
}

TEST_F(WatchLeader, EndsWithItsTimeOrSaysWhyThereWasNone) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  auto client = NewClient({leader.address()});
  Running watch(*client, kSlack);
  watch.Join();
  EXPECT_EQ(ErrorOf(watch.status).code, ErrorCode::kTimeout);
  auto lonely = NewClient({NewLoopbackHost()});
  Running nobody(*lonely, kSlack);
  nobody.Join();
  EXPECT_EQ(ErrorOf(nobody.status).code, ErrorCode::kUnreachable);
}

}  // namespace
}  // namespace curator
