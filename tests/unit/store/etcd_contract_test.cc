#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/unit/store/etcd_cluster.h"
#include "tests/unit/store/store_contract.h"

namespace curatord {
namespace {

// An etcd of its own: compaction and revisions are those of all that is in it.
class EtcdHarness final : public StoreHarness {
 public:
  std::unique_ptr<Store> Open() override {
    absl::StatusOr<std::unique_ptr<Store>> store = OpenStore(cluster_.Url(), /*create=*/true);
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  void Compact(int64_t revision) override { cluster_.Compact(revision); }

 private:
  EtcdCluster cluster_;
};

std::unique_ptr<StoreHarness> NewEtcdHarness() { return std::make_unique<EtcdHarness>(); }

INSTANTIATE_TEST_SUITE_P(OneMember, StoreContract,
                         testing::Values(StoreKind{"Etcd", &NewEtcdHarness}));

}  // namespace
}  // namespace curatord
