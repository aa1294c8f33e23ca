// Calls to the leader: what is repeated, what is not, and through what failures.
#include <set>
#include <thread>

#include "libclient/net/leader_call.h"
#include "libclient/net/monotonic.h"
#include "tests/unit/net/client_fixture.h"
#include "tests/unit/net/sockets.h"

namespace curator {
namespace {

using testing_support::Call;
using testing_support::ClientTest;
using testing_support::NewLoopbackHost;
using testing_support::PausableProxy;
using testing_support::ScriptedCurator;
using testing_support::Verdictless;
using testing_support::WireNode;
namespace api = metropolis::proto::api;

grpc::Status Unavailable(const std::string& text) {
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, text);
}

class LeaderCall : public ClientTest {
 protected:
  net::FinderOptions FinderFor(const std::vector<ScriptedCurator*>& curators) const {
    net::FinderOptions options(ca_.ca());
    for (const ScriptedCurator* curator : curators) {
      options.seeds.push_back(*core::ParseEndpoint(curator->address()));
    }
    options.identity = ca_.IssueUser();
    return options;
  }

  static absl::Status Delete(net::LeaderFinder& finder, absl::Duration timeout) {
    api::DeleteNodeRequest request;
    request.set_id("metropolis-00000000000000000000000000000000");
    api::DeleteNodeResponse response;
    return net::CallLeader(finder, net::CallContext(Within(timeout)),
                           "metropolis.proto.api.Management.DeleteNode", request, &response);
  }
};

TEST_F(LeaderCall, ReportsFinalAnswersByTheirCause) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  auto client = NewClient({leader.address()});
  const struct {
    grpc::StatusCode code;
    ErrorCode expected;
  } cases[] = {
      {grpc::StatusCode::UNAUTHENTICATED, ErrorCode::kNoCredentials},
      {grpc::StatusCode::PERMISSION_DENIED, ErrorCode::kDenied},
      {grpc::StatusCode::NOT_FOUND, ErrorCode::kNotFound},
      {grpc::StatusCode::FAILED_PRECONDITION, ErrorCode::kRefused},
      {grpc::StatusCode::ABORTED, ErrorCode::kRefused},
      {grpc::StatusCode::ALREADY_EXISTS, ErrorCode::kRefused},
      {grpc::StatusCode::INVALID_ARGUMENT, ErrorCode::kInvalidArgument},
      {grpc::StatusCode::INTERNAL, ErrorCode::kInternal},
  };
  int calls = 0;
  for (const auto& c : cases) {
    leader.SetHandler([&](const Call&) { return grpc::Status(c.code, "because"); });
    const Error error = ErrorOf(client->GetRegisterTicket(Within(absl::Seconds(5))).status());
    EXPECT_EQ(error.code, c.expected);
    EXPECT_EQ(error.attempts, 1);
    EXPECT_TRUE(error.sent);
    EXPECT_EQ(leader.CountCalls("GetRegisterTicket"), ++calls);
  }
}

TEST_F(LeaderCall, RepeatsAReadUntilItIsAnswered) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  std::atomic<int> left{4};
  leader.SetHandler([&](const Call&) -> Verdictless {
    if (left-- > 0) return Unavailable("etcd is tired");
    return grpc::Status::OK;
  });
  auto client = NewClient({leader.address()});
  EXPECT_TRUE(client->ListNodes(Within(absl::Seconds(10))).ok());
  std::set<std::string> ids;
  for (const Call& call : leader.calls()) ids.insert(call.request_id);
  EXPECT_EQ(leader.calls().size(), 5u);
  EXPECT_EQ(ids.size(), 1u) << "every attempt of one call carries the same request id";
  EXPECT_EQ(ids.begin()->size(), 32u);
}

TEST_F(LeaderCall, ListStartsOverWhenItBreaksHalfWay) {
  ScriptedCurator& leader = AddCurator();
  leader.SetNodes({WireNode(std::string(32, 'a'), metropolis::proto::common::NODE_STATE_UP),
                   WireNode(std::string(32, 'b'), metropolis::proto::common::NODE_STATE_UP)});
  leader.Lead(7);
  std::atomic<int> left{3};
  leader.SetHandler([&](const Call&) -> Verdictless {
    if (left-- > 0) return Unavailable("broken after all nodes");
    return grpc::Status::OK;
  });
  auto client = NewClient({leader.address()});
  const absl::StatusOr<NodeList> list = client->ListNodes(Within(absl::Seconds(10)));
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->nodes.size(), 2u);
}

