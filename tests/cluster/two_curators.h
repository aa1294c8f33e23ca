// Two curators on one store, each with the file open by itself.
#ifndef TESTS_CLUSTER_TWO_CURATORS_H_
#define TESTS_CLUSTER_TWO_CURATORS_H_

#include <memory>

#include "gtest/gtest.h"
#include "server/store/store.h"
#include "tests/cluster/test_curator.h"
#include "tests/support/temporary_directory.h"

namespace curatord::testing_support {

class TwoCurators : public testing::Test {
 protected:
  TwoCurators() {
    for (auto& store : stores_) {
      auto opened = OpenStore(directory_.StoreUrl(), /*create=*/true);
      EXPECT_TRUE(opened.ok()) << opened.status();
      store = *std::move(opened);
    }
    cluster_.WriteTo(stores_[0].get(), {&node_a_, &node_b_});
    a_ = std::make_unique<TestCurator>(&cluster_, &node_a_, stores_[0].get());
    b_ = std::make_unique<TestCurator>(&cluster_, &node_b_, stores_[1].get());
  }
  // A leads, B follows, both serve.
  void StartBoth() {
    a_->Start();
    leading_ = a_->WaitToServe(Role::Kind::kLeader);
    b_->Start();
    b_->WaitToServe(Role::Kind::kFollower);
  }

  TemporaryDirectory directory_;
  const TestCluster cluster_;
  const TestNode node_a_, node_b_;
  std::unique_ptr<Store> stores_[2];
  std::unique_ptr<TestCurator> a_, b_;
  Role leading_;
};

}  // namespace curatord::testing_support

#endif  // TESTS_CLUSTER_TWO_CURATORS_H_
