#include "tests/bench/bare_server.h"

#include <cstdio>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "libclient/identity/tls_credentials.h"
#include "metropolis/curator.grpc.pb.h"
#include "metropolis/management.grpc.pb.h"
#include "tests/bench/report.h"

namespace curator::bench {
namespace {

namespace api = metropolis::proto::api;
namespace curator_api = metropolis::node::core::curator::proto::api;

class EchoStream final : public grpc::ServerBidiReactor<curator_api::HeartbeatRequest,
                                                        curator_api::HeartbeatResponse> {
 public:
  EchoStream() { StartRead(&request_); }
  void OnReadDone(bool ok) override {
    if (ok) {
      StartWrite(&response_);
    } else {
      Finish(grpc::Status::OK);
    }
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      StartRead(&request_);
    } else {
      Finish(grpc::Status::CANCELLED);
    }
  }
  void OnDone() override { delete this; }

 private:
  curator_api::HeartbeatRequest request_;
  const curator_api::HeartbeatResponse response_;
};

class EchoService final : public curator_api::Curator::CallbackService {
  grpc::ServerBidiReactor<curator_api::HeartbeatRequest, curator_api::HeartbeatResponse>* Heartbeat(
      grpc::CallbackServerContext*) override {
    return new EchoStream;
  }
};

class BareListing final : public grpc::ServerWriteReactor<api::Node> {
 public:
  BareListing(const api::Node* message, int count) : message_(message), left_(count) { Next(); }
  void OnWriteDone(bool ok) override {
    if (ok) {
      Next();
    } else {
      Finish(grpc::Status::CANCELLED);
    }
  }
  void OnDone() override { delete this; }

 private:
  void Next() {
    if (left_-- > 0) {
      StartWrite(message_);
    } else {
      Finish(grpc::Status::OK);
    }
  }

  const api::Node* const message_;
  int left_;
};

class ListingService final : public api::Management::CallbackService {
 public:
  explicit ListingService(const BareServerOptions& options) : count_(options.messages) {
    // One field of bytes: nothing is cheaper to decode.
    constexpr int kOverhead = 3;  // tag and length
    message_.set_pubkey(std::string(static_cast<size_t>(options.bytes - kOverhead), 'x'));
  }

 private:
  grpc::ServerWriteReactor<api::Node>* GetNodes(grpc::CallbackServerContext*,
                                                const api::GetNodesRequest*) override {
    return new BareListing(&message_, count_);
  }

  const int count_;
  api::Node message_;
};

}  // namespace

void RunBareServer(const Access& access, const BareServerOptions& options) {
  EchoService echo;
  ListingService listing(options);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(
      access.address,
      identity::MakeServerCredentials(IdentityOf(access.Actors(0, 1).front(), Role::kNode)), &port);
  builder.RegisterService(&echo);
  builder.RegisterService(&listing);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) Fail(absl::StrCat("cannot listen on ", access.address));
  Report("bare-server").Add("address", access.address).Print();
  while (std::getchar() != EOF) {
  }
  server->Shutdown(std::chrono::system_clock::now());
}

}  // namespace curator::bench