TEST_F(LeaderCall, DoesNotRepeatAtMostOnceCallThatMayHaveBeenExecuted) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  leader.SetHandler([&](const Call&) { return Unavailable("who knows"); });
  net::LeaderFinder finder(FinderFor({&leader}));
  const Error error = ErrorOf(Delete(finder, absl::Seconds(5)));
  EXPECT_EQ(error.code, ErrorCode::kUnknownOutcome);
  EXPECT_TRUE(error.sent);
  EXPECT_EQ(leader.CountCalls("DeleteNode"), 1);
}

TEST_F(LeaderCall, RepeatsAtMostOnceCallThatWasNotExecuted) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  std::atomic<int> left{2};
  leader.SetHandler([&](const Call&) -> Verdictless {
    if (left-- > 0) return Unavailable("lost leadership");
    return grpc::Status::OK;
  });
  net::LeaderFinder finder(FinderFor({&leader}));
  EXPECT_TRUE(Delete(finder, absl::Seconds(5)).ok());
  EXPECT_EQ(leader.CountCalls("DeleteNode"), 3);
}

TEST_F(LeaderCall, MethodThatALeaderLacksIsUnsupported) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  leader.SetHandler([&](const Call& call) -> Verdictless {
    if (call.method == "GetClusterInfo") return grpc::Status::OK;
    return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "unknown method");
  });
  net::LeaderFinder finder(FinderFor({&leader}));
  EXPECT_EQ(ErrorOf(Delete(finder, absl::Seconds(10))).code, ErrorCode::kUnsupported);
}

// 1. The old leader is cut off in the middle of a call, without a word.
// 2. Keepalive ends the connection.
// 3. The others know the new leader, and the call goes there.
TEST_F(LeaderCall, RidesOverALeaderThatStopsLikeAStoppedProcess) {
  ScriptedCurator& old_leader = AddCurator();
  ScriptedCurator& follower = AddCurator();
  old_leader.Lead(7);
  PausableProxy proxy(old_leader.host(), 7835);
  follower.FollowAddress(old_leader.node_id(), proxy.host(), 7835);
  ClientOptions options = OptionsFor({follower.address()});
  options.keepalive_time = absl::Milliseconds(200);
  options.keepalive_timeout = absl::Milliseconds(200);
  auto client = Create(options);
  ASSERT_TRUE(client->ListNodes(Within(absl::Seconds(5))).ok());
  proxy.Pause();
  std::thread election([&] { follower.Lead(8); });
  const absl::StatusOr<NodeList> list = client->ListNodes(Within(absl::Seconds(10)));
  election.join();
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->leader_id, follower.node_id());
}

// Without keepalive only the news of a new leader can move the call on.
TEST_F(LeaderCall, LeavesASupersededLeaderThatDoesNotAnswer) {
  ScriptedCurator& old_leader = AddCurator();
  ScriptedCurator& other = AddCurator();
  old_leader.Lead(7);
  other.Follow(old_leader);
  absl::Mutex mutex;
  bool arrived = false;
  old_leader.SetHandler([&](const Call&) -> Verdictless {
    absl::MutexLock lock(&mutex);
    arrived = true;
    return absl::nullopt;
  });
  ClientOptions options = OptionsFor({old_leader.address(), other.address()});
  options.keepalive_time = absl::InfiniteDuration();
  auto client = Create(options);
  std::thread election([&] {
    {
      absl::MutexLock lock(&mutex);
      mutex.Await(absl::Condition(&arrived));
    }
    other.Lead(8);
  });
  const absl::StatusOr<NodeList> list = client->ListNodes(Within(absl::Seconds(10)));
  election.join();
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->leader_id, other.node_id());
}

TEST_F(LeaderCall, SurvivesRestartsOfTheListenerWithCallsInFlight) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  auto client = NewClient({leader.address()});
  ASSERT_TRUE(client->ListNodes(Within(absl::Seconds(5))).ok());
  std::atomic<bool> stop{false};
  std::atomic<int> succeeded{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!stop) {
        const absl::StatusOr<NodeList> list = client->ListNodes(Within(absl::Seconds(20)));
        EXPECT_TRUE(list.ok()) << list.status();
        ++succeeded;
      }
    });
  }
  for (int i = 0; i < 10; ++i) {
    const int before = succeeded;
    leader.Restart();
    while (succeeded < before + 8) std::this_thread::yield();
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
}

