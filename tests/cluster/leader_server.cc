#include "tests/cluster/leader_server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpcpp/server_builder.h"
#include "libclient/identity/tls_credentials.h"
#include "server/nodes/node_record.h"
#include "server/store/keys.h"

namespace curatord::testing_support {

LeaderServerTest::LeaderServerTest() {
  cluster_.WriteTo(&memory_, {&leader_node_});
  term_ = memory_.Put(kLockKey, "");
  state_runs_ = std::thread([this] { EXPECT_TRUE(state_.Run().ok()); });
  Settle();

  Role role;
  role.kind = Role::Kind::kLeader;
  role.lock_key = kLockKey;
  role.term = term_;
  role.leader_id = leader_node_.id();
  leadership_ = std::make_unique<Leadership>(&store_, &state_, role);
  heartbeats_ =
      std::make_unique<Heartbeats>([this] { return absl::Nanoseconds(boot_nanos_.load()); });
  services_ = std::make_unique<LeaderServices>(
      LeaderContext{leadership_.get(), heartbeats_.get(), &authorizer_, &answered_,
                    [this] { return candidates_; }, MemberStreams::Watch(&state_), Limits()},
      &state_);
  grpc::ServerBuilder builder;
  int port = 0;
  const std::string host = NewLoopbackAddress();
  builder.AddListeningPort(
      absl::StrCat(host, ":0"),
      curator::identity::MakeServerCredentials(cluster_.NodeIdentity(leader_node_)), &port);
  services_->RegisterWith(&builder);
  server_ = builder.BuildAndStart();
  EXPECT_NE(server_, nullptr);
  address_ = absl::StrCat(host, ":", port);
}

// In the order of Listener::Served.
LeaderServerTest::~LeaderServerTest() {
  leadership_->Stop();
  services_->Stop();
  store_.Release();
  server_->Shutdown(std::chrono::system_clock::now());
  server_.reset();
  leadership_.reset();
  services_.reset();
  state_.Stop();
  state_runs_.join();
}

void LeaderServerTest::Settle() {
  EXPECT_TRUE(state_.WaitForRevision(memory_.revision(), absl::Now() + kEventually).ok());
}

void LeaderServerTest::Put(const TestNode& node) {
  ASSERT_TRUE(memory_.Commit({}, cluster_.ContentsOf(node), absl::InfiniteFuture()).ok());
  Settle();
}

void LeaderServerTest::PutKey(const std::string& key, const std::string& value) {
  memory_.Put(key, value);
  Settle();
}

void LeaderServerTest::Delete(const std::string& key) {
  memory_.Delete(key);
  Settle();
}

curator::storage::Node LeaderServerTest::Stored(const std::string& node_id) const {
  curator::storage::Node node;
  const auto contents = memory_.contents();
  auto it = contents.find(keys::Node(node_id));
  if (it == contents.end()) {
    ADD_FAILURE() << "node " << node_id << " is not stored";
  } else {
    EXPECT_TRUE(node.ParseFromString(it->second.value));
  }
  return node;
}

}  // namespace curatord::testing_support
