#include "server/leader/paced_writes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/boot_clock.h"
#include "server/rpc/rpc_error.h"

namespace curatord {

PacedWrites::PacedWrites(Leadership* leadership, const Limits& limits)
    : leadership_(leadership),
      burst_(static_cast<double>(limits.node_write_burst)),
      per_second_(static_cast<double>(limits.node_writes_per_second)),
      thread_([this] { Run(); }) {}

void PacedWrites::Write(const std::string& node_id, Kind kind, Leadership::Decision decide,
                        Leadership::Done done, size_t bytes) {
  absl::Status refused;
  {
    absl::MutexLock lock(&mutex_);
    const absl::Duration now = BootTime();
    if (nodes_.size() >= sweep_at_) ForgetTheQuiet(now);
    Node& node = nodes_.try_emplace(node_id, Node{burst_, now, {}}).first->second;
    const bool replaces =
        kind == Kind::kNewest && !node.waiting.empty() && node.waiting.back().kind == kind;
    if (stopping_) {
      refused = LostLeadershipError(leadership_->term());
    } else if (node.answers >= kPacedWritesOfANode ||
               (node.answers > 0 && node.bytes + bytes > kPacedBytesOfANode)) {
      refused = OverloadedError(absl::StrCat(node.answers, " writes of node ", node_id));
    } else {
      ++node.answers;
      node.bytes += bytes;
      if (!replaces) node.waiting.push_back({kind, nullptr, {}, 0, 0});
      Waiting& waiting = node.waiting.back();
      waiting.decide = std::move(decide);
      waiting.done.push_back(std::move(done));
      waiting.bytes = bytes;
      waiting.all_bytes += bytes;
    }
  }
  if (!refused.ok()) {
    done(std::move(refused));
  } else {
    HandOver(node_id);
  }
}

void PacedWrites::HandOver(const std::string& node_id) {
  for (;;) {
    Waiting next;
    {
      absl::MutexLock lock(&mutex_);
      const auto found = nodes_.find(node_id);
      // Another thread is between two writes of this node, and goes on with ours: they keep
      // their order.
      if (stopping_ || found == nodes_.end() || found->second.handing_over) return;
      Node& node = found->second;
      if (node.waiting.empty()) return;
      const absl::Duration now = BootTime();
      Refill(&node, now);
      if (node.allowed < 1) {
        if (std::exchange(node.is_due, true)) return;
        due_.emplace(now + absl::Seconds((1 - node.allowed) / per_second_), node_id);
        return;
      }
      node.allowed -= 1;
      next = std::move(node.waiting.front());
      node.waiting.pop_front();
      node.answers -= next.done.size();
      node.bytes -= next.all_bytes;
      node.handing_over = true;
    }
    leadership_->Write(
        std::move(next.decide),
        [done = std::move(next.done)](const absl::Status& status) {
          for (const Leadership::Done& each : done) each(status);
        },
        next.bytes);
    absl::MutexLock lock(&mutex_);
    nodes_.find(node_id)->second.handing_over = false;
  }
}

void PacedWrites::Run() {
  for (;;) {
    std::string node_id;
    {
      absl::MutexLock lock(&mutex_);
      for (;;) {
        if (stopping_) return;
        const absl::Duration first = due_.empty() ? absl::InfiniteDuration() : due_.begin()->first;
        const absl::Duration left = first - BootTime();
        if (left <= absl::ZeroDuration()) break;
        const auto earlier = [this, first]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
          return stopping_ || (!due_.empty() && due_.begin()->first < first);
        };
        mutex_.AwaitWithTimeout(absl::Condition(&earlier), left);
      }
      node_id = due_.begin()->second;
      due_.erase(due_.begin());
      nodes_.find(node_id)->second.is_due = false;
    }
    HandOver(node_id);
  }
}

void PacedWrites::Refill(Node* node, absl::Duration now) const {
  const double seconds = absl::ToDoubleSeconds(now - std::exchange(node->allowed_at, now));
  node->allowed = std::min(burst_, node->allowed + seconds * per_second_);
}

void PacedWrites::ForgetTheQuiet(absl::Duration now) {
  absl::erase_if(nodes_, [this, now](auto& entry) {
    Refill(&entry.second, now);
    const Node& node = entry.second;
    return node.allowed >= burst_ && node.answers == 0 && !node.handing_over && !node.is_due;
  });
  sweep_at_ = std::max<size_t>(64, 2 * nodes_.size());
}

void PacedWrites::Stop() {
  std::vector<Leadership::Done> waiting;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    for (auto& [id, node] : nodes_) {
      for (Waiting& each : node.waiting) {
        for (Leadership::Done& done : each.done) waiting.push_back(std::move(done));
      }
      node.waiting.clear();
      node.answers = 0;
      node.bytes = 0;
    }
  }
  if (thread_.joinable()) thread_.join();
  for (const Leadership::Done& done : waiting) done(LostLeadershipError(leadership_->term()));
}

}  // namespace curatord
