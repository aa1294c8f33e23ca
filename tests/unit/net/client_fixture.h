// A cluster of scripted curators and a client of it.
#ifndef TESTS_UNIT_NET_CLIENT_FIXTURE_H_
#define TESTS_UNIT_NET_CLIENT_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "curator/client.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/net/scripted_curator.h"

namespace curator::testing_support {

// What takes milliseconds and gets this long, because a sanitizer's build on a
// busy machine needs it: to find a leader, to be told no, to notice a deadline.
constexpr absl::Duration kSlack = absl::Seconds(5);

inline metropolis::proto::api::Node WireNode(const std::string& public_key,
                                             metropolis::proto::common::NodeState state) {
  metropolis::proto::api::Node node;
  node.set_pubkey(public_key);
  node.set_state(state);
  return node;
}

class ClientTest : public testing::Test {
 protected:
  ScriptedCurator& AddCurator() {
    curators_.push_back(std::make_unique<ScriptedCurator>(ca_));
    return *curators_.back();
  }

  ClientOptions OptionsFor(std::vector<std::string> endpoints) const {
    ClientOptions options;
    options.endpoints = std::move(endpoints);
    options.ca = ca_.ca();
    // Scripted curators that tell no term are of the existing system.
    options.accept_unproven = true;
    options.identity = ca_.IssueUser();
    return options;
  }

  std::unique_ptr<Client> NewClient(std::vector<std::string> endpoints) const {
    return Create(OptionsFor(std::move(endpoints)));
  }

  static std::unique_ptr<Client> Create(ClientOptions options) {
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(std::move(options));
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  static CallOptions Within(absl::Duration timeout) {
    CallOptions options;
    options.timeout = timeout;
    return options;
  }

  static Error ErrorOf(const absl::Status& status) {
    EXPECT_FALSE(status.ok());
    return status.ok() ? Error() : DescribeError(status);
  }

  TestCa ca_;
  std::vector<std::unique_ptr<ScriptedCurator>> curators_;
};

}  // namespace curator::testing_support

#endif  // TESTS_UNIT_NET_CLIENT_FIXTURE_H_
