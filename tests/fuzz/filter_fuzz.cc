// Feeds filters to server/filter: whatever the text, it is a filter or an error.
//
//   cmake -B build/fuzz -DCMAKE_CXX_COMPILER=clang++ -DCURATOR_FUZZ=ON \
//     -DCURATOR_SANITIZE=address,undefined
//   cmake --build build/fuzz --target filter_fuzz
//   build/fuzz/bin/filter_fuzz -dict=tests/fuzz/filter.dict -max_len=4096 \
//     build/fuzz/corpus tests/fuzz/filter_corpus
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "metropolis/management.pb.h"
#include "server/filter/filter.h"
#include "server/filter/work.h"

namespace {

using metropolis::proto::api::Node;

// Few steps, so that the fuzzer does not spend its time on nested loops.
constexpr int64_t kSteps = 20'000;

Node MakeNode() {
  Node node;
  node.set_pubkey("\x01\xff\x02");
  node.set_id("metropolis-abc");
  node.set_state(metropolis::proto::common::NODE_STATE_UP);
  node.set_health(Node::HEALTH_HEALTHY);
  node.mutable_time_since_heartbeat()->set_seconds(3);
  node.mutable_status()->set_external_address("10.8.0.2");
  node.mutable_status()->mutable_timestamp()->set_seconds(1234567890);
  node.mutable_status()->mutable_version()->mutable_release()->set_major(2);
  auto& member = *node.mutable_roles()->mutable_consensus_member();
  member.add_peers()->set_name("a");
  member.add_peers()->set_name("b");
  auto& label = *node.mutable_labels()->add_pairs();
  label.set_key("rack");
  label.set_value("1");
  return node;
}

void Evaluate(const curatord::filter::Filter& filter, const Node& node) {
  curatord::filter::Work work(kSteps);
  filter.Matches(node, work).status().IgnoreError();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Node* const full = new Node(MakeNode());
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<curatord::filter::Filter> filter =
      curatord::filter::Filter::Compile(text, Node::descriptor());
  if (!filter.ok()) {
    if (filter.status().code() != absl::StatusCode::kInvalidArgument) __builtin_trap();
    return 0;
  }
  Evaluate(*filter, *full);
  Evaluate(*filter, Node());
  return 0;
}
