#include "tests/unit/store/sqlite_harness.h"
#include "tests/unit/store/store_contract.h"

namespace curatord {
namespace {

std::unique_ptr<StoreHarness> NewSqliteHarness() { return std::make_unique<SqliteHarness>(); }

INSTANTIATE_TEST_SUITE_P(Embedded, StoreContract,
                         testing::Values(StoreKind{"Sqlite", &NewSqliteHarness}));

}  // namespace
}  // namespace curatord
