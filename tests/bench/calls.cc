#include "tests/bench/calls.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "curator/v1/cluster_operations.pb.h"
#include "curator/v1/server_status.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "grpc/health/v1/health.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "metropolis/aaa.pb.h"
#include "metropolis/curator.pb.h"
#include "metropolis/management.pb.h"

namespace curator::bench {
namespace {

using ::google::protobuf::Message;
using Stub = grpc::TemplatedGenericStub<Message, Message>;

constexpr std::chrono::seconds kCallTimeout{60};

struct Method {
  const google::protobuf::MethodDescriptor* descriptor;
  std::string path;
  const Message* request;
  const Message* response;
};

Method FindMethod(const std::string& name) {
  // Only files that something refers to are linked, and so known.
  for (const auto* file : {metropolis::proto::api::GetNodesRequest::descriptor(),
                           metropolis::proto::api::EscrowRequest::descriptor(),
                           metropolis::node::core::curator::proto::api::WatchRequest::descriptor(),
                           curator::v1::TransferLeadershipRequest::descriptor(),
                           curator::v1::GetServerStatusRequest::descriptor(),
                           grpc::health::v1::HealthCheckRequest::descriptor()}) {
    if (file == nullptr) Fail("a service is not linked");
  }
  const auto* found = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
  if (found == nullptr) Fail(absl::StrCat("no method ", name));
  auto* factory = google::protobuf::MessageFactory::generated_factory();
  return {found, absl::StrCat("/", found->service()->full_name(), "/", found->name()),
          factory->GetPrototype(found->input_type()), factory->GetPrototype(found->output_type())};
}

std::unique_ptr<Message> MakeRequest(const Method& method, const std::string& text,
                                     const Actor* actor, int64_t call) {
  std::vector<std::pair<std::string, std::string>> words = {{"{call}", absl::StrCat(call)}};
  if (actor != nullptr) {
    const std::string public_key = actor->key.public_key();
    words.emplace_back("{node}", actor->id());
    words.emplace_back("{pubkey}", absl::CEscape(public_key));
    words.emplace_back("{joinkey}", absl::CEscape(actor->join_key.public_key()));
    words.emplace_back("{pubkey64}", absl::Base64Escape(public_key));
  }
  std::unique_ptr<Message> request(method.request->New());
  if (!google::protobuf::TextFormat::ParseFromString(absl::StrReplaceAll(text, words),
                                                     request.get())) {
    Fail(absl::StrCat("not a request of ", method.path, ": ", text));
  }
  return request;
}

// Everything that one call needs, until it is done.
struct UnaryCall {
  grpc::ClientContext context;
  std::shared_ptr<const Message> request;
  std::unique_ptr<Message> response;
};

void StartUnary(Stub* stub, const Method& method, std::shared_ptr<const Message> request,
                Done done) {
  auto call = std::make_shared<UnaryCall>();
  call->context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
  call->request = std::move(request);
  call->response.reset(method.response->New());
  stub->UnaryCall(&call->context, method.path, {}, call->request.get(), call->response.get(),
                  [call, done = std::move(done)](const grpc::Status& status) { done(status); });
}

// Sends one request, and reads to the end or to the first message. Deletes itself.
class StreamCall final : public grpc::ClientBidiReactor<Message, Message> {
 public:
  StreamCall(Stub* stub, const Method& method, std::shared_ptr<const Message> request,
             bool first_message_only, Done done)
      : request_(std::move(request)),
        response_(method.response->New()),
        first_message_only_(first_message_only),
        done_(std::move(done)) {
    context_.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
    stub->PrepareBidiStreamingCall(&context_, method.path, {}, this);
    StartWriteLast(request_.get(), {});
    StartRead(response_.get());
    StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (first_message_only_) {
      answered_ = true;
      context_.TryCancel();
    } else {
      StartRead(response_.get());
    }
  }

  void OnDone(const grpc::Status& status) override {
    const Done done = std::move(done_);
    const grpc::Status outcome = answered_ ? grpc::Status::OK : status;
    delete this;
    done(outcome);
  }

 private:
  grpc::ClientContext context_;
  const std::shared_ptr<const Message> request_;
  const std::unique_ptr<Message> response_;
  const bool first_message_only_;
  bool answered_ = false;
  Done done_;
};

}  // namespace

void MeasureCalls(const Access& access, const CallsOptions& options, const Processes& processes) {
  const Method method = FindMethod(options.method);
  const bool by_number = options.load.calls > 0;
  const bool as_owner = options.role == Role::kOwner;
  const bool about_actors = absl::StrContains(options.request, "{node}") ||
                            absl::StrContains(options.request, "{pubkey") ||
                            absl::StrContains(options.request, "{joinkey}");
  const bool by_call = absl::StrContains(options.request, "{call}") || by_number;

  const auto connections = static_cast<size_t>(
      by_number && !as_owner ? options.load.calls : static_cast<int64_t>(options.connections));
  std::vector<Actor> actors;
  if (about_actors || !as_owner) {
    actors = access.Actors(options.first_actor,
                           by_number ? static_cast<size_t>(options.load.calls) : connections);
  }
  std::vector<Identity> identities;
  for (size_t i = 0; i < connections; ++i) {
    identities.push_back(as_owner ? access.Owner() : IdentityOf(actors[i], options.role));
  }
  const Channels channels = Connect(access.address, access.Ca(), identities);
  std::vector<std::unique_ptr<Stub>> stubs;
  std::vector<std::shared_ptr<const Message>> requests;
  for (size_t i = 0; i < connections; ++i) {
    stubs.push_back(std::make_unique<Stub>(channels[i]));
    if (by_call) continue;
    requests.push_back(
        MakeRequest(method, options.request, actors.empty() ? nullptr : &actors[i], 0));
  }

  LoadResult result =
      RunClosedLoop(options.load, processes, [&](int lane, int64_t call, Done done) {
        const auto actor = static_cast<size_t>(by_number ? call : lane % options.connections);
        const size_t connection =
            by_number && !as_owner ? actor : static_cast<size_t>(lane % options.connections);
        std::shared_ptr<const Message> request =
            by_call ? MakeRequest(method, options.request,
                                  actors.empty() ? nullptr : &actors[actor], call)
                    : requests[connection];
        if (method.descriptor->client_streaming() || method.descriptor->server_streaming()) {
          new StreamCall(stubs[connection].get(), method, std::move(request),
                         options.first_message_only, std::move(done));
        } else {
          StartUnary(stubs[connection].get(), method, std::move(request), std::move(done));
        }
      });
  Report report("calls");
  report.Add("method", options.method).Add("connections", static_cast<double>(connections));
  AddLoad(options.load, std::move(result), &report);
  report.Print();
}

}  // namespace curator::bench
