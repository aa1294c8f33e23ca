#include "tests/cluster/cluster_client.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/generic/generic_stub.h"
#include "libclient/core/endpoint.h"
#include "libclient/core/error_info.h"
#include "libclient/net/endpoint_channel.h"

namespace curatord::testing_support {

std::string NewLoopbackAddress() {
  // Tests that run side by side have pids that differ in the low bits.
  static std::atomic<int> next{1};
  const int pid = static_cast<int>(::getpid());
  return absl::StrCat("127.", 150 + (pid >> 8) % 100, ".", pid & 0xff, ".", next++ % 254 + 1);
}

Client Connect(const std::string& address, const curator::ClusterCa& ca,
               absl::optional<curator::Identity> identity) {
  absl::StatusOr<curator::core::Endpoint> endpoint = curator::core::ParseEndpoint(address);
  EXPECT_TRUE(endpoint.ok()) << endpoint.status();
  curator::net::ChannelOptions options;
  options.ca = ca;
  options.identity = std::move(identity);
  Client client;
  client.channel = OpenChannel(*endpoint, options).channel;
  client.curator = api::Curator::NewStub(client.channel);
  client.local = api::CuratorLocal::NewStub(client.channel);
  client.management = mgmt::Management::NewStub(client.channel);
  client.aaa = mgmt::AAA::NewStub(client.channel);
  client.status = curator::v1::ServerStatus::NewStub(client.channel);
  client.health = grpc::health::v1::Health::NewStub(client.channel);
  return client;
}

Context::Context(absl::Duration timeout, bool wait_for_ready) {
  context_.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  context_.set_wait_for_ready(wait_for_ready);
}

GenericResult CallGeneric(const Client& client, const std::string& full_method) {
  grpc::CompletionQueue queue;
  auto next = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    return ok;
  };
  Context context;
  grpc::GenericStub stub(client.channel);
  GenericResult result;
  {
    auto call = stub.PrepareCall(&context, full_method, &queue);
    call->StartCall(nullptr);
    next();
    grpc::Slice empty;
    call->WriteLast(grpc::ByteBuffer(&empty, 1), grpc::WriteOptions(), nullptr);
    next();
    grpc::ByteBuffer answer;
    call->Read(&answer, nullptr);
    result.answered = next();
    if (result.answered) context->TryCancel();
    call->Finish(&result.status, nullptr);
    next();
  }
  queue.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) {
  }
  return result;
}

google::rpc::ErrorInfo InfoOf(const grpc::Status& status) {
  google::rpc::ErrorInfo info;
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details()) || details.details_size() == 0) return info;
  EXPECT_TRUE(details.details(0).UnpackTo(&info));
  return info;
}

int64_t TermIn(grpc::ClientContext* context) {
  const auto& metadata = context->GetServerInitialMetadata();
  auto it = metadata.find(curator::core::kTermMetadata);
  int64_t term = -1;
  if (it != metadata.end()) {
    EXPECT_TRUE(absl::SimpleAtoi(absl::string_view(it->second.data(), it->second.size()), &term));
  }
  return term;
}

bool IsRefused(const std::string& address) {
  absl::StatusOr<curator::core::Endpoint> endpoint = curator::core::ParseEndpoint(address);
  EXPECT_TRUE(endpoint.ok()) << endpoint.status();
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(endpoint->port));
  EXPECT_EQ(::inet_pton(AF_INET, endpoint->host.c_str(), &to.sin_addr), 1);
  const int result = ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to));
  const bool refused = result != 0 && errno == ECONNREFUSED;
  ::close(fd);
  return refused;
}

}  // namespace curatord::testing_support
