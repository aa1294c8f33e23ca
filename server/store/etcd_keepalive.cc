#include "server/store/etcd_keepalive.h"

#include <utility>

namespace curatord {
namespace {

// Lives from its start to OnDone.
class Keepalive final : public grpc::ClientBidiReactor<etcdserverpb::LeaseKeepAliveRequest,
                                                       etcdserverpb::LeaseKeepAliveResponse> {
 public:
  Keepalive(int64_t lease_id, grpc::ClientContext* context,
            etcdserverpb::LeaseKeepAliveResponse* response, std::function<void(grpc::Status)> done)
      : context_(context), response_(response), done_(std::move(done)) {
    request_.set_id(lease_id);
  }

  void Start(const EtcdEndpoint& endpoint) {
    endpoint.lease->async()->LeaseKeepAlive(context_, this);
    StartWrite(&request_);
    StartRead(response_);
    StartCall();
  }

  void OnReadDone(bool ok) override {
    answered_ = ok;
    // One answer is all there is to it.
    if (ok) context_->TryCancel();
  }

  void OnDone(const grpc::Status& status) override {
    const grpc::Status result = answered_     ? grpc::Status::OK
                                : status.ok() ? grpc::Status(grpc::StatusCode::UNAVAILABLE,
                                                             "the stream ended without an answer")
                                              : status;
    std::function<void(grpc::Status)> done = std::move(done_);
    delete this;
    done(result);
  }

 private:
  grpc::ClientContext* const context_;
  etcdserverpb::LeaseKeepAliveResponse* const response_;
  std::function<void(grpc::Status)> done_;
  etcdserverpb::LeaseKeepAliveRequest request_;
  bool answered_ = false;
};

}  // namespace

void StartEtcdKeepalive(const EtcdEndpoint& endpoint, grpc::ClientContext* context,
                        int64_t lease_id, etcdserverpb::LeaseKeepAliveResponse* response,
                        std::function<void(grpc::Status)> done) {
  (new Keepalive(lease_id, context, response, std::move(done)))->Start(endpoint);
}

}  // namespace curatord
