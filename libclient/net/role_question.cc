#include "libclient/net/role_question.h"

#include <utility>

#include "libclient/net/pause.h"

namespace curator::net {

RoleQuestion::RoleQuestion(const EndpointChannel& channel, const absl::optional<ClusterCa>& ca)
    : watch_(channel, ca,
             {[this](core::LeaderView::Statement statement, std::string contradiction) {
                absl::MutexLock lock(&mutex_);
                if (answer_.statement.has_value()) return;
                answer_.statement = std::move(statement);
                answer_.contradiction = std::move(contradiction);
              },
              [this](grpc::Status status, const identity::PeerRecord::Seen& /*seen*/) {
                absl::MutexLock lock(&mutex_);
                answer_.status = std::move(status);
                ended_ = true;
              }}) {
  watch_.Start();
}

RoleQuestion::~RoleQuestion() { End(); }

RoleAnswer RoleQuestion::Await(core::Instant deadline, const std::vector<std::stop_token>& stops) {
  const auto settled = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return answer_.statement.has_value() || ended_;
  };
  AwaitUnlessStopped(mutex_, settled, deadline, stops);
  End();
  absl::MutexLock lock(&mutex_);
  return answer_;
}

void RoleQuestion::End() {
  watch_.Cancel();
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&ended_));
}

}  // namespace curator::net
