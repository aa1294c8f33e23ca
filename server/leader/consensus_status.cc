#include "server/leader/consensus_status.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace curatord {
namespace {

constexpr absl::Duration kMembersTimeout = absl::Seconds(5);

}  // namespace

ConsensusStatus::ConsensusStatus(Store* store, std::string this_node_id)
    : store_(store), this_node_id_(std::move(this_node_id)), thread_([this] { Run(); }) {}

ConsensusStatus::~ConsensusStatus() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void ConsensusStatus::Ask(Done done) {
  absl::MutexLock lock(&mutex_);
  waiting_.push_back(std::move(done));
}

void ConsensusStatus::Run() {
  for (;;) {
    std::vector<Done> waiting;
    bool stopping;
    {
      absl::MutexLock lock(&mutex_);
      auto work = [this]()
                      ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopping_ || !waiting_.empty(); };
      mutex_.Await(absl::Condition(&work));
      waiting.swap(waiting_);
      stopping = stopping_;
    }
    if (stopping && waiting.empty()) return;
    const absl::StatusOr<Response> answer =
        stopping ? absl::UnavailableError("this curator stops leading") : AskStore();
    for (const Done& done : waiting) done(answer);
  }
}

absl::StatusOr<ConsensusStatus::Response> ConsensusStatus::AskStore() const {
  absl::StatusOr<std::vector<StoreMember>> members = store_->Members(absl::Now() + kMembersTimeout);
  if (!members.ok()) {
    return absl::InternalError(
        absl::StrCat("the store does not tell its members: ", members.status().message()));
  }
  Response response;
  for (const StoreMember& member : *members) {
    auto* told = response.add_etcd_member();
    told->set_id(member.id);
    told->set_status(member.learner ? Response::EtcdMember::STATUS_LEARNER
                                    : Response::EtcdMember::STATUS_FULL);
  }
  if (members->empty()) {
    auto* alone = response.add_etcd_member();
    alone->set_id(this_node_id_);
    alone->set_status(Response::EtcdMember::STATUS_FULL);
  }
  return response;
}

}  // namespace curatord
