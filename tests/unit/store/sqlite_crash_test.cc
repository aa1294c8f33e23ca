// The embedded store under several processes, and under SIGKILL.
#include <signal.h>

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/unit/store/child_process.h"
#include "tests/unit/store/sqlite_harness.h"

namespace curatord {
namespace {

// The log, replayed from the first revision, has every revision once and ends in
// what the keys are.
void CheckLogAgainstKeys(Store* store) {
  absl::StatusOr<RangeResult> range = store->Range("", Soon());
  ASSERT_TRUE(range.ok()) << range.status();
  RecordedWatch watch(store, "", 1);
  std::map<std::string, KeyValue> replayed;
  int64_t revision = 0;
  for (const WatchEvent& event : watch.EventsThrough(range->revision)) {
    ASSERT_TRUE(event.kv.mod_revision == revision || event.kv.mod_revision == revision + 1)
        << event.kv.mod_revision << " after " << revision;
    revision = event.kv.mod_revision;
    if (event.kind == WatchEvent::Kind::kPut) {
      replayed[event.kv.key] = event.kv;
    } else {
      replayed.erase(event.kv.key);
    }
  }
  EXPECT_EQ(revision, range->revision);
  ASSERT_EQ(replayed.size(), range->kvs.size());
  for (const KeyValue& kv : range->kvs) {
    const KeyValue& other = replayed[kv.key];
    EXPECT_EQ(other.value, kv.value) << kv.key;
    EXPECT_EQ(other.create_revision, kv.create_revision) << kv.key;
    EXPECT_EQ(other.mod_revision, kv.mod_revision) << kv.key;
  }
}

int64_t NumberAt(Store* store, const std::string& key) {
  absl::StatusOr<RangeResult> range = store->Range(key, Soon());
  EXPECT_TRUE(range.ok()) << range.status();
  int64_t number = 0;
  for (const KeyValue& kv : range.value_or(RangeResult{}).kvs) {
    if (kv.key != key) continue;
    EXPECT_TRUE(absl::SimpleAtoi(kv.value, &number)) << kv.value;
  }
  return number;
}

TEST(SqliteCrash, NoAcknowledgedWriteIsLostToSigkill) {
  SqliteHarness harness;
  std::mt19937 random(20240817);  // NOLINT: the same every time
  for (int round = 0; round < 50; ++round) {
    // With this process connected the dead one's locks pass on; without, the next
    // to open the store recovers the log.
    std::unique_ptr<Store> connected = round % 2 == 0 ? harness.Open() : nullptr;
    const std::string key = absl::StrCat("round", round);
    ChildProcess writer({"write", harness.url(), key});
    const int enough = static_cast<int>(random() % 60);
    int64_t acknowledged = 0;
    for (int i = 0; i <= enough; ++i) {
      const std::optional<std::string> line = writer.ReadLine();
      ASSERT_TRUE(line.has_value());
      ASSERT_TRUE(absl::SimpleAtoi(*line, &acknowledged));
    }
    writer.Signal(SIGKILL);
    ASSERT_EQ(writer.Wait(), -SIGKILL);
    while (const std::optional<std::string> line = writer.ReadLine()) {
      ASSERT_TRUE(absl::SimpleAtoi(*line, &acknowledged));
    }
    const std::unique_ptr<Store> store = connected ? std::move(connected) : harness.Open();
    ASSERT_NE(store, nullptr);
    const int64_t found = NumberAt(store.get(), key);
    EXPECT_GE(found, acknowledged);
    EXPECT_LE(found, acknowledged + 1);
    EXPECT_EQ(NumberAt(store.get(), key + "/twin"), found) << "half a transaction";
    ASSERT_TRUE(store->Commit({}, {Operation::Put("after", absl::StrCat(round))}, Soon()).ok());
  }
  const std::unique_ptr<Store> store = harness.Open();
  CheckLogAgainstKeys(store.get());
  EXPECT_EQ(RawDatabase(harness.path())
                .Integer("SELECT count(*) FROM pragma_integrity_check"
                         " WHERE integrity_check = 'ok'"),
            1);
}

TEST(SqliteCrash, ThreeProcessesCountTogether) {
  constexpr int kProcesses = 3;
  constexpr int kIncrements = 1000;
  SqliteHarness harness;
  const std::unique_ptr<Store> store = harness.Open();
  RecordedWatch watch(store.get(), "n", 1);
  std::vector<std::unique_ptr<ChildProcess>> processes;
  for (int i = 0; i < kProcesses; ++i) {
    processes.push_back(std::make_unique<ChildProcess>(
        std::vector<std::string>{"increment", harness.url(), "n", absl::StrCat(kIncrements)}));
  }
  for (const auto& process : processes) EXPECT_EQ(process->Wait(), 0);
  EXPECT_EQ(NumberAt(store.get(), "n"), kProcesses * kIncrements);
  const std::vector<WatchEvent> events = watch.EventsThrough(kProcesses * kIncrements);
  ASSERT_EQ(events.size(), static_cast<size_t>(kProcesses * kIncrements));
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].kv.value, absl::StrCat(i + 1));
  }
  CheckLogAgainstKeys(store.get());
}

}  // namespace
}  // namespace curatord
