// What a decision may look at: the committed state, overlaid with what earlier
// decisions of the same transaction are about to write. Not thread-safe; of one
// transaction of the write lane.
#ifndef SERVER_NODES_DECISION_VIEW_H_
#define SERVER_NODES_DECISION_VIEW_H_

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "metropolis/storage.pb.h"
#include "server/nodes/cluster_state.h"
#include "server/store/store.h"

namespace curatord {

class DecisionView {
 public:
  explicit DecisionView(const ClusterState* state) : state_(state) {}

  // Null if there is no such node. Valid as long as the view.
  const curator::storage::Node* FindNode(absl::string_view id) const;
  // Any node that has `text` somewhere in it and for which `wanted` holds, or null.
  // Looks at all of them.
  const curator::storage::Node* FindNodeIf(
      absl::string_view text,
      const std::function<bool(const curator::storage::Node&)>& wanted) const;
  // Value of a key that is not a node's.
  absl::optional<std::string> Find(absl::string_view key) const;
  // The same of a key that others than the leader may write: what is decided is carried out
  // only if it is still so then, and is UNAVAILABLE otherwise.
  absl::optional<std::string> FindGuarded(absl::string_view key) const;
  std::vector<Guard> guards() const;

  // How many nodes are NEW.
  int64_t new_nodes() const { return state_->new_nodes() + new_nodes_overlaid_; }

  void Overlay(const std::vector<Operation>& operations);

 private:
  // Whether the node of this key is NEW, with what is overlaid.
  bool IsNew(const std::string& key, absl::string_view id) const;

  const ClusterState* const state_;
  // By key; none: deleted.
  absl::btree_map<std::string, absl::optional<std::string>> overlay_;
  int64_t new_nodes_overlaid_ = 0;                         // more than the state has, or fewer
  mutable absl::btree_map<std::string, int64_t> guarded_;  // mod revisions of keys
  mutable std::deque<curator::storage::Node> held_;        // what FindNode has returned
};

}  // namespace curatord

#endif  // SERVER_NODES_DECISION_VIEW_H_
