#include "cli/cache.h"

#include <sys/stat.h>

#include <filesystem>
#include <random>

#include "absl/strings/str_cat.h"
#include "cli/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace curator::cli {
namespace {

using ::testing::ElementsAre;

const std::string kCa(64, 'a');
const std::string kOtherCa(64, 'b');

Learnt Sample() {
  Learnt learnt;
  learnt.leader_id = "metropolis-00000000000000000000000000000001";
  learnt.leader_address = "10.0.1.5:7835";
  learnt.curators = {"10.0.1.5:7835", "[fd00::7]:7835"};
  learnt.node_ids = {"metropolis-00000000000000000000000000000001",
                     "metropolis-00000000000000000000000000000002"};
  learnt.nodes_seen_at = absl::FromUnixMillis(1790000000123);
  return learnt;
}

TEST(CacheText, IsReadAsItWasWritten) {
  EXPECT_EQ(ParseCache(CacheText(kCa, Sample()), kCa), Sample());
  EXPECT_EQ(ParseCache(CacheText(kCa, Learnt()), kCa), Learnt());
  Learnt no_nodes;
  no_nodes.node_ids.emplace();
  EXPECT_EQ(ParseCache(CacheText(kCa, no_nodes), kCa), no_nodes);
}

TEST(CacheText, IsJson) {
  Learnt learnt = Sample();
  learnt.node_ids = {"metropolis-00000000000000000000000000000001"};
  EXPECT_EQ(CacheText("41ab", learnt),
            R"({"apiVersion":"curatorctl/v1","kind":"Cache","ca_sha256":"41ab",)"
            R"("leader_id":"metropolis-00000000000000000000000000000001",)"
            R"("leader_address":"10.0.1.5:7835","curators":["10.0.1.5:7835","[fd00::7]:7835"],)"
            R"("nodes":["metropolis-00000000000000000000000000000001"]})"
            "\n");
}

TEST(CacheText, OfAnotherClusterSaysNothing) {
  EXPECT_EQ(ParseCache(CacheText(kOtherCa, Sample()), kCa), Learnt());
  EXPECT_EQ(ParseCache(CacheText("", Sample()), kCa), Learnt());
}

TEST(CacheText, ThatIsForeignSaysNothing) {
  const std::string text = CacheText(kCa, Sample());
  // Cut off anywhere but before its newline.
  for (size_t size = 0; size + 1 < text.size(); ++size) {
    EXPECT_EQ(ParseCache(text.substr(0, size), kCa), Learnt()) << size;
  }
  for (const std::string& foreign :
       {std::string("contexts: {}\n"), std::string(100, '\0'), text + text, "[" + text + "]",
        std::string(R"({"apiVersion":"curatorctl/v1"})"),
        std::string(R"({"apiVersion":"curatorctl/v1","kind":"Cache","ca_sha256":{}})"),
        absl::StrCat(R"({"apiVersion":"curatorctl/v2","kind":"Cache","ca_sha256":")", kCa, "\"}"),
        absl::StrCat(R"({"apiVersion":"curatorctl/v1","kind":"Cache","ca_sha256":")", kCa,
                     R"(","leader_id":"\u0041"})")}) {
    EXPECT_EQ(ParseCache(foreign, kCa), Learnt()) << foreign;
  }
}

TEST(CacheText, MayHaveFieldsOfALaterVersion) {
  const Learnt learnt =
      ParseCache(absl::StrCat(R"({"apiVersion":"curatorctl/v1","kind":"Cache","ca_sha256":")", kCa,
                              R"(","labels":["a=b"],"curators":["h:1"],"more":"","nodes":[]})"),
                 kCa);
  EXPECT_THAT(learnt.curators, ElementsAre("h:1"));
  EXPECT_TRUE(learnt.node_ids.has_value());
}

TEST(CacheText, ThatIsDamagedIsReadWithoutHarm) {
  const std::string text = CacheText(kCa, Sample());
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string damaged = text;
    for (int i = 0; i < 3; ++i) {
      damaged[random() % damaged.size()] = "\"\\,:[]{}a\n"[random() % 10];
    }
    ParseCache(damaged, kCa);
  }
}

class CacheFile : public ::testing::Test {
 protected:
  ~CacheFile() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  struct stat Stat() const {
    struct stat info = {};
    EXPECT_EQ(stat(path().c_str(), &info), 0);
    return info;
  }
  std::string path() const { return folder_ + "/new/lab.json"; }

  static std::string NewFolder() {
    char name[] = "/tmp/cache-test.XXXXXX";
    return mkdtemp(name);
  }

  const std::string folder_ = NewFolder();
  const Cache cache_{path()};
};

TEST_F(CacheFile, KeepsWhatWasLearnt) {
  EXPECT_EQ(cache_.Read(kCa), Learnt());
  cache_.Write(kCa, Sample(), Learnt());
  const Learnt read = cache_.Read(kCa);
  EXPECT_EQ(read, Sample());
  EXPECT_EQ(read.nodes_seen_at, Sample().nodes_seen_at);
  EXPECT_EQ(cache_.Read(kOtherCa), Learnt());
  EXPECT_EQ(Stat().st_mode & 0777, 0600u);
}

TEST_F(CacheFile, IsNotRewrittenWithWhatItSays) {
  cache_.Write(kCa, Sample(), Learnt());
  const ino_t file = Stat().st_ino;
  Learnt again = Sample();
  again.nodes_seen_at += absl::Seconds(10);
  cache_.Write(kCa, again, cache_.Read(kCa));
  EXPECT_EQ(Stat().st_ino, file);
  EXPECT_EQ(cache_.Read(kCa).nodes_seen_at, again.nodes_seen_at);
}

TEST_F(CacheFile, TellsWhenTheNodesWereSeenNotTheLeader) {
  cache_.Write(kCa, Sample(), Learnt());
  const Learnt read = cache_.Read(kCa);
  Learnt other = read;
  other.leader_address = "10.0.1.6:7835";
  cache_.Write(kCa, other, read);
  EXPECT_EQ(cache_.Read(kCa), other);
  EXPECT_EQ(cache_.Read(kCa).nodes_seen_at, Sample().nodes_seen_at);
}

TEST_F(CacheFile, TakesThePlaceOfAForeignOne) {
  ASSERT_TRUE(MakeFolder(FolderOf(path())).ok());
  ASSERT_TRUE(ReplaceFile(path(), CacheText(kOtherCa, Sample()), 0644).ok());
  cache_.Write(kCa, Sample(), cache_.Read(kCa));
  EXPECT_EQ(cache_.Read(kCa), Sample());
  EXPECT_EQ(Stat().st_mode & 0777, 0600u);
}

TEST_F(CacheFile, IsOfBoundedSize) {
  Learnt large = Sample();
  large.node_ids->resize(kMostCachedNodes + 1, "metropolis-00000000000000000000000000000001");
  EXPECT_FALSE(ParseCache(CacheText(kCa, large), kCa).node_ids.has_value());
  large.node_ids->pop_back();
  cache_.Write(kCa, large, Learnt());
  EXPECT_EQ(cache_.Read(kCa), large);
  EXPECT_LT(Stat().st_size, 256 << 10);
}

TEST_F(CacheFile, ThatCannotBeWrittenIsMissedByNobody) {
  for (const std::string& path :
       {std::string(), std::string("/dev/null/lab.json"), std::string("/proc/lab.json")}) {
    const Cache cache(path);
    cache.Write(kCa, Sample(), Learnt());
    EXPECT_EQ(cache.Read(kCa), Learnt());
  }
}

}  // namespace
}  // namespace curator::cli
