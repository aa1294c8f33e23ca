#include "server/leader/node_listing.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/wire_format.h"

namespace curatord {
namespace {

using metropolis::proto::api::Node;
using metropolis::proto::common::NODE_STATE_UP;

// What one listing may cost that filters: about a second. A filter of a few comparisons
// takes some ten steps a node.
constexpr int64_t kFilterSteps = 20'000'000;
// Steps, or nodes that are passed over, after which a thread that others wait for has
// done enough: about a millisecond. One node may take filter::kStepsPerMessage, some more.
constexpr int64_t kStepsAtOnce = 20'000;
constexpr size_t kNodesAtOnce = 256;

void AppendVitals(const Heartbeats::Vitals& vitals, std::string* node) {
  using google::protobuf::Duration;
  AppendVarintField(Node::kHealthFieldNumber, static_cast<uint64_t>(vitals.health), node);
  if (!vitals.age.has_value()) return;
  const int64_t seconds = absl::ToInt64Seconds(*vitals.age);
  const int64_t nanos = absl::ToInt64Nanoseconds(*vitals.age - absl::Seconds(seconds));
  std::string age;
  AppendVarintField(Duration::kSecondsFieldNumber, static_cast<uint64_t>(seconds), &age);
  AppendVarintField(Duration::kNanosFieldNumber, static_cast<uint64_t>(nanos), &age);
  AppendField(Node::kTimeSinceHeartbeatFieldNumber, age, node);
}

}  // namespace

NodeListing::NodeListing(const Heartbeats* heartbeats)
    : heartbeats_(heartbeats), work_(kFilterSteps), pause_at_(kFilterSteps - kStepsAtOnce) {}

absl::Status NodeListing::SelectBy(const std::string& filter) {
  absl::StatusOr<filter::Filter> compiled = filter::Filter::Compile(filter, Node::descriptor());
  if (!compiled.ok()) {
    return absl::Status(compiled.status().code(),
                        absl::StrCat("filter: ", compiled.status().message()));
  }
  filter_ = *std::move(compiled);
  return absl::OkStatus();
}

absl::StatusOr<NodeListing::Found> NodeListing::Next() {
  for (size_t seen = 0; seen < kNodesAtOnce && work_.left() > pause_at_ && next_ < nodes_->size();
       ++seen) {
    const NodeRecord& record = *(*nodes_)[next_++];
    const Heartbeats::Vitals vitals =
        heartbeats_->VitalsOf(record.id, record.state == NODE_STATE_UP);
    if (filter_.has_value()) {
      const absl::StatusOr<bool> matches = Matches(record, vitals);
      if (!matches.ok()) {
        return absl::Status(
            matches.status().code(),
            absl::StrCat("filter: ", matches.status().message(), ", of node ", record.id));
      }
      if (!*matches) continue;
    }
    node_.clear();
    AppendManagementNode(
        record, [](int) { return true; }, &node_);
    AppendVitals(vitals, &node_);
    return Found::kNode;
  }
  if (next_ == nodes_->size()) return Found::kEnd;
  pause_at_ = work_.left() - kStepsAtOnce;
  return Found::kNotYet;
}

absl::StatusOr<bool> NodeListing::Matches(const NodeRecord& record,
                                          const Heartbeats::Vitals& vitals) {
  field_bytes_.clear();
  AppendManagementNode(
      record, [this](int number) { return filter_->DependsOn(number); }, &field_bytes_);
  AppendVitals(vitals, &field_bytes_);
  fields_.ParseFromString(field_bytes_);
  return filter_->Matches(fields_, work_);
}

}  // namespace curatord
