// Directories that are not what an agent leaves behind.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "libclient/client/durable_file.h"
#include "libclient/client/node_files.h"
#include "libclient/identity/certificate.h"
#include "tests/unit/client_agent/agent_fixture.h"

namespace curator::testing_support {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class DataDir : public AgentTest {
 protected:
  void SetUp() override {
    cluster_.ApproveAtOnce();
    cluster_.Lead(0);
    ASSERT_TRUE(NodeAgent(Options()).EnsureCommitted(Within(absl::Seconds(30))).ok());
  }
  std::string Path(const std::string& name) const {
    return absl::StrCat(Options().data_dir, "/", name);
  }
  void Overwrite(const std::string& name, const std::string& contents) const {
    std::ofstream(Path(name), std::ios::trunc) << contents;
  }
  Error FailureToStart() const {
    const auto node = NodeAgent(Options()).EnsureCommitted(Within(absl::Seconds(30)));
    return ErrorOf(node.status());
  }
};

TEST_F(DataDir, NamesTheFileThatIsHalfWritten) {
  for (const char* name : {"node.key", "join.key", "unlock.key", "ca.pem", "node.pem"}) {
    const std::string whole = **ReadFileIfPresent(Path(name));
    for (const std::string& part : {std::string(), whole.substr(0, whole.size() / 2)}) {
      Overwrite(name, part);
      const Error error = FailureToStart();
      EXPECT_EQ(error.code, ErrorCode::kRefused) << name;
      EXPECT_THAT(error.message, HasSubstr(Path(name)));
      EXPECT_FALSE(error.cause.empty());
      EXPECT_FALSE(error.hints.empty());
    }
    Overwrite(name, whole);
  }
  EXPECT_TRUE(NodeAgent(Options()).EnsureCommitted(Within(absl::ZeroDuration())).ok());
}

TEST_F(DataDir, NamesTheFileThatIsMissing) {
  for (const char* name : {"node.key", "join.key", "ca.pem"}) {
    const std::string whole = **ReadFileIfPresent(Path(name));
    std::filesystem::remove(Path(name));
    const Error error = FailureToStart();
    EXPECT_EQ(error.code, ErrorCode::kRefused);
    EXPECT_THAT(error.cause, AllOf(HasSubstr(name), HasSubstr("missing")));
    Overwrite(name, whole);
  }
}

TEST_F(DataDir, RefusesFilesThatDoNotBelongTogether) {
  const std::string key = **ReadFileIfPresent(Path("node.key"));
  Overwrite("node.key", identity::PrivateKey::Generate().ToPem());
  EXPECT_THAT(FailureToStart().cause, HasSubstr("not the certificate of node.key"));
  Overwrite("node.key", key);

  const identity::PrivateKey other = identity::PrivateKey::Generate();
  Overwrite("ca.pem", identity::IssueCaCertificate(other, "other").pem());
  EXPECT_THAT(FailureToStart().cause, HasSubstr("not signed by the CA"));
}

TEST_F(DataDir, RefusesANodeOfAnotherCluster) {
  NodeAgentOptions options = Options();
  options.ca_sha256 = identity::Sha256Hex("another");
  const Error error =
      ErrorOf(NodeAgent(options).EnsureCommitted(Within(absl::Seconds(30))).status());
  EXPECT_EQ(error.code, ErrorCode::kUntrusted);
  EXPECT_THAT(error.message, HasSubstr("belongs to another cluster"));
}

TEST_F(DataDir, IgnoresWhatAnInterruptedWriteLeft) {
  std::filesystem::remove(Path("node.pem"));
  Overwrite(".node.pem.tmp", "half");
  EXPECT_TRUE(NodeAgent(Options()).EnsureCommitted(Within(absl::Seconds(30))).ok());
  EXPECT_FALSE(std::filesystem::exists(Path(".node.pem.tmp")));
}

TEST_F(DataDir, SaysWhenItHoldsNoCommittedNode) {
  EXPECT_EQ(ErrorOf(LoadNodeCredentials(directory_.path()).status()).code, ErrorCode::kNotFound);
}

TEST_F(DataDir, RefusesACertificateOfAnotherKey) {
  absl::StatusOr<StoredNode> node = ReadStoredNode(Options().data_dir);
  ASSERT_TRUE(node.ok()) << node.status();
  const std::string before = **ReadFileIfPresent(Path("node.pem"));
  const identity::PrivateKey other = identity::PrivateKey::Generate();
  const Error error = ErrorOf(StoreCertificate(
      Options().data_dir, identity::IssueEphemeralCertificate(other).der(), *node));
  EXPECT_EQ(error.code, ErrorCode::kUntrusted);
  EXPECT_EQ(**ReadFileIfPresent(Path("node.pem")), before);
}

TEST(CreateDirectoryDurably, MakesWhatIsMissing) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/a//b/c/";
  ASSERT_TRUE(CreateDirectoryDurably(path).ok());
  EXPECT_TRUE(std::filesystem::is_directory(path));
  EXPECT_TRUE(CreateDirectoryDurably(path).ok());
}

TEST(CreateDirectoryDurably, SaysWhyItCannot) {
  const TemporaryDirectory directory;
  std::ofstream(directory.path() + "/file") << "x";
  for (const std::string& path : {directory.path() + "/file", directory.path() + "/file/below",
                                  std::string("/proc/no/such/place"), std::string()}) {
    const absl::Status status = CreateDirectoryDurably(path);
    ASSERT_FALSE(status.ok()) << path;
    EXPECT_FALSE(DescribeError(status).message.empty());
  }
}

TEST(WriteFileDurably, NamesTheDirectoryItCannotWriteTo) {
  const absl::Status status = WriteFileDurably("/proc", "node.key", "x", 0600);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(DescribeError(status).code, ErrorCode::kRefused);
  EXPECT_THAT(DescribeError(status).message, HasSubstr("/proc/"));
}

}  // namespace
}  // namespace curator::testing_support
