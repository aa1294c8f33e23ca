// Labels of nodes: which are valid, and how they change (protocol section 4,
// UpdateNodeLabels).
#ifndef SERVER_NODES_NODE_LABELS_H_
#define SERVER_NODES_NODE_LABELS_H_

#include <string>

#include "absl/strings/string_view.h"
#include "metropolis/management.pb.h"
#include "server/nodes/decision.h"

namespace curatord {

inline constexpr int kMaxLabels = 128;

// Why a label is invalid, or "" if it is not.
std::string LabelKeyFault(absl::string_view key);
std::string LabelValueFault(absl::string_view value);

// All or nothing.
Operations DecideLabels(const DecisionView& view,
                        const metropolis::proto::api::UpdateNodeLabelsRequest& request);

}  // namespace curatord

#endif  // SERVER_NODES_NODE_LABELS_H_
