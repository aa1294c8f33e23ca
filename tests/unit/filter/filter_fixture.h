// Says what a filter makes of a node, in a word or in a message.
#ifndef TESTS_UNIT_FILTER_FILTER_FIXTURE_H_
#define TESTS_UNIT_FILTER_FILTER_FIXTURE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "metropolis/management.pb.h"
#include "server/filter/filter.h"

namespace curatord::filter {

// A node with most of its fields set.
inline metropolis::proto::api::Node SampleNode() {
  metropolis::proto::api::Node node;
  node.set_pubkey("\x01\xff\x02");
  node.set_id("metropolis-abc");
  node.set_state(metropolis::proto::common::NODE_STATE_UP);
  node.set_health(metropolis::proto::api::Node::HEALTH_HEALTHY);
  node.set_tpm_usage(metropolis::proto::common::NODE_TPM_USAGE_PRESENT_AND_USED);
  node.mutable_time_since_heartbeat()->set_seconds(3);
  node.mutable_time_since_heartbeat()->set_nanos(500'000'000);
  auto& status = *node.mutable_status();
  status.set_external_address("10.8.0.2");
  status.mutable_running_curator()->set_port(7835);
  status.mutable_timestamp()->set_seconds(1234567890);
  status.mutable_version()->mutable_release()->set_major(2);
  status.mutable_version()->mutable_git_information()->set_commits_since_release(7);
  auto& member = *node.mutable_roles()->mutable_consensus_member();
  for (const char* name : {"a", "b"}) {
    auto& peer = *member.add_peers();
    peer.set_name(name);
    peer.set_url(std::string("https://") + name);
  }
  for (const char* key : {"rack", "zone"}) {
    auto& label = *node.mutable_labels()->add_pairs();
    label.set_key(key);
    label.set_value(std::string(key) + "-1");
  }
  return node;
}

inline absl::StatusOr<Filter> CompileForNode(absl::string_view text) {
  return Filter::Compile(text, metropolis::proto::api::Node::descriptor());
}

// "true", "false", or the message of the first error, "compile: " before it if it is
// the text's.
inline std::string Outcome(absl::string_view text,
                           const metropolis::proto::api::Node& node = SampleNode()) {
  const absl::StatusOr<Filter> filter = CompileForNode(text);
  if (!filter.ok()) {
    EXPECT_EQ(filter.status().code(), absl::StatusCode::kInvalidArgument);
    return "compile: " + std::string(filter.status().message());
  }
  const absl::StatusOr<bool> matches = filter->Matches(node);
  if (!matches.ok()) return std::string(matches.status().message());
  return *matches ? "true" : "false";
}

}  // namespace curatord::filter

#endif  // TESTS_UNIT_FILTER_FILTER_FIXTURE_H_