TEST_F(LeaderCall, FollowsLeadershipFromNodeToNodeWithoutAFailure) {
  std::vector<ScriptedCurator*> curators;
  std::vector<std::string> endpoints;
  for (int i = 0; i < 3; ++i) {
    curators.push_back(&AddCurator());
    endpoints.push_back(curators.back()->address());
  }
  int64_t term = 10;
  curators[0]->Lead(term);
  curators[1]->Follow(*curators[0]);
  curators[2]->Follow(*curators[0]);
  auto client = NewClient(endpoints);
  std::atomic<bool> stop{false};
  std::atomic<int> succeeded{0};
  std::thread caller([&] {
    while (!stop) {
      const absl::Status status = client->GetClusterInfo(Within(absl::Seconds(20))).status();
      EXPECT_TRUE(status.ok()) << status;
      ++succeeded;
    }
  });
  for (int i = 1; i <= 6; ++i) {
    const int before = succeeded;
    curators[(i + 2) % 3]->Stop();  // the leader dies
    curators[i % 3]->Lead(++term);
    curators[(i + 1) % 3]->Follow(*curators[i % 3]);
    curators[(i + 2) % 3]->Follow(*curators[i % 3]);
    while (succeeded < before + 5) std::this_thread::yield();
  }
  stop = true;
  caller.join();
}

TEST_F(LeaderCall, KeepsItsDeadlineWhenTheLeaderDoesNotAnswer) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  leader.SetHandler([](const Call&) -> Verdictless { return absl::nullopt; });
  auto client = NewClient({leader.address()});
  const absl::Time began_at = absl::Now();
  const Error error = ErrorOf(client->ListNodes(Within(absl::Seconds(2))).status());
  const absl::Duration took = absl::Now() - began_at;
  EXPECT_EQ(error.code, ErrorCode::kTimeout);
  EXPECT_GE(took, absl::Milliseconds(1990));
  EXPECT_LT(took, absl::Seconds(2) + testing_support::kSlack);
}

TEST_F(LeaderCall, CancellationEndsItWhileItSearches) {
  auto client = NewClient({NewLoopbackHost()});
  CallOptions options;
  options.timeout = absl::InfiniteDuration();
  options.cancellation = Cancellation();
  std::thread canceller([&] { options.cancellation->Cancel(); });
  EXPECT_EQ(ErrorOf(client->ListNodes(options).status()).code, ErrorCode::kCancelled);
  canceller.join();
  EXPECT_EQ(ErrorOf(client->ListNodes(options).status()).code, ErrorCode::kCancelled);
}

TEST_F(LeaderCall, CancellationEndsItWhileTheLeaderThinks) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  CallOptions options;
  options.timeout = absl::InfiniteDuration();
  options.cancellation = Cancellation();
  std::atomic<bool> arrived{false};
  leader.SetHandler([&](const Call&) -> Verdictless {
    arrived.store(true);
    return absl::nullopt;
  });
  std::thread canceller([&] {
    while (!arrived) std::this_thread::yield();
    options.cancellation->Cancel();
  });
  auto client = NewClient({leader.address()});
  EXPECT_EQ(ErrorOf(client->ListNodes(options).status()).code, ErrorCode::kCancelled);
  canceller.join();
}

TEST_F(LeaderCall, DestroyingABusyClientEndsItsOperations) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  std::atomic<int> arrived{0};
  leader.SetHandler([&](const Call&) -> Verdictless {
    ++arrived;
    return absl::nullopt;
  });
  auto busy = NewClient({leader.address()});
  ClientOptions options = OptionsFor({NewLoopbackHost()});
  std::atomic<bool> searches{false};
  options.on_progress = [&](const Progress&) { searches = true; };
  auto searching = Create(options);
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([client = busy.get()] {
      EXPECT_EQ(ErrorOf(client->ListNodes(Within(absl::Minutes(5))).status()).code,
                ErrorCode::kCancelled);
    });
  }
  callers.emplace_back([client = searching.get()] {
    EXPECT_EQ(ErrorOf(client->ListNodes(Within(absl::Minutes(5))).status()).code,
              ErrorCode::kCancelled);
  });
  while (arrived < 3 || !searches) std::this_thread::yield();
  busy.reset();
  searching.reset();
  for (std::thread& caller : callers) caller.join();
}

