// A leadership on a store that fails as the test says.
#ifndef TESTS_UNIT_SERVER_LEADERSHIP_FIXTURE_H_
#define TESTS_UNIT_SERVER_LEADERSHIP_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "libclient/core/error_info.h"
#include "server/leader/leadership.h"
#include "tests/support/faulty_store.h"
#include "tests/support/memory_store.h"

namespace curatord::testing_support {

using Fault = FaultyStore::Fault;
using Ops = std::vector<Operation>;

inline constexpr char kLock[] = "/leader/1";

// The reason in the ErrorInfo of an error; "" if it has none.
inline std::string ReasonOf(const absl::Status& status) {
  absl::optional<absl::Cord> payload =
      status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  google::rpc::ErrorInfo info;
  if (!payload.has_value()) return "";
  EXPECT_TRUE(info.ParseFromString(std::string(*payload)));
  return info.reason();
}

MATCHER_P(HasReason, reason, "") {
  *result_listener << arg;
  return absl::IsUnavailable(arg) && ReasonOf(arg) == reason;
}

// A decision that puts one key.
inline Leadership::Decision Putting(std::string key, std::string value) {
  return [key = std::move(key), value = std::move(value)](const DecisionView&) {
    return Ops{Operation::Put(key, value)};
  };
}

// One call whose outcome is waited for. Outlives the leadership.
class Outcome {
 public:
  Leadership::Done Done() {
    return [this](absl::Status status) {
      status_ = std::move(status);
      settled_.Notify();  // a second time would crash: settled exactly once
    };
  }
  const absl::Status& Wait() {
    settled_.WaitForNotification();
    return status_;
  }
  bool settled() const { return settled_.HasBeenNotified(); }

 private:
  absl::Status status_;
  absl::Notification settled_;
};

class LeadershipTest : public testing::Test {
 protected:
  LeadershipTest() {
    term_ = memory_.Put(kLock, "us");
    EXPECT_TRUE(state_.Reload(absl::InfiniteFuture()).ok());
    Role role;
    role.kind = Role::Kind::kLeader;
    role.lock_key = kLock;
    role.term = term_;
    leadership_ = std::make_unique<Leadership>(&store_, &state_, role);
  }

  absl::Status Write(const std::string& key, const std::string& value) {
    return leadership_->WriteAndWait(Putting(key, value));
  }
  absl::Status Confirm() {
    Outcome outcome;
    leadership_->Confirm(outcome.Done());
    return outcome.Wait();
  }
  // What a reader would be shown.
  absl::optional<std::string> Read(const std::string& key) const { return state_.Find(key); }
  absl::optional<std::string> Stored(const std::string& key) const {
    const auto contents = memory_.contents();
    auto it = contents.find(key);
    return it == contents.end() ? absl::nullopt : absl::make_optional(it->second.value);
  }
  void Depose() { memory_.Delete(kLock); }
  // Keeps the lane busy with one write until the store is released.
  void OccupyTheLane(Outcome* outcome) {
    store_.FailCommits({Fault::kHoldRequest});
    leadership_->Write(Putting("/occupied", "1"), outcome->Done());
    store_.WaitUntilHeld(1);
  }

  MemoryStore memory_{MemoryStore::Delivery::kByHand};
  FaultyStore store_{&memory_};
  ClusterState state_{&store_};
  int64_t term_ = 0;
  std::unique_ptr<Leadership> leadership_;
};

}  // namespace curatord::testing_support

#endif  // TESTS_UNIT_SERVER_LEADERSHIP_FIXTURE_H_
