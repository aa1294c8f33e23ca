#include "tests/bench/crowd_agent.h"

#include <atomic>
#include <utility>

#include "libclient/net/endpoint_channel.h"

namespace curator::bench {
namespace {

namespace curator_api = metropolis::node::core::curator::proto::api;

struct StatusCall {
  grpc::ClientContext context;
  curator_api::UpdateNodeStatusRequest request;
  curator_api::UpdateNodeStatusResponse response;
};

}  // namespace

// Deletes itself when the stream has ended.
class CrowdAgent::Stream final : public grpc::ClientBidiReactor<curator_api::HeartbeatRequest,
                                                                curator_api::HeartbeatResponse> {
 public:
  explicit Stream(CrowdAgent* agent)
      : agent_(agent), stub_(curator_api::Curator::NewStub(agent->channel_)) {
    stub_->async()->Heartbeat(&context_, this);
    AddHold();  // Send comes from outside
    StartRead(&response_);
    StartCall();
  }

  void Send() {
    if (!writing_.exchange(true)) StartWrite(&request_);
  }
  void OnWriteDone(bool) override { writing_ = false; }
  void OnReadDone(bool ok) override {
    if (ok) {
      StartRead(&response_);
      return;
    }
    {
      absl::MutexLock lock(&agent_->mutex_);
      agent_->stream_ = nullptr;
    }
    RemoveHold();
  }
  void OnDone(const grpc::Status&) override {
    CrowdAgent* const agent = agent_;
    delete this;
    agent->OnBroken();
  }

 private:
  CrowdAgent* const agent_;
  const std::unique_ptr<curator_api::Curator::Stub> stub_;
  const curator_api::HeartbeatRequest request_;
  grpc::ClientContext context_;
  curator_api::HeartbeatResponse response_;
  std::atomic<bool> writing_{false};
};

CrowdAgent::CrowdAgent(const Actor& actor, ClusterCa ca, absl::Duration interval,
                       net::LeaderFinder* finder, Schedule* schedule)
    : id_(actor.id()),
      identity_(IdentityOf(actor, Role::kNode)),
      ca_(std::move(ca)),
      interval_(interval),
      finder_(finder),
      schedule_(schedule) {
  schedule_->Within(interval_, [this] { Beat(); });
}

void CrowdAgent::Connect() {
  const absl::optional<net::LeaderConnection> leader = finder_->believed_leader();
  if (!leader.has_value()) {
    OnBroken();
    return;
  }
  net::ChannelOptions options;
  options.ca = ca_;
  options.identity = identity_;
  options.connect_timeout = absl::Seconds(30);
  channel_ = net::OpenChannel(leader->endpoint, options).channel;
  ReportStatus();
}

void CrowdAgent::ReportStatus() {
  auto call = std::make_shared<StatusCall>();
  call->context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  call->request.set_node_id(id_);
  call->request.mutable_status()->set_external_address("10.0.0.1");
  const std::shared_ptr<curator_api::Curator::Stub> stub = curator_api::Curator::NewStub(channel_);
  stub->async()->UpdateNodeStatus(&call->context, &call->request, &call->response,
                                  [this, call, stub](const grpc::Status& status) {
                                    if (!status.ok()) {
                                      OnBroken();
                                      return;
                                    }
                                    {
                                      absl::MutexLock lock(&mutex_);
                                      stream_ = new Stream(this);
                                      stream_->Send();
                                    }
                                  });
}

void CrowdAgent::Beat() {
  schedule_->At(core::After(net::Now(), interval_), [this] { Beat(); });
  absl::MutexLock lock(&mutex_);
  if (stream_ != nullptr) stream_->Send();
}

void CrowdAgent::OnBroken() {
  schedule_->Within(kReconnectJitter, [this] { Connect(); });
}

}  // namespace curator::bench
