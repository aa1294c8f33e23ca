// What a curator computes for each node, without network and store.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "benchmark/benchmark.h"
#include "libclient/identity/key.h"
#include "libclient/identity/node_id.h"
#include "metropolis/management.pb.h"
#include "server/filter/filter.h"
#include "server/nodes/cluster_state.h"
#include "server/nodes/node_record.h"
#include "server/store/keys.h"
#include "tests/bench/access.h"
#include "tests/bench/seed.h"
#include "tests/support/memory_store.h"

namespace curatord {
namespace {

using curator::bench::Must;

struct StoredRecord {
  std::string key;
  std::string value;
};

StoredRecord NewRecord(int number) {
  const std::string public_key = curator::identity::RandomBytes(curator::identity::kPublicKeySize);
  return {keys::Node(curator::identity::NodeIdFromPublicKey(public_key)),
          curator::bench::OrdinaryNode(public_key, public_key, number)};
}

void ParseRecord(benchmark::State& state) {
  const StoredRecord stored = NewRecord(1);
  for (auto _ : state) benchmark::DoNotOptimize(ParseNodeRecord(stored.key, stored.value, 1));
}
BENCHMARK(ParseRecord);

void ListedNode(benchmark::State& state) {
  const StoredRecord stored = NewRecord(1);
  const NodeRecord record = Must(ParseNodeRecord(stored.key, stored.value, 1), "a record");
  std::string bytes;
  for (auto _ : state) {
    bytes.clear();
    AppendManagementNode(
        record, [](int) { return true; }, &bytes);
    benchmark::DoNotOptimize(bytes);
  }
}
BENCHMARK(ListedNode);

void WatchedNode(benchmark::State& state) {
  const StoredRecord stored = NewRecord(1);
  const NodeRecord record = Must(ParseNodeRecord(stored.key, stored.value, 1), "a record");
  std::string bytes;
  for (auto _ : state) {
    bytes.clear();
    AppendWatchNode(record, &bytes);
    benchmark::DoNotOptimize(bytes);
  }
}
BENCHMARK(WatchedNode);

void FilteredNode(benchmark::State& state) {
  const StoredRecord stored = NewRecord(1);
  std::string bytes;
  AppendManagementNode(
      Must(ParseNodeRecord(stored.key, stored.value, 1), "a record"), [](int) { return true; },
      &bytes);
  metropolis::proto::api::Node node;
  node.ParseFromString(bytes);
  const auto filter = Must(filter::Filter::Compile("node.state == NODE_STATE_UP && "
                                                   "node.status.external_address.startsWith('10.')",
                                                   node.GetDescriptor()),
                           "the filter");
  for (auto _ : state) benchmark::DoNotOptimize(filter.Matches(node));
}
BENCHMARK(FilteredNode);

// A state of so many nodes, read from a store.
class StateOfNodes : public benchmark::Fixture {
 public:
  void SetUp(benchmark::State& state) override {
    store_ = std::make_unique<testing_support::MemoryStore>();
    for (int64_t i = 0; i < state.range(0); ++i) {
      last_ = NewRecord(static_cast<int>(i));
      revision_ = store_->Put(last_.key, last_.value);
    }
    Load();
  }
  void TearDown(benchmark::State&) override {
    cluster_.reset();
    store_.reset();
  }

 protected:
  // As a curator that starts: one that knows the revision already would not look.
  void Load() {
    cluster_ = std::make_unique<ClusterState>(store_.get());
    const absl::Status loaded = cluster_->Reload(absl::Now() + absl::Minutes(1));
    if (!loaded.ok()) curator::bench::Fail(loaded.ToString());
  }

  std::unique_ptr<testing_support::MemoryStore> store_;
  std::unique_ptr<ClusterState> cluster_;
  StoredRecord last_;
  int64_t revision_ = 0;
};

BENCHMARK_DEFINE_F(StateOfNodes, Reload)(benchmark::State& state) {
  for (auto _ : state) Load();
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK_DEFINE_F(StateOfNodes, Nodes)(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(cluster_->Nodes());
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK_DEFINE_F(StateOfNodes, OneChange)(benchmark::State& state) {
  int64_t seen = revision_;
  for (auto _ : state) {
    cluster_->ApplyCommitted({Operation::Put(last_.key, last_.value)}, ++revision_);
    benchmark::DoNotOptimize(cluster_->ChangesSince(&seen));
  }
}
BENCHMARK_REGISTER_F(StateOfNodes, Reload)->Arg(1000)->Arg(10000)->Arg(100000);
BENCHMARK_REGISTER_F(StateOfNodes, Nodes)->Arg(1000)->Arg(10000)->Arg(100000);
BENCHMARK_REGISTER_F(StateOfNodes, OneChange)->Arg(1000)->Arg(10000)->Arg(100000);

}  // namespace
}  // namespace curatord

BENCHMARK_MAIN();
