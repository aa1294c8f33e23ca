#include "server/listener/self_check.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/channel.h"
#include "libclient/net/endpoint_channel.h"
#include "server/boot_clock.h"
#include "server/listener/listening_sockets.h"
#include "server/log.h"
#include "server/store/grpc_deadline.h"

namespace curatord {

SelfCheck::SelfCheck(Election* election, std::function<void()> rebuild, SelfCheckOptions options)
    : election_(election),
      rebuild_(std::move(rebuild)),
      options_(std::move(options)),
      reachability_(options_.lease_ttl) {
  election->role().Subscribe([this] {
    absl::MutexLock lock(&mutex_);
    ++role_changes_;
  });
}

void SelfCheck::Stop() {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
  if (attempt_ != nullptr) attempt_->TryCancel();
}

absl::Status SelfCheck::health() const {
  absl::MutexLock lock(&mutex_);
  return health_;
}

absl::Status SelfCheck::Run() {
  for (;;) {
    {
      absl::MutexLock lock(&mutex_);
      if (stopping_) return absl::OkStatus();
      seen_changes_ = role_changes_;  // before the role is read: no change is missed
    }
    if (election_->role().Get().value.kind == Role::Kind::kNone) {
      reachability_.OnNoRole();
      SetHealth(absl::OkStatus());
      Pause(absl::InfiniteDuration());
      continue;
    }
    const absl::Duration begun = BootTime();
    if (const absl::Status reached = Reach(reachability_.attempt_timeout(begun)); !reached.ok()) {
      OnFailed(reached, begun);
    } else {
      if (const auto failed_for = reachability_.OnReached(BootTime())) {
        LogInfo("this curator can be reached again",
                {{"after", absl::FormatDuration(*failed_for)}});
      }
      SetHealth(absl::OkStatus());
    }
    Pause(reachability_.until_next_attempt());
  }
}

absl::Status SelfCheck::Reach(absl::Duration timeout) {
  auto attempt = std::make_shared<grpc::ClientContext>();
  attempt->set_deadline(GrpcDeadlineAfter(timeout));
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return absl::CancelledError("stopping");
    attempt_ = attempt;
  }
  curator::net::ChannelOptions channel_options;
  channel_options.ca = options_.ca;
  channel_options.identity = options_.identity;
  channel_options.expected_node_id = options_.node_id;
  channel_options.connect_timeout = timeout;
  const curator::net::EndpointChannel opened =
      curator::net::OpenChannel(OwnEndpoint(options_.listen_address), channel_options);
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status =
      grpc::health::v1::Health::NewStub(opened.channel)->Check(attempt.get(), {}, &response);
  absl::MutexLock lock(&mutex_);
  attempt_.reset();
  if (stopping_) return absl::CancelledError("stopping");
  return status.ok() ? absl::OkStatus() : absl::UnavailableError(status.error_message());
}

void SelfCheck::OnFailed(const absl::Status& why, absl::Duration begun) {
  if (absl::IsCancelled(why)) return;  // it ends
  const bool leads = election_->role().Get().value.kind == Role::Kind::kLeader;
  const absl::Duration now = BootTime();
  const Reachability::Act act = reachability_.OnFailed(begun, now, leads && AnotherMayLead());
  const absl::optional<absl::Duration> since = reachability_.unreachable_since();
  if (!since.has_value()) return;
  const std::string failed_for =
      absl::FormatDuration(absl::Floor(now - *since, absl::Milliseconds(100)));
  const std::string address = OwnEndpoint(options_.listen_address).ToString();
  SetHealth(absl::UnavailableError(absl::StrCat("this curator cannot reach itself at ", address,
                                                " for ", failed_for, ": ", why.message())));
  switch (act) {
    case Reachability::Act::kNothing:
      return;
    case Reachability::Act::kRebuild:
      LogError("this curator cannot be reached; building the listener anew",
               {{"address", address}, {"for", failed_for}, {"error", why.message()}});
      rebuild_();
      return;
    case Reachability::Act::kGiveUp:
      LogError("this curator cannot be reached; giving up the lease, for another to lead",
               {{"address", address}, {"for", failed_for}, {"error", why.message()}});
      election_->Resign("it cannot be reached");
      return;
  }
}

void SelfCheck::SetHealth(absl::Status health) {
  absl::MutexLock lock(&mutex_);
  health_ = std::move(health);
}

bool SelfCheck::AnotherMayLead() const {
  for (const Candidate& candidate : election_->Candidates()) {
    if (!candidate.node_id.empty() && candidate.node_id != options_.node_id) return true;
  }
  return false;
}

void SelfCheck::Pause(absl::Duration delay) const {
  absl::MutexLock lock(&mutex_);
  const auto early = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || role_changes_ != seen_changes_;
  };
  mutex_.AwaitWithTimeout(absl::Condition(&early), delay);
}

}  // namespace curatord
