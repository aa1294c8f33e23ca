// A curator that cannot reach itself: it looks at an address where somebody accepts and
// says nothing.
#include "server/listener/self_check.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "tests/cluster/two_curators.h"

namespace curatord {
namespace {

using testing_support::Context;
using testing_support::kEventually;
using testing_support::TestCurator;
using testing_support::TestCuratorOptions;
using testing_support::TwoCurators;

class SilentPort {
 public:
  SilentPort()
      : host_(testing_support::NewLoopbackAddress()),
        fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_port = htons(7835);
    EXPECT_EQ(::inet_pton(AF_INET, host_.c_str(), &own.sin_addr), 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&own), sizeof(own)), 0);
    EXPECT_EQ(::listen(fd_, 100), 0);
  }
  ~SilentPort() { ::close(fd_); }
  std::string address() const { return host_ + ":7835"; }

 private:
  const std::string host_;
  const int fd_;
};

class SelfCheckTest : public TwoCurators {
 protected:
  std::unique_ptr<TestCurator> DeafCurator() {
    TestCuratorOptions options;
    options.looks_for_itself_at = silent_.address();
    return std::make_unique<TestCurator>(&cluster_, &node_a_, stores_[0].get(), options);
  }
  static PartStatus SelfCheckOf(const TestCurator& curator) {
    for (const PartStatus& part : curator.supervisor().Status()) {
      if (part.name == "self-check") return part;
    }
    ADD_FAILURE() << "there is no such part";
    return PartStatus();
  }
  static bool WaitToBeUnwell(const TestCurator& curator) {
    const absl::Time deadline = absl::Now() + kEventually;
    while (SelfCheckOf(curator).health == PartHealth::kRunning) {
      if (absl::Now() > deadline) return false;
      // Work that takes a moment.
      (void)testing_support::IsRefused(curator.address());
    }
    return true;
  }

  const SilentPort silent_;
};

TEST_F(SelfCheckTest, ALeaderThatReachesItselfIsWellAndKeepsItsTermSlow) {
  StartBoth();
  b_->election().role().WaitForChange(b_->election().role().Get().version, absl::Seconds(4));
  EXPECT_EQ(a_->election().role().Get().value.term, leading_.term);
  EXPECT_EQ(SelfCheckOf(*a_).health, PartHealth::kRunning);
  EXPECT_EQ(SelfCheckOf(*b_).health, PartHealth::kRunning);
}

TEST_F(SelfCheckTest, ADeafLeaderGivesWayToAnotherCandidateSlow) {
  const auto deaf = DeafCurator();
  deaf->Start();
  deaf->WaitFor(Role::Kind::kLeader);
  const absl::Time leads_since = absl::Now();
  b_->Start();
  b_->WaitToServe(Role::Kind::kLeader);
  EXPECT_LT(absl::Now() - leads_since, 2 * TestCuratorOptions().lease_ttl);
}

TEST_F(SelfCheckTest, AloneADeafLeaderIsBuiltAnewSaysSoAndGoesOnInItsTermSlow) {
  const auto deaf = DeafCurator();
  deaf->Start();
  const Role role = deaf->WaitToServe(Role::Kind::kLeader);
  ASSERT_TRUE(WaitToBeUnwell(*deaf));
  EXPECT_THAT(SelfCheckOf(*deaf).last_error, testing::HasSubstr(silent_.address()));
  const absl::Time deadline = absl::Now() + kEventually;
  const std::string rebuilt_twice = "curator_listener_restarts_total 2";
  while (!absl::StrContains(deaf->metrics().Text(), rebuilt_twice) && absl::Now() < deadline) {
    // It serves all the time.
    const testing_support::Client client = deaf->ConnectAsOwner();
    Context context;
    metropolis::proto::api::GetClusterInfoResponse response;
    const grpc::Status status = client.management->GetClusterInfo(&context, {}, &response);
    ASSERT_TRUE(status.ok() || status.error_code() == grpc::StatusCode::UNAVAILABLE)
        << status.error_message();
  }
  EXPECT_THAT(deaf->metrics().Text(), testing::HasSubstr(rebuilt_twice));
  EXPECT_EQ(deaf->WaitToServe(Role::Kind::kLeader).term, role.term);
}

}  // namespace
}  // namespace curatord
