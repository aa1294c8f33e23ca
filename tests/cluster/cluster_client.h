// How the tests call a curator: one connection, as somebody, with a deadline.
#ifndef TESTS_CLUSTER_CLUSTER_CLIENT_H_
#define TESTS_CLUSTER_CLUSTER_CLIENT_H_

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "curator/credentials.h"
#include "curator/v1/server_status.grpc.pb.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"
#include "metropolis/aaa.grpc.pb.h"
#include "metropolis/curator.grpc.pb.h"
#include "metropolis/management.grpc.pb.h"
#include "tests/support/test_cluster.h"

namespace curatord::testing_support {

namespace api = metropolis::node::core::curator::proto::api;
namespace mgmt = metropolis::proto::api;
namespace common = metropolis::proto::common;

// Far beyond what anything takes; reached only when a test fails.
inline constexpr absl::Duration kEventually = absl::Seconds(30);

// "127.x.y.z", this process's alone. Curators listen there on port 7835.
std::string NewLoopbackAddress();

// The stubs of one new connection.
struct Client {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<api::Curator::Stub> curator;
  std::unique_ptr<api::CuratorLocal::Stub> local;
  std::unique_ptr<mgmt::Management::Stub> management;
  std::unique_ptr<mgmt::AAA::Stub> aaa;
  std::unique_ptr<curator::v1::ServerStatus::Stub> status;
  std::unique_ptr<grpc::health::v1::Health::Stub> health;
};
// `identity` none: without a client certificate. `address`: host:port.
Client Connect(const std::string& address, const curator::ClusterCa& ca,
               absl::optional<curator::Identity> identity);

// A context with a deadline. Waits for the connection unless told not to.
class Context {
 public:
  explicit Context(absl::Duration timeout = kEventually, bool wait_for_ready = true);
  grpc::ClientContext* operator&() { return &context_; }
  grpc::ClientContext* operator->() { return &context_; }

 private:
  grpc::ClientContext context_;
};

// Calls any method with an empty request: whether a message came back, and if
// none, the status.
struct GenericResult {
  bool answered = false;
  grpc::Status status;
};
GenericResult CallGeneric(const Client& client, const std::string& full_method);

// The ErrorInfo of an error; empty if it has none.
google::rpc::ErrorInfo InfoOf(const grpc::Status& status);

// Term that the server said it speaks for; -1 if it said none.
int64_t TermIn(grpc::ClientContext* context);

// Whether a connection to `address` (host:port) is refused right now.
bool IsRefused(const std::string& address);

MATCHER_P(HasCode, code, "") {
  *result_listener << arg.error_code() << " " << arg.error_message();
  return arg.error_code() == code;
}
MATCHER_P2(FailsWith, code, reason, "") {
  *result_listener << arg.error_code() << " " << arg.error_message() << " "
                   << InfoOf(arg).ShortDebugString();
  return arg.error_code() == code && InfoOf(arg).reason() == reason;
}
MATCHER(Succeeded, "") {
  *result_listener << arg.error_code() << " " << arg.error_message();
  return arg.ok();
}

}  // namespace curatord::testing_support

#endif  // TESTS_CLUSTER_CLUSTER_CLIENT_H_