TEST_F(LeaderCall, AgentModeKeepsTheConnectionAndNoStream) {
  ScriptedCurator& leader = AddCurator();
  ScriptedCurator& follower = AddCurator();
  leader.Lead(7);
  follower.Follow(leader);
  net::FinderOptions options = FinderFor({&leader, &follower});
  options.hold = net::Hold::kConnectionOnly;
  options.keepalive_time = absl::InfiniteDuration();
  net::LeaderFinder finder(options);
  const auto deadline = core::After(net::Now(), absl::Seconds(5));
  const auto first = finder.WaitForLeader(deadline, std::stop_token());
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->node_id, leader.node_id());
  EXPECT_EQ(first->term, 7);
  ASSERT_TRUE(Delete(finder, absl::Seconds(5)).ok());
  const auto again = finder.WaitForLeader(deadline, std::stop_token());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->dial_id, first->dial_id);

  leader.Stop();
  follower.Lead(8);
  finder.ReportBroken(*again, "no answer to a heartbeat");
  const auto next = finder.WaitForLeader(deadline, std::stop_token());
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->node_id, follower.node_id());
}

// A curator's own agent knows where it listens, and is told what it advertises.
TEST_F(LeaderCall, AgentModeDialsAnotherAddressOfItsLeaderOnce) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  PausableProxy other_address(leader.host(), 7835);
  net::FinderOptions options = FinderFor({&leader});
  options.hold = net::Hold::kConnectionOnly;
  net::LeaderFinder finder(options);
  const auto deadline = core::After(net::Now(), absl::Seconds(20));
  ASSERT_TRUE(finder.WaitForLeader(deadline, std::stop_token()).ok());
  finder.HintLeader(*core::ParseEndpoint(other_address.address()));
  while (other_address.connections() == 0 && net::Now() < deadline) std::this_thread::yield();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Delete(finder, absl::Seconds(20)).ok());
  EXPECT_EQ(other_address.connections(), 1);
}

class Approve : public LeaderCall {
 protected:
  const std::string key_ = std::string(32, 'k');
  api::Node InState(metropolis::proto::common::NodeState state) const {
    return WireNode(key_, state);
  }
};

TEST_F(Approve, TellsAppliedFromUnchanged) {
  ScriptedCurator& leader = AddCurator();
  leader.Lead(7);
  auto client = NewClient({leader.address()});
  leader.SetNodes({InState(metropolis::proto::common::NODE_STATE_NEW)});
  absl::StatusOr<ApproveResult> result = client->ApproveNode(key_, Within(absl::Seconds(5)));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kApplied);
  EXPECT_EQ(result->state_after, NodeState::kStandby);
  leader.SetNodes({InState(metropolis::proto::common::NODE_STATE_UP)});
  result = client->ApproveNode(key_, Within(absl::Seconds(5)));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->outcome, ChangeOutcome::kUnchanged);
  EXPECT_EQ(result->state_after, NodeState::kUp);
  leader.SetNodes({});
  EXPECT_EQ(ErrorOf(client->ApproveNode(key_, Within(absl::Seconds(5))).status()).code,
            ErrorCode::kNotFound);
  EXPECT_EQ(ErrorOf(client->ApproveNode("short").status()).code, ErrorCode::kInvalidArgument);
}

TEST_F(Approve, ReadsBackWhatBecameOfALostAnswer) {
  ScriptedCurator& leader = AddCurator();
  leader.SetNodes({InState(metropolis::proto::common::NODE_STATE_NEW)});
  leader.Lead(7);
  leader.SetHandler([&](const Call& call) -> Verdictless {
    if (call.method != "ApproveNode") return grpc::Status::OK;
    leader.SetNodes({InState(metropolis::proto::common::NODE_STATE_STANDBY)});
    return absl::nullopt;  // done, and never said
  });
  auto client = NewClient({leader.address()});
  const absl::StatusOr<ApproveResult> result = client->ApproveNode(key_, Within(absl::Seconds(1)));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, ChangeOutcome::kApplied);
  EXPECT_EQ(result->state_after, NodeState::kStandby);
}

TEST_F(Approve, SaysUnknownWhenTheRequestMayYetArrive) {
  ScriptedCurator& leader = AddCurator();
  leader.SetNodes({InState(metropolis::proto::common::NODE_STATE_NEW)});
  leader.Lead(7);
  leader.SetHandler([&](const Call& call) -> Verdictless {
    if (call.method != "ApproveNode") return grpc::Status::OK;
    return absl::nullopt;
  });
  auto client = NewClient({leader.address()});
  const Error error = ErrorOf(client->ApproveNode(key_, Within(absl::Seconds(1))).status());
  EXPECT_EQ(error.code, ErrorCode::kUnknownOutcome);
  EXPECT_THAT(error.cause, testing::HasSubstr("still NEW"));
}

}  // namespace
}  // namespace curator
