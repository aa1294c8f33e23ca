// A client with more calls at a time than a server takes on one connection.
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "curator/client.h"
#include "tests/cluster/test_curator.h"
#include "tests/support/memory_store.h"

namespace curatord {
namespace {

using testing_support::kEventually;
using testing_support::MemoryStore;
using testing_support::TestCluster;
using testing_support::TestCurator;
using testing_support::TestNode;

// gRPC would let a call wait behind streams that stand for hours.
TEST(ManyCalls, AShortOneIsAnsweredBeside300WatchesSlow) {
  const TestCluster cluster;
  const TestNode node;
  MemoryStore store;
  cluster.WriteTo(&store, {&node});
  TestCurator curator(&cluster, &node, &store);
  curator.Start();
  curator.WaitToServe(Role::Kind::kLeader);

  curator::ClientOptions options;
  options.endpoints = {curator.address()};
  options.ca = cluster.ca();
  options.identity = cluster.OwnerIdentity();
  absl::StatusOr<std::unique_ptr<curator::Client>> client =
      curator::Client::Create(std::move(options));
  ASSERT_TRUE(client.ok()) << client.status();

  constexpr int kWatches = 300;
  absl::BlockingCounter synced(kWatches);
  curator::CallOptions until_cancelled;
  until_cancelled.timeout = absl::InfiniteDuration();
  until_cancelled.cancellation.emplace();
  std::vector<std::thread> watches;
  for (int i = 0; i < kWatches; ++i) {
    watches.emplace_back([&] {
      bool told = false;
      const absl::Status ended = (*client)->WatchNodes(
          [&](const curator::NodeEvent& event) {
            if (event.kind == curator::NodeEvent::Kind::kSynced && !std::exchange(told, true)) {
              synced.DecrementCount();
            }
          },
          until_cancelled);
      EXPECT_EQ(curator::DescribeError(ended).code, curator::ErrorCode::kCancelled);
    });
  }
  synced.Wait();
  curator::CallOptions soon;
  soon.timeout = kEventually;
  EXPECT_TRUE((*client)->GetClusterInfo(soon).ok());
  EXPECT_TRUE((*client)->ListNodes(soon).ok());
  until_cancelled.cancellation->Cancel();
  for (std::thread& watch : watches) watch.join();
}

}  // namespace
}  // namespace curatord
